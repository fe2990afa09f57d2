"""What is typed, line by line, from a terminal, a pipe or a file."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable


class Lines:
    """Reads `descriptor` in a thread of its own.

    The event loop's reader takes no files, and makes a terminal non-blocking for everybody else who has it open. The
    thread is a daemon and holds no lock of the interpreter's, so the program can end while it waits.
    """

    def __init__(self, descriptor: int) -> None:
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def put(line: str | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits for this line any more
                loop.call_soon_threadsafe(self._queue.put_nowait, line)

        threading.Thread(target=_read, args=(descriptor, put), name="sandbox lines", daemon=True).start()

    async def next(self) -> str | None:
        """The next line without its end; None when there will be no more."""
        return await self._queue.get()


def _read(descriptor: int, put: Callable[[str | None], None]) -> None:
    rest = b""
    with contextlib.suppress(OSError):  # a terminal that was closed reads as an error: there will be no more lines
        while data := os.read(descriptor, 65536):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                put(line.decode(errors="replace").rstrip("\r"))
    if rest:
        put(rest.decode(errors="replace"))
    put(None)
