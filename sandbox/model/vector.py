"""A text's vector with no model behind it: texts that share words, or pieces of words, are near each other.

Every word and every three letters of a word have a direction of their own, drawn from a hash: the same text has the
same vector on every machine, and "painted" is near "painting". Of meaning it knows nothing.
"""

import re
from functools import lru_cache
from math import sqrt
from zlib import crc32

PIECE_WEIGHT = 0.4
"""How much three letters count for, beside a whole word."""
_WORD = re.compile(r"[^\W_]+")


def embed(text: str, dimension: int) -> list[float]:
    """The vector of a text, of length 1 (a text without any word has a fixed one)."""
    sums = [0.0] * dimension
    for word in _WORD.findall(text.casefold()) or [""]:
        for at, weight in _features(word, dimension):
            sums[at] += weight
    length = sqrt(sum(value * value for value in sums))
    return [round(value / length, 6) for value in sums] if length else [1.0] + [0.0] * (dimension - 1)


@lru_cache(maxsize=50_000)
def _features(word: str, dimension: int) -> tuple[tuple[int, float], ...]:
    """Places in the vector and what a word adds there; a long word says more than a short one."""
    weight = 1.0 if len(word) > 3 or not word.isascii() else 0.3
    framed = f"<{word}>"
    pieces = [framed[at : at + 3] for at in range(len(framed) - 2)]
    return (
        _place(f"word {word}", weight, dimension),
        *(_place(f"piece {piece}", weight * PIECE_WEIGHT / sqrt(len(pieces)), dimension) for piece in pieces),
    )


def _place(name: str, weight: float, dimension: int) -> tuple[int, float]:
    drawn = crc32(name.encode())
    return (drawn >> 1) % dimension, weight if drawn & 1 else -weight
