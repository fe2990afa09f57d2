"""What is about to be sent to groups is recorded first, so that after a crash it isn't sent twice.

The Bot API has no way to ask whether a message has arrived. But only the bot's own messages can be edited: an attempt
to change the buttons of a message tells whether it is one. So the message that was being sent when the process died is
found by trying the IDs that follow the newest one known.
"""

import asyncio
import logging
from itertools import count
from typing import Protocol

import httpx
from telegram import Bot, Message
from telegram.error import BadRequest, NetworkError, TelegramError

from bot.concurrency import backoff
from bot.outbound.content import Destination
from bot.outbound.refusals import Refusal, classify

MOST_TRIED = 30
"""How many IDs are tried; other people's messages have some of them."""
MOST_MISSING = 6
"""After this many IDs in a row without a message, there are no more messages."""
FIRST_WAIT_S, MAX_WAIT_S = 1.0, 5.0
"""The shortest and the longest wait for Telegram between two attempts."""

log = logging.getLogger(__name__)


class SendJournal(Protocol):
    """Records what is about to be sent."""

    async def begin(self, to: Destination) -> None:
        """A message is about to be sent. Raises StorageError if another process has the chat now."""

    def arrived(self, to: Destination, message_id: int) -> None:
        """It has arrived; the caller is about to store its ID."""


class NoJournal:
    """For what isn't recorded."""

    async def begin(self, to: Destination) -> None:
        """Nothing is recorded."""

    def arrived(self, to: Destination, message_id: int) -> None:
        """Nothing is recorded."""


async def find_own(bot: Bot, chat_id: int, after: int, *, waits: bool = False) -> int | None:
    """The bot's first message in a group with a greater ID than `after`; loses its buttons. None if there is none.

    `waits`: until Telegram can be reached; otherwise None then, too.
    """
    for failures in count(1):
        try:
            return await _find_own(bot, chat_id, after)
        except NetworkError as exc:
            log.warning("Whether a message has arrived in chat %d can't be found out: %s", chat_id, exc)
        if not waits:
            break
        await asyncio.sleep(backoff(failures, FIRST_WAIT_S, MAX_WAIT_S))
    return None


async def _find_own(bot: Bot, chat_id: int, after: int) -> int | None:
    """Raises NetworkError if Telegram can't be reached."""
    missing = 0
    for message_id in range(after + 1, after + 1 + MOST_TRIED):
        try:
            changed = await bot.edit_message_reply_markup(chat_id, message_id)
        except BadRequest as exc:
            refusal = classify(exc)
            if refusal is Refusal.NOT_MODIFIED:
                return message_id
            missing = missing + 1 if refusal is Refusal.NOTHING_TO_EDIT else 0
            if missing == MOST_MISSING or refusal in (Refusal.FOR_GOOD, Refusal.CONTENT):
                return None
        except TelegramError as exc:
            if isinstance(exc.__cause__, httpx.TransportError):
                raise
            log.warning("Whether a message has arrived in chat %d can't be found out: %s", chat_id, exc)
            return None
        else:  # a server that doesn't show the message may not have looked either
            return message_id if isinstance(changed, Message) and changed.message_id == message_id else None
    return None
