"""Reaching Telegram for the first time: as long as it takes, unless the token is wrong."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from telegram.error import InvalidToken, TelegramError

from bot.errors import SettingError

MAX_WAIT_S = 30.0
"""The longest wait between two tries."""

log = logging.getLogger(__name__)


async def persistently(step: Callable[[], Awaitable[object]]) -> None:
    """Do a step until it succeeds. Raises SettingError when Telegram does not know the token."""
    wait = 1.0
    while True:
        try:
            await step()
        except InvalidToken as exc:
            raise SettingError("TELEGRAM_BOT_TOKEN: Telegram does not know this token; @BotFather shows it") from exc
        except TelegramError as exc:
            log.warning("Telegram can't be reached, trying again in %.0f s: %s", wait, exc)
            await asyncio.sleep(wait)
            wait = min(wait * 2, MAX_WAIT_S)
        else:
            return
