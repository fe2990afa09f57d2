"""Stopping a server at an exact point, so that a test can look around there, or kill whoever waits."""

import asyncio


class Stop:
    """Whoever comes here waits until it is released."""

    def __init__(self) -> None:
        self._reached = asyncio.Event()
        self._released = asyncio.Event()

    async def reached(self, timeout: float = 5.0) -> None:
        """Wait until somebody stands here; raises TimeoutError after `timeout` seconds."""
        async with asyncio.timeout(timeout):
            await self._reached.wait()

    def release(self) -> None:
        """Let them go on; may be called before anybody came."""
        self._released.set()

    async def wait_here(self) -> None:
        """Stand here until released."""
        self._reached.set()
        await self._released.wait()
