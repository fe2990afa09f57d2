"""Taking words of messages out of what exceptions and libraries say.

A server's error may quote the message it refuses, whole or in part, with quotation marks or without. So of the text of
an exception only what is certainly no one's is kept: the usual words of error messages, short numbers, punctuation, and
the names in the settings. ``LOG_WORDS`` turns this off.
"""

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources

HIDDEN = "[hidden]"
LONGEST_NUMBER = 7
"""Digits of the longest number that is kept: tokens and bytes, but no telephone numbers."""
LONGEST = 4000
"""Characters of a text that are read."""

_QUOTED = re.compile(r"""(?<!\w)[bru]?(["'])(?:\\.|(?!\1)[^\\]|\1(?=\w))+\1(?!\w)|[“«„].+?[”»“]""", re.DOTALL)
_WORD = re.compile(r"[^\W_]+")
_PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|.")
_HIDDEN_RUN = re.compile(rf"{re.escape(HIDDEN)}(?:[^\w\[]{{0,3}}{re.escape(HIDDEN)})+")
_allowed: set[str] = set()


def allow_names(names: Iterable[str]) -> None:
    """From now on, keep these too: models and servers of the settings, which are no one's words."""
    _allowed.clear()
    _allowed.update(piece.lower() for name in names for word in _WORD.findall(name) for piece in _PIECE.findall(word))


def without_words(text: str) -> str:
    """A text with its quotations, and all but the usual words of error messages, replaced by HIDDEN."""
    parts = _QUOTED.sub(HIDDEN, text[:LONGEST]).split(HIDDEN)
    return _HIDDEN_RUN.sub(HIDDEN, HIDDEN.join(_WORD.sub(_kept, part) for part in parts))


def _kept(match: re.Match[str]) -> str:
    word = match[0]
    return word if all(_is_usual(piece) for piece in _PIECE.findall(word)) else HIDDEN


def _is_usual(piece: str) -> bool:
    if piece.isdecimal():
        return len(piece) <= LONGEST_NUMBER
    small = piece.lower()
    return small.isascii() and (len(small) == 1 or small in _vocabulary() or small in _allowed)


@cache
def _vocabulary() -> frozenset[str]:
    text = resources.files("bot").joinpath("error_words.txt").read_text(encoding="utf-8")
    return frozenset(text.split())
