"""The sign that the bot is at work, for what takes more than a second: Telegram shows it for five."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from telegram.error import TelegramError

AFTER_S = 1.0
AGAIN_S = 4.5

log = logging.getLogger(__name__)


@asynccontextmanager
async def busy(show: Callable[[], Awaitable[None]], after: float | None = None) -> AsyncIterator[None]:
    """Have it shown while the block is at work, and never delay or break that."""
    sign = asyncio.create_task(_shown(show, AFTER_S if after is None else after), name="sign of life")
    try:
        yield
    finally:
        sign.cancel()


async def _shown(show: Callable[[], Awaitable[None]], after: float) -> None:
    await asyncio.sleep(after)
    while True:
        try:
            await show()
        except TelegramError as exc:
            log.debug("No sign of life could be shown: %s", exc)
        await asyncio.sleep(AGAIN_S)
