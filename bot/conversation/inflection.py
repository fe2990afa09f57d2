"""Whether two words are forms of one, beyond what a stemmer sees; what it sees too much is shown before it counts.

Words of Slavic languages lose the vowel before their last consonant (день, дня; Павел, Павла), some words change inside
(child, children; мать, матери), and Germanic and Finnic ones grow together (Passwort, Bankpasswort).
"""

import re
from collections.abc import Collection

from bot.conversation.scripts import Script, script_of
from bot.conversation.stems import fold, stem
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
