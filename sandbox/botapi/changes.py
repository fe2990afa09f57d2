"""One bell for everything that happens; who waits for something looks again when it rings."""

import asyncio
from collections.abc import Callable


class Changes:
    """Wakes all who wait."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def note(self) -> None:
        """Something changed."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, happened: Callable[[], bool], timeout: float | None) -> None:
        """Wait until it happened; raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while not happened():
                await self._changed.wait()
