"""Scripts and stemming: which script a word is in, its default language, and its stem without accents.

Stems are from Snowball, or from rules here for languages that it doesn't support.
"""

import re
import threading
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from enum import Enum
from functools import cache, lru_cache

import Stemmer

UNSPACED = frozenset({"zh", "ja", "ko", "th"})
HAN = "\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
KANA = "\u3040-\u30ff"
HANGUL = "\uac00-\ud7af"
CLUSTERED = (
    "\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u1b00-\u1b7f"
    "\ua980-\ua9ff\uaa60-\uaadf"
)
"""Thai, Lao, Burmese, Khmer, Tai, Balinese and Javanese: no spaces, and characters composed of several code points."""
_HAN = re.compile(f"[{HAN}]")
_SIGNS = (
    ("ja", re.compile(f"[{KANA}]")),
    ("ko", re.compile(f"[{HANGUL}]")),
    ("zh", _HAN),
    ("th", re.compile("[\u0e00-\u0e7f]")),
)
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
"""The longest word that is stemmed; longer ones are not real words."""
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
        "\u0640": "",  # Arabic tatweel
        "\u0649": "\u064a",
        "\u06cc": "\u064a",
        "\u0629": "\u0647",
        "\u06a9": "\u0643",
    }
)
"""Substitutes that people type for letters missing on their keyboard."""
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


class Script(Enum):
    """Scripts with spaces between words that can be stemmed."""

    LATIN = "Latin"
    GREEK = "Greek"
    CYRILLIC = "Cyrillic"
    ARMENIAN = "Armenian"
    HEBREW = "Hebrew"
    ARABIC = "Arabic"
    DEVANAGARI = "Devanagari"
    TAMIL = "Tamil"

    __hash__ = object.__hash__  # Enum's own, in Python, would take a tenth of all indexing time


_RANGES = (
    (0x0041, 0x024F, Script.LATIN),
    (0x0370, 0x03FF, Script.GREEK),
    (0x0400, 0x052F, Script.CYRILLIC),
    (0x0531, 0x058A, Script.ARMENIAN),
    (0x0590, 0x05FF, Script.HEBREW),
    (0x0600, 0x06FF, Script.ARABIC),
    (0x0750, 0x077F, Script.ARABIC),
    (0x08A0, 0x08FF, Script.ARABIC),
    (0x0900, 0x097F, Script.DEVANAGARI),
    (0x0B80, 0x0BFF, Script.TAMIL),
    (0x1E00, 0x1EFF, Script.LATIN),
    (0x1F00, 0x1FFF, Script.GREEK),
)


_STARTS = [start for start, _, _ in _RANGES]


USUAL = {
    Script.LATIN: "en",
    Script.GREEK: "el",
    Script.CYRILLIC: "ru",
    Script.ARMENIAN: "hy",
    Script.HEBREW: "he",
    Script.ARABIC: "ar",
    Script.DEVANAGARI: "hi",
    Script.TAMIL: "ta",
}
"""The default language (ISO 639-1) of each script."""


_OTHERS = {
    "ru": Script.CYRILLIC,
    "uk": Script.CYRILLIC,
    "bg": Script.CYRILLIC,
    "sr": Script.CYRILLIC,
    "fa": Script.ARABIC,
    "ur": Script.ARABIC,
    "ne": Script.DEVANAGARI,
}


def script_of(word: str) -> Script | None:
    """The script of a word by its first letter; None for digits and scripts without a stemmer."""
    return _script_of(word[0])


@lru_cache(maxsize=10_000)
def _script_of(letter: str) -> Script | None:
    at = bisect_right(_STARTS, ord(letter)) - 1
    return _RANGES[at][2] if at >= 0 and ord(letter) <= _RANGES[at][1] and letter.isalpha() else None


@cache
def script_for(language: str) -> Script | None:
    """The script of a language that its stemmer expects."""
    if language in UNSPACED:
        return None
    own = next((script for script, usual in USUAL.items() if usual == language), None)
    return own or _OTHERS.get(language, Script.LATIN)


def unspaced_language(text: str) -> str | None:
    """The language of a text in a script without spaces."""
    return next((language for language, sign in _SIGNS if sign.search(text)), None)


def is_han(sign: str) -> bool:
    """Whether the character is a Chinese character, which may be a word by itself."""
    return _HAN.match(sign) is not None


_FOLDED_SCRIPTS = frozenset({Script.LATIN, Script.GREEK, Script.CYRILLIC, Script.HEBREW, Script.ARABIC, None})
"""In other scripts, combining marks are vowels."""


def stem(word: str, language: str) -> str:
    """The stem of a lower-case word, without accents; a word in another script is returned unchanged."""
    return _stem(word, language)


@lru_cache(maxsize=50_000)
def _stem(word: str, language: str) -> str:
    stemmed = word
    if len(word) <= LONGEST:
        stemmer = _OWN.get(language) or (_snowball if language in _SNOWBALL else None)
        stemmed = stemmer(word, language) if stemmer else word
    return fold(stemmed) or fold(word)


def fold(word: str) -> str:
    """The word without accents, vowel points and the like, which people often omit."""
    if word.isascii() or script_of(word) not in _FOLDED_SCRIPTS:
        return word
    letters = unicodedata.normalize("NFKD", word)
    return "".join(letter for letter in letters if unicodedata.category(letter) != "Mn").translate(PLAIN)


def _snowball(word: str, language: str) -> str:
    made = _local.__dict__.setdefault("made", {})  # a stemmer isn't thread-safe
    if language not in made:
        made[language] = Stemmer.Stemmer(_SNOWBALL[language])
    return str(made[language].stemWord(word))


def _ukrainian(word: str, _: str) -> str:
    return _snowball(word.translate(_UKRAINIAN), "ru")


def _bulgarian(word: str, _: str) -> str:
    return _snowball(_BULGARIAN_ARTICLE.sub("", word), "ru")


def _arabic(word: str, _: str) -> str:
    """Remove only articles and suffixes: Snowball also strips the letters that may mark the future tense."""
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
"""Languages without a Snowball stemmer: a related language's, or rules that remove affixes."""
