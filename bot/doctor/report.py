"""What was found, as lines that a person reads: a tick, a cross or a dot; what was checked; what was found; what to do.

A cross is for what stops answers, and for nothing else.

A check ends in findings, whatever a server, a disk or a library does: in time, and with no traceback.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

WIDTH = 13
"""Characters of the longest name of a check."""
LONGEST = 240
"""Characters of what was found: a server may say pages."""

log = logging.getLogger(__name__)


class Severity(StrEnum):
    """How a finding is to be taken."""

    FINE = "✓"
    CROSS = "✗"
    NOTE = "·"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked."""

    mark: Severity
    what: str
    found: str
    advice: str = ""

    def text(self, hide: Callable[[str], str]) -> str:
        """Its line, and under it what to do; `hide` takes out secrets."""
        lines = f"{self.mark} {self.what:<{WIDTH}}  {_short(hide(self.found))}"
        return f"{lines}\n{'':<{WIDTH + 4}}{_one_line(hide(self.advice))}" if self.advice else lines


def fine(what: str, found: str) -> Finding:
    """It is as it should be."""
    return Finding(Severity.FINE, what, found)


def note(what: str, found: str, advice: str = "") -> Finding:
    """It is worth knowing; answers come all the same."""
    return Finding(Severity.NOTE, what, found, advice)


def cross(what: str, found: str, advice: str) -> Finding:
    """It stops answers."""
    return Finding(Severity.CROSS, what, found, advice)


def summary(findings: list[Finding]) -> str:
    """The last line."""
    count = sum(finding.mark is Severity.CROSS for finding in findings)
    if not count:
        return "Nothing prevents the bot from answering."
    return f"{count} {'problem prevents' if count == 1 else 'problems prevent'} the bot from answering."


def _short(text: str) -> str:
    line = _one_line(text)
    return line if len(line) <= LONGEST else line[:LONGEST] + "…"


def _one_line(text: str) -> str:
    """Servers choose their words: no line break and no control character of theirs reaches the terminal."""
    return "".join(char for char in " ".join(text.split()) if char.isprintable())


Check = Callable[[], Awaitable[Finding | list[Finding]]]


async def guarded(what: str, check: Check, seconds: float) -> list[Finding]:
    """What the check found, or that it came to no end."""
    try:
        async with asyncio.timeout(seconds):
            found = await check()
    except TimeoutError:
        return [note(what, f"not finished: it took more than {seconds:.0f} s", "Try again at a quiet time.")]
    except Exception as exc:
        log.debug("%s could not be checked", what, exc_info=exc)
        told = f"could not be checked because of an unexpected error ({type(exc).__name__}: {exc})"
        return [note(what, told, "Run it with LOG_LEVEL=DEBUG for the details, and please report them.")]
    return found if isinstance(found, list) else [found]
