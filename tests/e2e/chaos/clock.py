"""``python -m tests.e2e.chaos.clock``: the bot, whose clock is off by what the file ``CLOCK`` says, in seconds.

It stands in for a clock that an operator or NTP sets while the bot runs; the monotonic clock goes on. What reads the
time in C (``datetime.now``) is not shifted, which in the bot concerns the scheduler only.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bot.__main__ import main

VARIABLE = "CLOCK"


def shifted(now: Callable[[], float], file: Path) -> Callable[[], float]:
    """A clock that is off by what the file says at the time."""

    def off() -> float:
        try:
            seconds = float(file.read_text() or 0)
        except (OSError, ValueError):
            seconds = 0.0
        return now() + seconds

    return off


def shift() -> None:
    """Shift this process's clock for good, if it is told a file."""
    if (file := os.environ.pop(VARIABLE, None)) is not None:
        time.time = shifted(time.time, Path(file))


if __name__ == "__main__":
    shift()
    sys.exit(main(sys.argv[1:]))
