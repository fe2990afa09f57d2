"""Findings as lines to read: a tick, a cross or a dot; what was checked; what was found; what to do.

A cross always means that the bot can't answer. A check ends in findings no matter what a server, a disk or a library
does: in time, and without a traceback.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

WIDTH = 13
"""The length of the longest name of a check."""
LONGEST = 240
"""The most characters of a finding: a server's message may be pages long."""

log = logging.getLogger(__name__)


class Severity(StrEnum):
    """How serious a finding is."""

    FINE = "✓"
    CROSS = "✗"
    NOTE = "·"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check."""

    mark: Severity
    what: str
    found: str
    advice: str = ""

    def text(self, hide: Callable[[str], str]) -> str:
        """Its line, with the advice below; `hide` removes secrets."""
        lines = f"{self.mark} {self.what:<{WIDTH}}  {_short(hide(self.found))}"
        return f"{lines}\n{'':<{WIDTH + 4}}{_one_line(hide(self.advice))}" if self.advice else lines


def fine(what: str, found: str) -> Finding:
    """A finding that all is well."""
    return Finding(Severity.FINE, what, found)


def note(what: str, found: str, advice: str = "") -> Finding:
    """A finding that is worth knowing, but doesn't stop answers."""
    return Finding(Severity.NOTE, what, found, advice)


def cross(what: str, found: str, advice: str) -> Finding:
    """A finding that stops answers."""
    return Finding(Severity.CROSS, what, found, advice)


def summary(findings: list[Finding]) -> str:
    """The last line of the report."""
    count = sum(finding.mark is Severity.CROSS for finding in findings)
    if not count:
        return "Nothing prevents the bot from answering."
    return f"{count} {'problem prevents' if count == 1 else 'problems prevent'} the bot from answering."


def _short(text: str) -> str:
    line = _one_line(text)
    return line if len(line) <= LONGEST else line[:LONGEST] + "…"


def _one_line(text: str) -> str:
    """Text from a server without line breaks and control characters, which must not reach the terminal."""
    return "".join(char for char in " ".join(text.split()) if char.isprintable())


Check = Callable[[], Awaitable[Finding | list[Finding]]]


async def guarded(what: str, check: Check, seconds: float) -> list[Finding]:
    """The findings of a check, or a note that it failed or took too long."""
    try:
        async with asyncio.timeout(seconds):
            found = await check()
    except TimeoutError:
        return [note(what, f"not finished: it took more than {seconds:.0f} s", "Try again at a quiet time.")]
    except Exception as exc:
        log.debug("%s could not be checked", what, exc_info=exc)
        failure = f"could not be checked because of an unexpected error ({type(exc).__name__}: {exc})"
        return [note(what, failure, "Run it with LOG_LEVEL=DEBUG for the details, and please report them.")]
    return found if isinstance(found, list) else [found]
