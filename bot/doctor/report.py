"""What was found, as lines that a person reads: a tick, a cross or a dot; what was checked; what was found; what to do.

A cross is for what stops answers, and for nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

WIDTH = 13
"""Characters of the longest name of a check."""
LONGEST = 240
"""Characters of what was found: a server may say pages."""


class Mark(StrEnum):
    """How a finding is to be taken."""

    FINE = "✓"
    CROSS = "✗"
    NOTE = "·"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked."""

    mark: Mark
    what: str
    found: str
    advice: str = ""

    def text(self, hide: Callable[[str], str]) -> str:
        """Its line, and under it what to do; `hide` takes out secrets."""
        lines = f"{self.mark} {self.what:<{WIDTH}}  {_short(hide(self.found))}"
        return f"{lines}\n{'':<{WIDTH + 4}}{_one_line(hide(self.advice))}" if self.advice else lines


def fine(what: str, found: str) -> Finding:
    """It is as it should be."""
    return Finding(Mark.FINE, what, found)


def note(what: str, found: str, advice: str = "") -> Finding:
    """It is worth knowing; answers come all the same."""
    return Finding(Mark.NOTE, what, found, advice)


def cross(what: str, found: str, advice: str) -> Finding:
    """It stops answers."""
    return Finding(Mark.CROSS, what, found, advice)


def summary(findings: list[Finding]) -> str:
    """The last line."""
    count = sum(finding.mark is Mark.CROSS for finding in findings)
    if not count:
        return "Nothing prevents the bot from answering."
    return f"{count} {'problem prevents' if count == 1 else 'problems prevent'} the bot from answering."


def _short(text: str) -> str:
    line = _one_line(text)
    return line if len(line) <= LONGEST else line[:LONGEST] + "…"


def _one_line(text: str) -> str:
    """Servers choose their words: no line break and no control character of theirs reaches the terminal."""
    return "".join(char for char in " ".join(text.split()) if char.isprintable())
