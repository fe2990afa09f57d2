"""Where updates come from: the one seam behind which polling and the webhook are alike.

Reaching Telegram when the bot starts: for as long as it takes.

Long polling: asking with the next offset is what tells Telegram that the updates before it have arrived.

python-telegram-bot's own Updater parses before it hands over, and asks again at once for what it can't parse. Here the
JSON is taken as it is, and the offset moves only after the inbox has committed it.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Protocol
from urllib.parse import urlencode

from starlette.routing import Route
from telegram import Bot
from telegram.error import InvalidToken, TelegramError
from telegram.request import BaseRequest

from bot.concurrency import backoff
from bot.updates.receiver import ALLOWED_UPDATES, Receiver
from storage import StorageError
from storage.inbox import RawUpdate

FIRST_CONTACT_WAIT_S, MAX_CONTACT_WAIT_S = 1.0, 30.0
"""The shortest and the longest wait between two tries."""
LONG_POLL_S = 25
"""How long Telegram holds a request open when there is nothing to say (it allows 50)."""
NETWORK_SLACK_S = 10.0
"""How much longer than that the answer may take on its way."""
FIRST_WAIT_S, MAX_WAIT_S = 1.0, 30.0
"""The shortest and the longest wait between two tries while something is wrong."""

log = logging.getLogger(__name__)


class UpdateSource(Protocol):
    """Hands every update to a Receiver, and acknowledges it only after that has returned."""

    @property
    def routes(self) -> Sequence[Route]:
        """What it needs on the bot's HTTP server."""

    async def run(self) -> None:
        """Take in updates until cancelled."""


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
            wait = backoff(failures, FIRST_CONTACT_WAIT_S, MAX_CONTACT_WAIT_S)
            log.warning("Telegram can't be reached, trying again in %.0f s: %s", wait, exc)
            await asyncio.sleep(wait)
        else:
            return


class Polling:
    """The task that asks Telegram for updates."""

    def __init__(self, bot: Bot, request: BaseRequest, receiver: Receiver) -> None:
        """`request` is a connection of its own, so that a long poll takes no place from answers."""
        self._bot = bot
        self._request = request
        self._receiver = receiver
        self._offset: int | None = None
        self._failures = 0

    @property
    def routes(self) -> Sequence[Route]:
        """Polling needs no server."""
        return ()

    async def run(self) -> None:
        """Ask forever; whatever fails is logged and tried again."""
        await self._end_webhook()
        while True:
            try:
                updates = await self._ask()
                await self._receiver.receive(updates)
            except (
                TelegramError,
                StorageError,
                ValueError,
                LookupError,
                TypeError,
            ) as exc:  # the last three: no updates
                await self._wait_after(exc)
            else:
                self._offset = max((update.update_id + 1 for update in updates), default=self._offset)
                self._failures = 0

    async def _end_webhook(self) -> None:
        """While a webhook is set Telegram refuses to be polled. A server that knows no webhooks has none to end."""
        try:
            await persistently(self._bot.delete_webhook)
        except InvalidToken:
            log.info("This Bot API server does not know deleteWebhook")

    async def _ask(self) -> Sequence[RawUpdate]:
        query = {"timeout": LONG_POLL_S, "allowed_updates": json.dumps(ALLOWED_UPDATES)}
        if self._offset is not None:
            query["offset"] = self._offset
        body = await self._request.retrieve(
            f"{self._bot.base_url}/getUpdates?{urlencode(query)}", read_timeout=LONG_POLL_S + NETWORK_SLACK_S
        )
        return [RawUpdate(update["update_id"], json.dumps(update)) for update in json.loads(body)["result"]]

    async def _wait_after(self, exc: Exception) -> None:
        self._failures += 1
        wait = backoff(self._failures, FIRST_WAIT_S, MAX_WAIT_S)
        log.warning("Updates can't be received, trying again in %.0f s: %s", wait, exc)
        await asyncio.sleep(wait)
