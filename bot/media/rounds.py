"""Who is served next: each in turn, however much one of them wants."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class Rounds:
    """Places for so many at a time. An owner has one of them at most; those who wait are served round robin."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._served: set[Hashable] = set()
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def place(self, owner: Hashable) -> AsyncIterator[None]:
        """Wait for a place, and have it."""
        await self._take(owner)
        try:
            yield
        finally:
            self._leave(owner)

    async def _take(self, owner: Hashable) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(turn)
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was given the place at the same moment
                self._leave(owner)
            raise

    def _leave(self, owner: Hashable) -> None:
        self._served.remove(owner)
        self._free += 1
        self._serve()

    def _serve(self) -> None:
        for owner in [one for one in self._waiting if one not in self._served]:
            if not self._free:
                return
            turns = self._waiting.pop(owner)
            while turns and turns[0].cancelled():
                turns.popleft()
            turn = turns.popleft() if turns else None
            if turns:
                self._waiting[owner] = turns  # behind all others
            if turn is not None:
                turn.set_result(None)
                self._served.add(owner)
                self._free -= 1
