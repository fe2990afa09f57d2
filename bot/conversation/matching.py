"""Whether two words are forms of one, beyond what a stemmer sees; what it sees too much is shown before it counts.

Words of Slavic languages lose the vowel before their last consonant (день, дня; Павел, Павла), some words change inside
(child, children; мать, матери), and Germanic and Finnic ones grow together (Passwort, Bankpasswort).

Whether a text holds what a person names: every word of it, in any inflection, or a phrase in quotes as it stands.

Nothing is left out: a word that many texts hold narrows what is found all the same. Texts are compared themselves, and
not the search index, which may be behind, and knows no signs.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from bot.conversation.stemming import PLAIN, USUAL, Script, fold, script_for, script_of, stem
from bot.conversation.wordlists import stop_words

COMMON = 3
"""The first letters of a word that all its inflections share ..."""
_ENDED = (Script.LATIN, Script.GREEK, Script.CYRILLIC, None)
"""... in scripts whose words change at their end; digits don't change."""
LEAST_ROOT, LONGEST_ENDING = 4, 4
"""Of languages without a stemmer: a word is another's inflection when it begins with all of it and little is behind."""
LEAST_FIRST, LEAST_PART = 5, 6
"""Letters of a word that a compound begins with, or holds anywhere."""
_COMPOUNDING = frozenset({"da", "de", "et", "fi", "hu", "nl", "no", "sv"})
_SLAVIC = frozenset({"bg", "cs", "pl", "ru", "sr", "uk"})
_VOWELS = "\u0430\u0435\u0438\u043e\u0443\u044b\u044d\u044e\u044faeiouy"
"""Cyrillic and Latin ones."""
_FLEETING = re.compile(f"(?<=[^{_VOWELS}ь])(?:[\u0435\u043eь]|i?e)(?=[^{_VOWELS}ьй]$)")
_BARE = re.compile(f"([^{_VOWELS}]{{2,3}})[{_VOWELS}][{_VOWELS}мхйв]{{0,2}}")
"""Nothing but consonants before the ending: no stemmer takes that off."""
_IRREGULAR = {
    "en": "children child men man women woman feet foot teeth tooth gees goos mice mous wive wife knive knife"
    " halv half shelv shelf thiev thief loav loaf wolv wolf calv calf",
    "ru": "дочер доч матер мат имен им времен врем друз друг сынов сын племен плем семен сем знамен знам бремен брем",
}
"""Stems of words that change inside, each before the one that it counts as."""
_COUNTS_AS = {language: dict(zip(*[iter(stems.split())] * 2, strict=True)) for language, stems in _IRREGULAR.items()}
_CHANGED = frozenset(" ".join(_IRREGULAR.values()).split())
_LAST = {"es": (re.compile("z$"), "c"), "pt": (re.compile("(?<=c)[ao]$"), "")}
"""Voz, voces; coração, corações."""
_SPOKEN_TOGETHER = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"
)
"""Scripts without blanks between words, or with endings on any of them: what is asked for may stand inside."""
_RUN = re.compile(f"[{_SPOKEN_TOGETHER}]+")
_MARKS = "".join(chr(code) for code in range(0x300, 0x2000) if unicodedata.category(chr(code)) in ("Mn", "Mc"))
_WORD = re.compile(rf"[^\W_{_SPOKEN_TOGETHER}](?:[^\W_{_SPOKEN_TOGETHER}]+|[{_MARKS}]+)*")
_ACCENTS = re.compile("[\u0300-\u036f]+")
_QUOTED = re.compile(
    '"([^"]+)"|\u201c([^\u201c\u201d]+)\u201d|\u201e([^\u201c-\u201e]+)[\u201c\u201d]|«([^«»]+)»|「([^「」]+)」'
)
_LANGUAGES = ("de", "en", "es", "fr", "it", "nl", "pl", "pt", "sv", "tr", "ru", "uk", "bg")
"""Those that are looked for in a conversation, besides those that its people have chosen."""
SURE = 3
"""Distinct stop words that tell that a language is spoken in a conversation."""
_DIGIT = re.compile(f"[{''.join(chr(code) for code in range(0x80, 0x10000) if chr(code).isdecimal())}]")
_OTHERWISE = re.compile(f"[{''.join(map(chr, PLAIN))}]")
_JOINED = re.compile(r"(?<!\w)\w++(?:-\w++)+")


def beginning(word: str) -> str:
    """What all forms of a word begin with."""
    plain, script = fold(word), script_of(word)
    if script not in _ENDED:
        return ""
    if script is Script.CYRILLIC:
        return plain[: min(COMMON, _changes_at(word))]
    if script is Script.LATIN and stem(word, "en") in _CHANGED:
        return plain[:1]
    return plain[:-1][:COMMON] if plain.endswith("z") else plain[:COMMON]  # voz, voces


def _changes_at(word: str) -> int:
    """Where in a Russian word a vowel may be lost, or come in."""
    stemmed = stem(word, "ru")
    if stemmed in _CHANGED:
        return 2
    if bare := _BARE.fullmatch(fold(word)):
        stemmed = bare[1]
    lost = _FLEETING.search(stemmed)
    return lost.start() if lost else len(stemmed) - 1


def is_form(ours: str, theirs: str, languages: Collection[str]) -> bool:
    """Whether two words of one script are forms of one, in one of these languages."""
    plain, other = fold(ours), fold(theirs)
    if not other.startswith(beginning(ours)):
        return False
    if any(not _forms(ours, language).isdisjoint(_forms(theirs, language)) for language in languages):
        return True
    stemmed_well = set(languages) == {"en"} and ours.isascii()
    return not stemmed_well and begins(plain, other)


def is_compound(ours: str, theirs: str, languages: Collection[str]) -> bool:
    """Whether a word has grown together with others, in a language where words do."""
    if _COMPOUNDING.isdisjoint(languages):
        return False
    plain, other = fold(ours), fold(theirs)
    return (len(plain) >= LEAST_PART and plain in other) or (len(plain) >= LEAST_FIRST and other.startswith(plain))


def begins(plain: str, other: str) -> bool:
    """Whether one word is the other and a short ending."""
    shorter, longer = sorted((plain, other), key=len)
    return len(shorter) >= LEAST_ROOT and longer.startswith(shorter) and len(longer) - len(shorter) <= LONGEST_ENDING


def _forms(word: str, language: str) -> set[str]:
    """What tells a word from others; for some there are several."""
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
    """The languages of a conversation: those that were chosen, and those whose small words stand in it."""
    words = {word for text in texts for word in _WORD.findall(_unified(text))}
    spoken = {language for language in _LANGUAGES if len(words & stop_words(language)) >= SURE}
    return frozenset(spoken | {language.split("-")[0].lower() for language in chosen if language})


@dataclass(frozen=True, slots=True)
class Matcher:
    """Looks for some words in texts of these languages."""

    words: tuple[str, ...]
    parts: tuple[str, ...]
    """What has to stand in a text just so: phrases, signs, words of scripts without blanks."""
    languages: frozenset[str]
    _begun: tuple[str, ...] = ()
    """How some word of the text has to begin: a look at all of them takes a hundred times as long."""
    _known: dict[str, frozenset[int]] = field(default_factory=dict)
    """Which of the words each word is an inflection of."""

    def __bool__(self) -> bool:
        return bool(self.words or self.parts)

    def holds(self, text: str) -> bool:
        """Whether all that is looked for stands in the text."""
        if not self:
            return False
        unified = _unified(text)
        flat = _flat(unified)
        joined = [word.replace("-", "") for word in _JOINED.findall(flat)] if "-" in flat else []  # wi-fi is wifi too
        begin = " ".join([flat, *joined])
        if not all(_stands(part, flat) for part in self.parts) or not all(begun in begin for begun in self._begun):
            return False
        missing = set(range(len(self.words)))
        for word in (*_WORD.findall(unified), *joined) if missing else ():
            missing -= self._meant(word)
            if not missing:
                return True
        return not missing

    def _meant(self, word: str) -> frozenset[int]:
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


def matcher(asked: str, languages: frozenset[str], without: Callable[[str], bool] = lambda _: False) -> Matcher:
    """For what a person has typed; words for which `without` holds are not asked for."""
    phrases = [_flat(_unified(next(filter(None, found)))) for found in _QUOTED.findall(asked)]
    rest = _unified(_QUOTED.sub(" ", asked))
    words = [word for word in dict.fromkeys(_WORD.findall(rest)) if not without(word)]
    signs = _signs(_RUN.sub(" ", _WORD.sub(" ", rest)), alone=not (words or phrases or _RUN.search(rest)))
    parts = dict.fromkeys([*phrases, *map(_flat, (*_RUN.findall(rest), *signs))])
    begun = tuple(map(beginning, words))
    return Matcher(tuple(words), tuple(part for part in parts if part), languages, begun)


def says_nothing(languages: Collection[str]) -> Callable[[str], bool]:
    """Whether a word is one of the small ones of any of these languages."""
    return lambda word: any(word in stop_words(language) for language in languages)


def _languages_for(script: Script, spoken: Collection[str]) -> set[str]:
    return {USUAL[script], *(language for language in spoken if script_for(language) is script)}


def _signs(rest: str, *, alone: bool) -> Sequence[str]:
    """Signs such as emoji, each for itself; punctuation only where nothing else is asked for."""
    found = [sign for sign in rest.split() if alone or any(unicodedata.category(char)[0] == "S" for char in sign)]
    return [sign.strip(".,;:!?") or sign for sign in found]


def _stands(part: str, flat: str) -> bool:
    """Whether a part stands in a text, not inside another word where words stand apart."""
    at = flat.find(part)
    while at >= 0:
        end = at + len(part)
        if not (_goes_on(flat[at - 1 : at], part[0]) or _goes_on(part[-1], flat[end : end + 1])):
            return True
        at = flat.find(part, at + 1)
    return False


def _goes_on(before: str, after: str) -> bool:
    return bool(_WORD.match(before) and _WORD.match(after))


def _unified(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\ufe0f", "")
    return plain if plain.isascii() else _DIGIT.sub(lambda digit: str(unicodedata.digit(digit[0])), plain)


def _flat(unified: str) -> str:
    if unified.isascii():
        return " ".join(unified.split())
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", unified))
    bare = _OTHERWISE.sub(lambda letter: PLAIN[ord(letter[0])], bare)
    return " ".join(unicodedata.normalize("NFC", bare).split())  # Korean syllables whole again
