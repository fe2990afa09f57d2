"""Detects a blocked event loop without running Python code, which could not run while the interpreter is blocked.

``faulthandler`` writes a stack trace (file names and functions, no data) to a file when the loop is blocked for too
long, and when a library crashes the process. What is in the file after a death shows what the process died of.
"""

import asyncio
import faulthandler
import logging
import os
from pathlib import Path

BLOCKED_AFTER_S, LOOK_S = 1.5, 0.5
FRAMES = 12

log = logging.getLogger(__name__)


class Watchdog:
    """The watchdog of this process."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._sees_crashes = False

    def seen(self) -> bool:
        """Whether the previous process was blocked or crashed when it ended; the log says where."""
        try:
            with self._file.open(encoding="utf-8", errors="replace") as file:
                lines = [line.strip() for line in file.readlines(4000)]
        except OSError:
            return False
        if lines:
            log.warning("The previous process ended here: %s", "; ".join(lines[:FRAMES]))
        return bool(lines)

    def start(self) -> None:
        """Start to watch the running loop."""
        try:
            self._file.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
            self._descriptor = os.open(self._file, flags, 0o600)
        except OSError as exc:
            log.warning("%s can't be written; if this process hangs, it will not be known where: %s", self._file, exc)
            return
        if not faulthandler.is_enabled():  # otherwise the operator already sends crashes elsewhere
            faulthandler.enable(self._descriptor)
            self._sees_crashes = True
        self._look()

    def stop(self) -> None:
        """Stop watching, and delete the file."""
        if self._timer is not None:
            self._timer.cancel()
        if self._descriptor is not None:
            faulthandler.cancel_dump_traceback_later()
            if self._sees_crashes:
                faulthandler.disable()
            os.close(self._descriptor)
            self._descriptor = None
        self._file.unlink(missing_ok=True)

    def _look(self) -> None:
        assert self._descriptor is not None, "started"
        faulthandler.dump_traceback_later(BLOCKED_AFTER_S, file=self._descriptor)
        if os.fstat(self._descriptor).st_size:  # it was blocked, but has gone on
            os.truncate(self._descriptor, 0)
        self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look)
