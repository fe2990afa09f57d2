"""Words without their inflection, by Snowball's stemmers, and letters without what people leave out when they type."""

import re
import threading
import unicodedata
from collections.abc import Callable
from functools import lru_cache

import Stemmer

from bot.conversation.scripts import Script, script_of

VERSION = Stemmer.version()
_SNOWBALL = {
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
}
LONGEST = 64
"""Characters of a word that is stemmed; none is longer but by mistake."""
_FOLDED_SCRIPTS = frozenset({Script.LATIN, Script.GREEK, Script.CYRILLIC, Script.HEBREW, Script.ARABIC, None})
"""Marks of other scripts are vowels."""
PLAIN = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "\u0131": "i",
        "æ": "ae",
        "œ": "oe",
        "ð": "d",
        "þ": "th",
        "ħ": "h",
        "\u0640": "",  # the stretching of Arabic
        "\u0649": "\u064a",
        "\u06cc": "\u064a",
        "\u0629": "\u0647",
        "\u06a9": "\u0643",
    }
)
"""Letters that are written otherwise by who has no key for them."""
_UKRAINIAN = str.maketrans("ієїґ", "иеиг")
_BULGARIAN_ARTICLE = re.compile("(?<=..)(?:ът|ят|та|то|те)$")
_HEBREW_PREFIX = re.compile("^(?:[ושכ]?ה|[ובלמשכ])(?=...)")
_HEBREW_SUFFIX = re.compile("(?<=..)(?:ים|ות|יה|ה|ת|\u05d9)$")
_ARABIC_PREFIX = re.compile("^(?:[وفبك]?ال|لل|و)(?=..[^ ])")
_ARABIC_SUFFIXES = (
    re.compile("(?<=...)ت(?:ي|ك|ه|ها|هم|كم|نا)$"),
    re.compile("(?<=..)(?:ها|هم|كم|نا|ات|ان|ون|ين|يه|ه|ي|ا)$"),
)
_local = threading.local()


def stem(word: str, language: str) -> str:
    """A word in small letters without its inflection and its accents; a word of another script as it is."""
    return _stem(word, language)


@lru_cache(maxsize=50_000)
def _stem(word: str, language: str) -> str:
    stemmed = word
    if len(word) <= LONGEST:
        stemmer = _OWN.get(language) or (_snowball if language in _SNOWBALL else None)
        stemmed = stemmer(word, language) if stemmer else word
    return fold(stemmed) or fold(word)


def fold(word: str) -> str:
    """A word without accents, vowel marks and other things that people leave out."""
    if word.isascii() or script_of(word) not in _FOLDED_SCRIPTS:
        return word
    letters = unicodedata.normalize("NFKD", word)
    return "".join(letter for letter in letters if unicodedata.category(letter) != "Mn").translate(PLAIN)


def _snowball(word: str, language: str) -> str:
    made = _local.__dict__.setdefault("made", {})  # one of them serves one thread
    if language not in made:
        made[language] = Stemmer.Stemmer(_SNOWBALL[language])
    return str(made[language].stemWord(word))


def _ukrainian(word: str, _: str) -> str:
    return _snowball(word.translate(_UKRAINIAN), "ru")


def _bulgarian(word: str, _: str) -> str:
    return _snowball(_BULGARIAN_ARTICLE.sub("", word), "ru")


def _arabic(word: str, _: str) -> str:
    """Snowball's takes the s off a car: it may mean the future. So only articles, endings and possessives go."""
    bare = _ARABIC_PREFIX.sub("", fold(word))
    for suffix in _ARABIC_SUFFIXES:
        shorter = suffix.sub("", bare)
        if shorter != bare:
            return shorter
    return bare


def _hebrew(word: str, _: str) -> str:
    bare = fold(word)
    return _HEBREW_SUFFIX.sub("", _HEBREW_PREFIX.sub("", bare))


_OWN: dict[str, Callable[[str, str], str]] = {"ar": _arabic, "uk": _ukrainian, "bg": _bulgarian, "he": _hebrew}
"""Languages that Snowball has no stemmer for: the nearest one's, or what is no part of the word taken off."""
