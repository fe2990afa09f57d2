"""Reaching Telegram when the bot starts: for as long as it takes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from telegram.error import InvalidToken, TelegramError

MAX_WAIT_S = 30.0
"""The longest wait between two tries."""

log = logging.getLogger(__name__)


async def persistently(step: Callable[[], Awaitable[object]]) -> None:
    """Do a step until it succeeds.

    Raises InvalidToken, which is what python-telegram-bot makes of a 401 and of every 404: the caller knows whether the
    token can be meant, or a method that the server does not have.
    """
    wait = 1.0
    while True:
        try:
            await step()
        except InvalidToken:
            raise
        except TelegramError as exc:
            log.warning("Telegram can't be reached, trying again in %.0f s: %s", wait, exc)
            await asyncio.sleep(wait)
            wait = min(wait * 2, MAX_WAIT_S)
        else:
            return
