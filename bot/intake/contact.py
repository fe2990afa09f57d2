"""Reaching Telegram when the bot starts: for as long as it takes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from itertools import count

from telegram.error import InvalidToken, TelegramError

from bot.backoff import backoff

FIRST_WAIT_S, MAX_WAIT_S = 1.0, 30.0
"""The shortest and the longest wait between two tries."""

log = logging.getLogger(__name__)


async def persistently(step: Callable[[], Awaitable[object]]) -> None:
    """Do a step until it succeeds.

    Raises InvalidToken, which is what python-telegram-bot makes of a 401 and of every 404: the caller knows whether the
    token can be meant, or a method that the server does not have.
    """
    for failures in count(1):
        try:
            await step()
        except InvalidToken:
            raise
        except TelegramError as exc:
            wait = backoff(failures, FIRST_WAIT_S, MAX_WAIT_S)
            log.warning("Telegram can't be reached, trying again in %.0f s: %s", wait, exc)
            await asyncio.sleep(wait)
        else:
            return
