"""A progress bar on a terminal; nothing where standard error is something else."""

import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import Self, TextIO

WIDTH = 30
"""In letters."""
REDRAWN_S = 0.1
"""The shortest time between two drawings, in seconds."""


class ProgressBar:
    """Shows how much of some work is done, until the block ends. It is drawn in one line of standard error."""

    def __init__(self, title: str, total: int) -> None:
        self._title = title
        self._total = max(total, 1)
        self._done = 0
        self._drawn_at = float("-inf")
        self._terminal: TextIO | None = sys.stderr if sys.stderr is not None and sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        self._draw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self._done = self._total
        self._draw("\n")

    def advance(self, done: int) -> None:
        """More of the work is done."""
        self._done += done
        if time.monotonic() - self._drawn_at >= REDRAWN_S:
            self._draw()

    def _draw(self, end: str = "") -> None:
        self._drawn_at = time.monotonic()
        if self._terminal is None:
            return
        share = min(self._done / self._total, 1.0)
        bar = ("#" * round(share * WIDTH)).ljust(WIDTH, "-")
        with suppress(OSError):  # the terminal is gone
            self._terminal.write(f"\r{self._title} [{bar}] {share:4.0%}{end}")
            self._terminal.flush()
