"""Writing systems: which one a word is written in, and which language that means where nothing else tells."""

import re
from bisect import bisect_right
from enum import Enum
from functools import cache, lru_cache


class Script(Enum):
    """Scripts with words between blanks whose words can be stemmed."""

    LATIN = "Latin"
    GREEK = "Greek"
    CYRILLIC = "Cyrillic"
    ARMENIAN = "Armenian"
    HEBREW = "Hebrew"
    ARABIC = "Arabic"
    DEVANAGARI = "Devanagari"
    TAMIL = "Tamil"

    __hash__ = object.__hash__  # of Enum's own, in Python, a tenth of all indexing is made


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
"""The language of a script (ISO 639-1) where nothing tells another."""
_OTHERS = {
    "ru": Script.CYRILLIC,
    "uk": Script.CYRILLIC,
    "bg": Script.CYRILLIC,
    "sr": Script.CYRILLIC,
    "fa": Script.ARABIC,
    "ur": Script.ARABIC,
    "ne": Script.DEVANAGARI,
}
UNSPACED = frozenset({"zh", "ja", "ko", "th"})

HAN = "\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
KANA = "\u3040-\u30ff"
HANGUL = "\uac00-\ud7af"
CLUSTERED = (
    "\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u1b00-\u1b7f"
    "\ua980-\ua9ff\uaa60-\uaadf"
)
"""Thai, Lao, Burmese, Khmer, Tai, Balinese and Javanese: no blanks between words, and signs of several characters."""
_HAN = re.compile(f"[{HAN}]")
_SIGNS = (
    ("ja", re.compile(f"[{KANA}]")),
    ("ko", re.compile(f"[{HANGUL}]")),
    ("zh", _HAN),
    ("th", re.compile("[\u0e00-\u0e7f]")),
)


def script_of(word: str) -> Script | None:
    """The script of a word, by its first letter; None for digits and scripts that no stemmer knows."""
    return _script_of(word[0])


@lru_cache(maxsize=10_000)
def _script_of(letter: str) -> Script | None:
    at = bisect_right(_STARTS, ord(letter)) - 1
    return _RANGES[at][2] if at >= 0 and ord(letter) <= _RANGES[at][1] and letter.isalpha() else None


@cache
def script_for(language: str) -> Script | None:
    """The script that a language is written in, as far as its stemmer knows it."""
    if language in UNSPACED:
        return None
    own = next((script for script, usual in USUAL.items() if usual == language), None)
    return own or _OTHERS.get(language, Script.LATIN)


def unspaced_language(text: str) -> str | None:
    """The language of a text in a script without blanks between words."""
    return next((language for language, sign in _SIGNS if sign.search(text)), None)


def is_han(sign: str) -> bool:
    """Whether this is a sign that may be a word by itself."""
    return _HAN.match(sign) is not None
