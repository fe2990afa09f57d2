"""Removal of a timestamp or speaker's name before an answer, which models imitate from the transcript.

It works while the answer is still being written: nothing is shown until it is clear whether the beginning is a prefix.
Only the first characters are examined, because this is repeated for each piece.
"""

import re
from collections.abc import Iterable

_STAMP = re.compile(r"\s*\[\w{3} \d{4}-\d\d-\d\d \d\d:\d\d\]\s*")
_LONGEST_STAMP = len("[Mon 2026-11-23 12:00]")
MOST_BLANKS = 100
"""The most whitespace in a prefix; a text that begins with more has none."""


class SpeakerPrefix:
    """Prefixes of one bot's lines; `names` are the names it may use for itself."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = tuple(f"{name.casefold()}:" for name in {*names, "assistant"} if name)
        self._longest = 3 * MOST_BLANKS + _LONGEST_STAMP + max(map(len, self._names))

    def strip_from(self, text: str, *, more: bool = False) -> str:
        """The text without its prefix; `more`: it is still growing, so the result is "" while a prefix is possible."""
        head = text[: self._longest]
        stamp = _STAMP.match(head)
        end = stamp.end() if stamp else 0
        begun = head[end:].lstrip()
        if more and stamp is None and begun.startswith("[") and "]" not in begun and len(begun) < _LONGEST_STAMP:
            return ""
        folded = begun.casefold()
        name = next((name for name in self._names if folded.startswith(name)), None)
        if name is not None:
            rest = _after(begun, name)
            return text[len(head) - len(rest) :] if rest else text[len(head) :].lstrip()
        if more and len(text) < self._longest and any(name.startswith(folded) for name in self._names):
            return ""
        return text[len(head) - len(begun) :] if stamp else text


def _after(begun: str, name: str) -> str:
    """The text after a name, whose length may change with case folding."""
    end = next(end for end in range(1, len(begun) + 1) if begun[:end].casefold().startswith(name))
    return begun[end:].lstrip()
