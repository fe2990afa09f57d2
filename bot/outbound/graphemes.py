"""Where a text may be cut without tearing apart what the reader sees as one character."""

import unicodedata

_JOINER = "\u200d"


def may_cut(text: str, at: int) -> bool:
    """Whether `at` lies between two visible characters (accents, emoji sequences and flags stay whole)."""
    if not 0 < at < len(text):
        return True
    before, after = text[at - 1], text[at]
    if before == "\r" and after == "\n":
        return False
    return not (_extends(after) or before == _JOINER or (_is_flag_half(after) and _inside_flag(text, at)))


def _extends(character: str) -> bool:
    skin_tone = "\U0001f3fb" <= character <= "\U0001f3ff"
    tag = "\U000e0020" <= character <= "\U000e007f"
    return character == _JOINER or skin_tone or tag or unicodedata.category(character).startswith("M")


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _inside_flag(text: str, at: int) -> bool:
    start = at
    while start > 0 and _is_flag_half(text[start - 1]):
        start -= 1
    return (at - start) % 2 == 1
