"""The end of a stream: a line that is left open behind the finish reason costs no finished answer."""

import asyncio
from collections.abc import AsyncGenerator

from bot.llm.interface import Delta

GRACE_S = 2.0
"""What may still come behind the finish reason is the usage, and that comes at once."""
GOING_ON_S = 20.0
"""Where more of the answer comes behind it, it has been no end, as with servers that name one in each piece."""


async def in_time(deltas: AsyncGenerator[Delta, None]) -> AsyncGenerator[Delta, None]:
    """All deltas, or those that come soon enough behind the finish reason, or behind what is said after it."""
    loop, until, grace = asyncio.get_running_loop(), None, GRACE_S
    while True:
        try:
            async with asyncio.timeout_at(until) as limit:
                delta = await anext(deltas, None)
        except TimeoutError:
            if limit.expired():
                return
            raise
        if delta is None:
            return
        goes_on = until is not None and (delta.text or delta.reasoning or delta.voice)
        if goes_on:
            grace = GOING_ON_S
        if delta.finish is not None or goes_on:
            until = loop.time() + grace
        yield delta
