"""Where processes share a database, work that several of them died of runs alone: no other work begins meanwhile.

So the next death is blamed on it. Work that is in progress goes on, because an answer may take minutes.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

ALONE_S = 30.0
"""How long other work waits for a suspect, or for several in a row, in seconds."""
SETTLE_S = 2.0
"""How long a suspect waits for work in progress to end before it begins, in seconds."""

log = logging.getLogger(__name__)


class Isolation:
    """Holds work while a suspect runs alone. A single process needs none."""

    def __init__(self) -> None:
        self._running = 0
        """How many pieces of work are in progress, without suspects that run alone."""
        self._ended = asyncio.Event()
        """Set whenever one of them ends."""
        self._open = asyncio.Event()
        self._open.set()
        self._turn = asyncio.Lock()
        self._suspects = 0
        self._closed_at = 0.0

    @property
    def is_closed(self) -> bool:
        """Whether other work has to wait."""
        return not self._open.is_set()

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Work that others may run next to, but no suspect."""
        await self._open.wait()
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            self._ended.set()

    @asynccontextmanager
    async def alone(self, what: object, over: Callable[[], None], *, within: bool = False) -> AsyncIterator[None]:
        """A suspect. `over` is called once others may begin; `within`: it is part of work in progress."""
        self._suspects += 1
        try:
            await self._turn.acquire()
        finally:
            self._suspects -= 1
        loop, is_over = asyncio.get_running_loop(), False
        if self._open.is_set():
            self._closed_at = loop.time()
        self._open.clear()

        def end() -> None:
            nonlocal is_over
            if not is_over:
                is_over = True
                over()
                if not self._suspects or loop.time() >= self._closed_at + ALONE_S:
                    self._open.set()
                self._turn.release()

        log.info("%s runs alone, since processes may have died of it", str(what).capitalize())
        limit = loop.call_at(self._closed_at + ALONE_S, end)
        try:
            await self._settled(int(within))
            yield
        finally:
            limit.cancel()
            end()

    async def _settled(self, besides: int) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                while self._running > besides:
                    self._ended.clear()
                    await self._ended.wait()
