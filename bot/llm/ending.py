"""The end of a stream: a line that is left open behind the finish reason costs no finished answer."""

import asyncio
from collections.abc import AsyncGenerator

from bot.llm.interface import Delta

GRACE_S = 2.0
"""What may still come behind the finish reason is the usage, and that comes at once."""


async def in_time(deltas: AsyncGenerator[Delta, None]) -> AsyncGenerator[Delta, None]:
    """All deltas, or those that come soon enough behind the finish reason, or behind what is said after it."""
    loop, until = asyncio.get_running_loop(), None
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
        if delta.finish is not None or (until is not None and (delta.text or delta.reasoning or delta.voice)):
            until = loop.time() + GRACE_S
        yield delta
