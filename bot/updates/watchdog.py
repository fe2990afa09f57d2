"""Detects a blocked event loop, in two ways.

``Watchdog`` runs no Python code, which could not run while the interpreter is blocked: ``faulthandler`` writes a stack
trace (file names and functions, no data) to a file when the loop is blocked for too long, and when a library crashes
the process. What is in the file after a death shows what the process died of.

``HoldMonitor`` is a thread that logs shorter delays, which every chat notices.
"""

import asyncio
import faulthandler
import logging
import os
import sys
import threading
import time
from pathlib import Path
from types import FrameType

BLOCKED_AFTER_S, LOOK_S = 1.5, 0.5
FRAMES = 12
HELD_S, BEAT_S = 0.2, 0.05
"""How long the loop may be held before that is logged, and how often it shows that it isn't, in seconds."""
LINE_EVERY_S = 1.0
"""The shortest time between two lines about it."""

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


class HoldMonitor:
    """Logs what held the event loop for more than HELD_S seconds: how long, and where (no data)."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._beat_at = 0.0

    def start(self) -> None:
        """Start to monitor the running loop, from its own thread."""
        self._beat()
        watched = threading.get_ident()
        self._thread = threading.Thread(target=self._watch, args=(watched,), name="hold monitor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop monitoring."""
        self._ended.set()
        if self._timer is not None:
            self._timer.cancel()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        self._beat_at = time.monotonic()
        self._timer = asyncio.get_running_loop().call_later(BEAT_S, self._beat)

    def _watch(self, watched: int) -> None:
        held_since, place, logged_at = 0.0, "", 0.0
        while not self._ended.wait(BEAT_S):
            if place and self._beat_at != held_since:
                if time.monotonic() - logged_at > LINE_EVERY_S:
                    log.warning("The event loop was held for %.1f s: %s", self._beat_at - held_since - BEAT_S, place)
                    logged_at = time.monotonic()
                place = ""
            held_since = self._beat_at if not place else held_since
            if not place and time.monotonic() - held_since - BEAT_S > HELD_S:
                place = _place(sys._current_frames().get(watched))  # noqa: SLF001 - there is no other way


def _place(frame: FrameType | None) -> str:
    """The innermost functions of a stack, the last called first; empty if the loop is just waiting."""
    if frame is None or frame.f_code.co_name == "select":  # the machine was asleep, or too busy
        return ""
    named: list[str] = []
    while frame is not None and len(named) < FRAMES and frame.f_code.co_name != "_run_once":
        named.append(f"{frame.f_code.co_name} ({Path(frame.f_code.co_filename).name}:{frame.f_lineno})")
        frame = frame.f_back
    return " < ".join(named)
