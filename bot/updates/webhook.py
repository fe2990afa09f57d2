"""The webhook: Telegram posts each update, and takes a 200 as its acknowledgment."""

import asyncio
import hmac
import json
import logging
from collections.abc import Sequence
from functools import partial

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from telegram import Bot
from telegram.error import InvalidToken, TelegramError

from bot.errors import StartError
from bot.updates.polling import until_reached
from bot.updates.receiver import ALLOWED_UPDATES, Receiver
from storage import StorageError
from storage.inbox import RawUpdate

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the header's name, not its value

ASK_EVERY_S = 10.0

log = logging.getLogger(__name__)


class Webhook:
    """Receives updates at a URL that is registered with Telegram."""

    def __init__(self, bot: Bot, url: str, secret: str, receiver: Receiver) -> None:
        self._bot = bot
        self._url = url
        self._secret = secret
        self._receiver = receiver
        self._registered = False
        self._asked_at, self._answered = float("-inf"), False

    @property
    def routes(self) -> Sequence[Route]:
        """POST on any path: a proxy may rewrite the path, and the secret is what protects the route."""
        return [Route("/{path:path}", self._receive, methods=["POST"])]

    async def run(self) -> None:
        """Register the URL with Telegram, and wait until cancelled. Raises StartError if the server has no webhooks."""
        register = partial(self._bot.set_webhook, self._url, secret_token=self._secret, allowed_updates=ALLOWED_UPDATES)
        try:
            await until_reached(register)
        except InvalidToken as exc:
            raise StartError("WEBHOOK_URL: this Bot API server does not know setWebhook") from exc
        self._registered = True
        await asyncio.Event().wait()

    async def reached(self) -> bool:
        """Whether the URL is registered and Telegram answers, which is asked at most every ASK_EVERY_S seconds."""
        now = asyncio.get_running_loop().time()
        if self._registered and now - self._asked_at >= ASK_EVERY_S:
            self._asked_at = now
            try:
                await self._bot.get_me()
            except TelegramError:
                self._answered = False
            else:
                self._answered = True
        return self._answered

    async def _receive(self, request: Request) -> Response:
        secret = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(secret.encode(), self._secret.encode()):
            return PlainTextResponse("wrong secret", status_code=403)
        try:
            update = await request.json()
            raw = RawUpdate(int(update["update_id"]), json.dumps(update))
        except (ValueError, TypeError, KeyError, ClientDisconnect):
            return PlainTextResponse("not an update", status_code=400)
        try:
            await self._receiver.receive([raw])
        except StorageError as exc:  # any response but a 2xx makes Telegram send it again
            log.warning("An update could not be stored; Telegram will send it again: %s", exc)
            return PlainTextResponse("not stored", status_code=503)
        return PlainTextResponse("ok")
