"""Standard error as the log's stream, which never makes the bot wait for its reader.

A pipe whose reader has stopped (a pager, a stuck supervisor) would block each write, and so every chat. After WAIT_S
without room in it, lines are dropped until there is room again; then one line says how many.
"""

import os
import select
import stat
from typing import TextIO

WAIT_S = 0.2
"""How long the first line waits for room; the next ones, while there is none, don't."""
_AT_ONCE = select.PIPE_BUF if hasattr(select, "PIPE_BUF") else 512
"""The bytes that a pipe with any room takes without blocking."""


class LogStream:
    """A text stream for ``logging.StreamHandler``; files and terminals are written to as usual."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._pipe = _pipe_of(stream)
        self._dropped = 0
        self._cut = False
        """Whether the last line was written in part."""

    def write(self, text: str) -> None:
        """Write a line, or drop it if nobody reads."""
        if self._pipe is None:
            self._stream.write(text)
            return
        if self._dropped:
            if not self._has_room(0.0):
                self._dropped += 1
                return
            text = f"({self._dropped} lines were dropped: nobody read the log)\n{text}"
            text, self._dropped, self._cut = f"\n{text}" if self._cut else text, 0, False
        data = text.encode(errors="backslashreplace")
        for start in range(0, len(data), _AT_ONCE):
            if not self._has_room(WAIT_S):
                self._dropped, self._cut = self._dropped + 1, start > 0
                return
            os.write(self._pipe, data[start : start + _AT_ONCE])

    def flush(self) -> None:
        """Flush a file or terminal."""
        if self._pipe is None:
            self._stream.flush()

    def _has_room(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._pipe or 0, select.POLLOUT)
        return bool(poll.poll(seconds * 1000))  # also if the reader is gone: then the write fails at once


def _pipe_of(stream: TextIO) -> int | None:
    """The descriptor, if it is a pipe or a socket."""
    try:
        number = stream.fileno()
        mode = os.fstat(number).st_mode
    except (OSError, ValueError):
        return None
    return number if hasattr(select, "poll") and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)) else None
