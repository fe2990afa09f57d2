"""Scripts without blanks between words: their runs are taken in pairs of signs, on both sides.

So a word of two signs is found in the middle of a sentence. In the index the last sign of a run stands alone: wherever
a sign stands it begins a token, so that a word of one sign is found as a beginning.
"""

import re
from functools import cache

from bot.conversation.scripts import CLUSTERED, HAN, HANGUL, KANA, is_han, unspaced_language
from bot.conversation.wordlists import stop_words

RUN = rf"[{HAN}{KANA}]+|[{HANGUL}]+|[{CLUSTERED}]+"
UNSPACED = f"{HAN}{KANA}{HANGUL}{CLUSTERED}"
_CLUSTERED_RUN = re.compile(f"[{CLUSTERED}]+")
_CLUSTER = re.compile(
    "[\u0e40-\u0e44\u0ec0-\u0ec4]?"  # vowels that are written before their sign
    r"[^\W_][\u0e30-\u0e3a\u0e45-\u0e4e\u0eb0-\u0ebc\u0ec8-\u0ecd\u102b-\u103e\u1056-\u1059\u17b4-\u17d3"
    r"\u1a55-\u1a7f\u1b34-\u1b44\ua9b3-\ua9c0]*"
)
_ONE_SYLLABLE = re.compile("^.(?:은|는|이|가|을|를|의|에|도|로|와|과|이랑|랑|이는|이가|한테|에서)?$")
"""A Korean word of one sign with or without the particle behind it."""


def indexed(run: str) -> list[str]:
    """The pairs of a run, and its last sign."""
    signs = _signs(run)
    return ["".join(signs[at : at + 2]) for at in range(len(signs))]


def pairs(run: str) -> list[str]:
    """The pairs of a run; a run of one sign is that sign."""
    signs = _signs(run)
    return ["".join(signs[at : at + 2]) for at in range(len(signs) - 1)] if len(signs) > 1 else signs


def asked(run: str) -> list[tuple[str, bool]]:
    """What a run asks for: pairs that say something, and signs that may be words; True: tokens that begin so."""
    language = unspaced_language(run)
    nothing, nothing_pairs = stop_words(language), _stop_pairs(language)
    if run in nothing:
        return []
    signs = _signs(run)
    found = [(pair, len(signs) == 1) for pair in pairs(run) if not _says_nothing(pair, nothing, nothing_pairs)]
    if language == "ko" and len(signs) > 1 and _ONE_SYLLABLE.match(run):
        found.append((signs[0], True))
    if language in ("zh", "ja") and len(signs) > 1:
        found += [(sign, True) for sign in signs if is_han(sign) and sign not in nothing]
    return found


def begins(token: str) -> bool:
    """Whether a token is one sign, which is the beginning of others."""
    return len(_signs(token)) == 1


def _says_nothing(pair: str, nothing: frozenset[str], nothing_pairs: frozenset[str]) -> bool:
    return pair in nothing or pair in nothing_pairs or all(sign in nothing for sign in pair)


@cache
def _stop_pairs(language: str | None) -> frozenset[str]:
    return frozenset(pair for word in stop_words(language) for pair in pairs(word) if len(_signs(word)) > 1)


def _signs(run: str) -> list[str]:
    if not _CLUSTERED_RUN.fullmatch(run):
        return list(run)
    return _CLUSTER.findall(run)
