"""Long polling, and the interface that it shares with the webhook.

A request with the next offset acknowledges the updates before it, so the offset moves only after the inbox has
committed them. python-telegram-bot's own Updater is not used: it parses updates before handing them over, and asks
again at once for one that it can't parse.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from itertools import count
from typing import Protocol
from urllib.parse import urlencode

from starlette.routing import Route
from telegram import Bot
from telegram.error import InvalidToken, RetryAfter, TelegramError
from telegram.request import BaseRequest

from bot.concurrency import backoff
from bot.metrics import ERRORS
from bot.updates.receiver import ALLOWED_UPDATES, Receiver
from storage import StorageError
from storage.inbox import RawUpdate

FIRST_CONTACT_WAIT_S, MAX_CONTACT_WAIT_S = 1.0, 10.0
"""The shortest and the longest wait between two attempts at startup."""
LONG_POLL_S = 25
"""How long Telegram holds a request open while there are no updates (at most 50)."""
NETWORK_SLACK_S = 10.0
"""How much longer than that the response may take."""
FAILING = 2
"""Consecutive failed polls from which Telegram counts as not reached."""
FIRST_WAIT_S, MAX_WAIT_S = 1.0, 5.0
"""The shortest and the longest wait between two requests after failures, unless Telegram asks for a longer one."""
LOG_EVERY_S = 60.0
"""The shortest time between two lines in the log about the same trouble."""

log = logging.getLogger(__name__)


class UpdateSource(Protocol):
    """Passes every update to a Receiver, and acknowledges it only after ``Receiver.receive`` has returned."""

    @property
    def routes(self) -> Sequence[Route]:
        """The routes it needs on the bot's HTTP server."""

    async def run(self) -> None:
        """Receive updates until cancelled."""

    async def reached(self) -> bool:
        """Whether Telegram can be reached and accepts the bot, as far as this is known."""


async def until_reached(step: Callable[[], Awaitable[object]]) -> None:
    """Repeat a request to Telegram until it succeeds, with a growing wait in between.

    Raises InvalidToken, which python-telegram-bot raises for a 401 and for every 404: the caller knows whether it means
    the token, or a method that the server doesn't have.
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
    """Receives updates by long polling."""

    def __init__(self, bot: Bot, request: BaseRequest, receiver: Receiver) -> None:
        """`request` has its own connection, so that a long poll doesn't take one from answers."""
        self._bot = bot
        self._request = request
        self._receiver = receiver
        self._offset: int | None = None
        self._failures = 0
        self._logged_at = float("-inf")
        self._begun = False

    @property
    def routes(self) -> Sequence[Route]:
        return ()

    async def run(self) -> None:
        """Poll until cancelled; failures are logged and retried."""
        await self._delete_webhook()
        self._begun = True
        while True:
            try:
                updates = await self._poll()
                await self._receiver.receive(updates)
            except (
                TelegramError,
                StorageError,
                ValueError,
                LookupError,
                TypeError,
            ) as exc:  # the last three: the response is not a list of updates
                await self._wait_after(exc)
            else:
                self._offset = max((update.update_id + 1 for update in updates), default=self._offset)
                self._failures = 0

    async def reached(self) -> bool:
        """Whether polls are accepted; a single failure says little."""
        return self._begun and self._failures < FAILING

    async def _delete_webhook(self) -> None:
        """Telegram refuses polling while a webhook is set. A server without the method has no webhook to remove."""
        try:
            await until_reached(self._bot.delete_webhook)
        except InvalidToken:
            log.info("This Bot API server does not know deleteWebhook")

    async def _poll(self) -> Sequence[RawUpdate]:
        # After a failure, Telegram is to answer at once: that it does is not to be known only after a long poll.
        query = {"timeout": 0 if self._failures else LONG_POLL_S, "allowed_updates": json.dumps(ALLOWED_UPDATES)}
        if self._offset is not None:
            query["offset"] = self._offset
        body = await self._request.retrieve(
            f"{self._bot.base_url}/getUpdates?{urlencode(query)}", read_timeout=LONG_POLL_S + NETWORK_SLACK_S
        )
        return [RawUpdate(update["update_id"], json.dumps(update)) for update in json.loads(body)["result"]]

    async def _wait_after(self, exc: Exception) -> None:
        self._failures += 1
        ERRORS.labels("polling").inc()
        wait = backoff(self._failures, FIRST_WAIT_S, MAX_WAIT_S)
        if isinstance(exc, RetryAfter):
            asked = exc.retry_after
            wait = max(wait, asked.total_seconds() if isinstance(asked, timedelta) else float(asked))
        now = time.monotonic()
        if self._failures == 1 or now - self._logged_at >= LOG_EVERY_S:
            log.warning("Updates can't be received, trying again in %.0f s and then on: %s", wait, exc)
            self._logged_at = now
        await asyncio.sleep(wait)
