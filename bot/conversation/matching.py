"""Exact matching for /forget: whether a text contains what a user typed, in any inflection.

Every word must occur, and phrases in quotes literally. No word is ignored as too frequent, since any word narrows the
result. The texts themselves are compared, because the search index may lag behind and ignores punctuation and emoji.

Word forms go beyond what a stemmer knows: Slavic words lose the vowel before their last consonant (день, дня; Павел,
Павла), some words change inside (child, children; мать, матери), and Germanic and Finnic ones form compounds (Passwort,
Bankpasswort). False matches are visible in the preview before anything is deleted.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from bot.conversation.stemming import PLAIN, USUAL, Script, fold, script_for, script_of, stem
from bot.conversation.wordlists import stop_words

COMMON = 3
"""The number of initial letters that all inflections of a word share ..."""
_ENDED = (Script.LATIN, Script.GREEK, Script.CYRILLIC, None)
"""... in scripts whose words change at the end; digits don't change."""
LEAST_ROOT, LONGEST_ENDING = 4, 4
"""For languages without a stemmer: the shortest word, and the longest ending that makes another word its inflection."""
LEAST_FIRST, LEAST_PART = 5, 6
"""The fewest letters of a word that a compound begins with, or contains anywhere."""
_COMPOUNDING = frozenset({"da", "de", "et", "fi", "hu", "nl", "no", "sv"})
_SLAVIC = frozenset({"bg", "cs", "pl", "ru", "sr", "uk"})
_VOWELS = "\u0430\u0435\u0438\u043e\u0443\u044b\u044d\u044e\u044faeiouy"
"""Cyrillic and Latin vowels."""
_FLEETING = re.compile(f"(?<=[^{_VOWELS}ь])(?:[\u0435\u043eь]|i?e)(?=[^{_VOWELS}ьй]$)")
_BARE = re.compile(f"([^{_VOWELS}]{{2,3}})[{_VOWELS}][{_VOWELS}мхйв]{{0,2}}")
"""Only consonants before the ending, which no stemmer removes."""
_IRREGULAR = {
    "en": "children child men man women woman feet foot teeth tooth gees goos mice mous wive wife knive knife"
    " halv half shelv shelf thiev thief loav loaf wolv wolf calv calf",
    "ru": "дочер доч матер мат имен им времен врем друз друг сынов сын племен плем семен сем знамен знам бремен брем",
}
"""Pairs of stems of irregular words: the second is replaced by the first."""
_COUNTS_AS = {language: dict(zip(*[iter(stems.split())] * 2, strict=True)) for language, stems in _IRREGULAR.items()}
_CHANGED = frozenset(" ".join(_IRREGULAR.values()).split())
_LAST = {"es": (re.compile("z$"), "c"), "pt": (re.compile("(?<=c)[ao]$"), "")}
"""Voz, voces; coração, corações."""
_SPOKEN_TOGETHER = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"
)
"""Scripts without spaces, or with endings on any word: a search word may occur inside a run."""
_RUN = re.compile(f"[{_SPOKEN_TOGETHER}]+")
_MARKS = "".join(chr(code) for code in range(0x300, 0x2000) if unicodedata.category(chr(code)) in ("Mn", "Mc"))
_WORD = re.compile(rf"[^\W_{_SPOKEN_TOGETHER}](?:[^\W_{_SPOKEN_TOGETHER}]+|[{_MARKS}]+)*")
_ACCENTS = re.compile("[\u0300-\u036f]+")
_QUOTED = re.compile(
    '"([^"]+)"|\u201c([^\u201c\u201d]+)\u201d|\u201e([^\u201c-\u201e]+)[\u201c\u201d]|«([^«»]+)»|「([^「」]+)」'
)
_LANGUAGES = ("de", "en", "es", "fr", "it", "nl", "pl", "pt", "sv", "tr", "ru", "uk", "bg")
"""Languages that are detected in a conversation, in addition to those its users have chosen."""
MOST_INFLECTED = 40
"""Further words of a search must occur as they are: each word of a text is compared with each of these."""
SURE = 3
"""Distinct stop words needed to conclude that a language is used."""
_DIGIT = re.compile(f"[{''.join(chr(code) for code in range(0x80, 0x10000) if chr(code).isdecimal())}]")
_OTHERWISE = re.compile(f"[{''.join(map(chr, PLAIN))}]")
_JOINED = re.compile(r"(?<!\w)\w++(?:-\w++)+")


def common_prefix(word: str) -> str:
    """The prefix shared by all forms of a word."""
    plain, script = fold(word), script_of(word)
    if script not in _ENDED:
        return ""
    if script is Script.CYRILLIC:
        return plain[: min(COMMON, _changes_at(word))]
    if script is Script.LATIN and stem(word, "en") in _CHANGED:
        return plain[:1]
    return plain[:-1][:COMMON] if plain.endswith("z") else plain[:COMMON]  # voz, voces


def _changes_at(word: str) -> int:
    """The position in a Russian word where a vowel may disappear or appear."""
    stemmed = stem(word, "ru")
    if stemmed in _CHANGED:
        return 2
    if bare := _BARE.fullmatch(fold(word)):
        stemmed = bare[1]
    lost = _FLEETING.search(stemmed)
    return lost.start() if lost else len(stemmed) - 1


def is_form(ours: str, theirs: str, languages: Collection[str]) -> bool:
    """Whether two words of the same script are forms of one word in any of these languages."""
    plain, other = fold(ours), fold(theirs)
    if not other.startswith(common_prefix(ours)):
        return False
    if any(not _forms(ours, language).isdisjoint(_forms(theirs, language)) for language in languages):
        return True
    stemmed_well = set(languages) == {"en"} and ours.isascii()
    return not stemmed_well and begins(plain, other)


def is_compound(ours: str, theirs: str, languages: Collection[str]) -> bool:
    """Whether `theirs` is a compound of `ours`, in a language that has compounds."""
    if _COMPOUNDING.isdisjoint(languages):
        return False
    plain, other = fold(ours), fold(theirs)
    return (len(plain) >= LEAST_PART and plain in other) or (len(plain) >= LEAST_FIRST and other.startswith(plain))


def begins(plain: str, other: str) -> bool:
    """Whether one word is the other plus a short ending."""
    shorter, longer = sorted((plain, other), key=len)
    return len(shorter) >= LEAST_ROOT and longer.startswith(shorter) and len(longer) - len(shorter) <= LONGEST_ENDING


def _forms(word: str, language: str) -> set[str]:
    """The stems that identify a word; some have several."""
    stemmed = stem(word, language)
    if language in _LAST:
        ending, instead = _LAST[language]
        return {ending.sub(instead, stemmed)}
    stemmed = _COUNTS_AS.get(language, {}).get(stemmed, stemmed)
    if language not in _SLAVIC or word in stop_words(language):
        return {stemmed}
    plain = fold(word)
    if bare := _BARE.fullmatch(plain):
        return {stemmed, _FLEETING.sub("", bare[1])}
    return {stemmed, _FLEETING.sub("", stemmed), _FLEETING.sub("", plain)}


def languages_in(texts: Iterable[str], chosen: Iterable[str | None]) -> frozenset[str]:
    """The languages of a conversation: the chosen ones, and those whose stop words occur."""
    words = {word for text in texts for word in _WORD.findall(_normalize(text))}
    spoken = {language for language in _LANGUAGES if len(words & stop_words(language)) >= SURE}
    return frozenset(spoken | {language.split("-")[0].lower() for language in chosen if language})


@dataclass(frozen=True, slots=True)
class Matcher:
    """Looks for words in texts of the given languages."""

    words: tuple[str, ...]
    parts: tuple[str, ...]
    """Literal parts: phrases, emoji, words of scripts without spaces."""
    languages: frozenset[str]
    _begun: tuple[str, ...] = ()
    """Prefixes that must occur in a matching text: checking them first is a hundred times faster."""
    _known: dict[str, frozenset[int]] = field(default_factory=dict)
    """Cache: for each word seen, the indexes of the search words it is a form of."""

    def __bool__(self) -> bool:
        return bool(self.words or self.parts)

    def matches(self, text: str) -> bool:
        """Whether the text contains everything searched for."""
        if not self:
            return False
        unified = _normalize(text)
        flat = _flatten(unified)
        joined = (
            [word.replace("-", "") for word in _JOINED.findall(flat)] if "-" in flat else []
        )  # wi-fi also matches wifi
        begin = " ".join([flat, *joined])
        if not all(_occurs(part, flat) for part in self.parts) or not all(begun in begin for begun in self._begun):
            return False
        missing = set(range(len(self.words)))
        for word in (*_WORD.findall(unified), *joined) if missing else ():
            missing -= self._words_matched(word)
            if not missing:
                return True
        return not missing

    def _words_matched(self, word: str) -> frozenset[int]:
        if word not in self._known:
            self._known[word] = frozenset(at for at, ours in enumerate(self.words) if self._is_same(ours, word))
        return self._known[word]

    def _is_same(self, ours: str, theirs: str) -> bool:
        plain, other = fold(ours), fold(theirs)
        if plain == other:
            return True
        script = script_of(ours)
        if script_of(theirs) is not script:
            return False
        if script is None:
            return ours[0].isalpha() and begins(plain, other)
        languages = _languages_for(script, self.languages)
        return is_form(ours, theirs, languages) or is_compound(ours, theirs, languages)


def make_matcher(asked: str, languages: frozenset[str], without: Callable[[str], bool] = lambda _: False) -> Matcher:
    """A matcher for what a user typed, ignoring words for which `without` is true."""
    phrases = [_flatten(_normalize(next(filter(None, found)))) for found in _QUOTED.findall(asked)]
    rest = _normalize(_QUOTED.sub(" ", asked))
    words = [word for word in dict.fromkeys(_WORD.findall(rest)) if not without(word)]
    signs = _signs(_RUN.sub(" ", _WORD.sub(" ", rest)), alone=not (words or phrases or _RUN.search(rest)))
    parts = dict.fromkeys([*phrases, *map(_flatten, (*_RUN.findall(rest), *signs))])
    parts |= dict.fromkeys(map(_flatten, words[MOST_INFLECTED:]))
    words = words[:MOST_INFLECTED]
    begun = tuple(map(common_prefix, words))
    return Matcher(tuple(words), tuple(part for part in parts if part), languages, begun)


def stop_word_test(languages: Collection[str]) -> Callable[[str], bool]:
    """A predicate that is true for stop words of any of these languages."""
    return lambda word: any(word in stop_words(language) for language in languages)


def _languages_for(script: Script, spoken: Collection[str]) -> set[str]:
    return {USUAL[script], *(language for language in spoken if script_for(language) is script)}


def _signs(rest: str, *, alone: bool) -> Sequence[str]:
    """Symbols such as emoji, one by one; punctuation only if nothing else was typed."""
    found = [sign for sign in rest.split() if alone or any(unicodedata.category(char)[0] == "S" for char in sign)]
    return [sign.strip(".,;:!?") or sign for sign in found]


def _occurs(part: str, flat: str) -> bool:
    """Whether a part occurs in a text, at word boundaries where the script has them."""
    at = flat.find(part)
    while at >= 0:
        end = at + len(part)
        if not (_goes_on(flat[at - 1 : at], part[0]) or _goes_on(part[-1], flat[end : end + 1])):
            return True
        at = flat.find(part, at + 1)
    return False


def _goes_on(before: str, after: str) -> bool:
    return bool(_WORD.match(before) and _WORD.match(after))


def _normalize(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\ufe0f", "")
    return plain if plain.isascii() else _DIGIT.sub(lambda digit: str(unicodedata.digit(digit[0])), plain)


def _flatten(unified: str) -> str:
    if unified.isascii():
        return " ".join(unified.split())
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", unified))
    bare = _OTHERWISE.sub(lambda letter: PLAIN[ord(letter[0])], bare)
    return " ".join(unicodedata.normalize("NFC", bare).split())  # recompose Korean syllables
