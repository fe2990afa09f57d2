"""What models put at the head of an answer because the transcript's lines have it: a time stamp, the speaker's name.

It is taken off, also while the answer is still being written: until it is clear whether the beginning is such a head,
nothing of it is shown.
"""

import re
from collections.abc import Iterable

_STAMP = re.compile(r"\s*\[\w{3} \d{4}-\d\d-\d\d \d\d:\d\d\]\s*")
_LONGEST_STAMP = len("[Mon 2026-11-23 12:00]")


class Heads:
    """The heads of one bot's lines; `names` are what it may be called in them."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = tuple(f"{name.casefold()}:" for name in {*names, "assistant"} if name)

    def off(self, text: str, *, more: bool = False) -> str:
        """The text without its head; `more`: it is still growing, and empty while it may become one."""
        stamp = _STAMP.match(text)
        rest = text[stamp.end() :] if stamp else text
        begun = rest.lstrip()
        if more and stamp is None and begun.startswith("[") and "]" not in begun and len(begun) < _LONGEST_STAMP:
            return ""
        folded = begun.casefold()
        name = next((name for name in self._names if folded.startswith(name)), None)
        if name is not None:
            return begun[len(name) :].lstrip()
        if more and any(name.startswith(folded) for name in self._names):
            return ""
        return begun if stamp else text
