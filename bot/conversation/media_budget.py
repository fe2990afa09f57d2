"""How many bytes of pictures and sounds stand in requests at a time, over all chats.

A request holds them about five times: as they are, in base64, in its JSON and in the bytes of that. So they are loaded
when there is room for them, and keep it until their request is done.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar

from bot.capacity import Capacities

MB = 1024 * 1024
SMALL, MOST, MOST_OF_SMALL = 2 * MB, 48 * MB, 24 * MB

_request: ContextVar[AsyncExitStack | None] = ContextVar("request", default=None)


class MediaBudget:
    """One for all chats."""

    def __init__(self) -> None:
        self._room = Capacities(SMALL, most=MOST, most_of_small=MOST_OF_SMALL)

    @asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        """For the time of a request: what is loaded for it is let go with the block."""
        async with AsyncExitStack() as held:
            token = _request.set(held)
            try:
                yield
            finally:
                _request.reset(token)

    async def take(self, size: int) -> None:
        """Wait until so many bytes may be loaded for the request that this is done for."""
        held = _request.get()
        if held is not None:
            await held.enter_async_context(self._room.place(size))
