"""Sending of messages that must arrive: flood limits and network trouble are waited out, however long they last.

A request that timed out may have arrived anyway, and the Bot API provides no way to find out. It is repeated a few
times at most, and only once Telegram responds again, so that in this case a message can appear twice. Losing it would
be worse. Edits are safe to repeat.
"""

import logging
from collections.abc import Callable
from dataclasses import replace

from telegram import InlineKeyboardMarkup
from telegram.constants import ChatAction
from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError

from bot.concurrency import backoff
from bot.errors import KeepsakeError
from bot.outbound.bot_api import BotApi, Markup
from bot.outbound.content import Attachment, Content, Destination, File, Rich
from bot.outbound.flood_control import FloodControl
from bot.outbound.refusals import (
    Refusal,
    classify,
    failed_there,
    is_for_good,
    lost_topic,
    may_have_arrived,
    seconds_to_wait,
    undeliverable,
)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
"""The longest pause between two attempts while Telegram or the network has trouble."""

MOST_UPLOADS, MOST_COPIES = 2, 5
"""How often a file that may have arrived is sent, and how often any other message."""
MOST_FAILED_UPLOADS = 6
"""How often a file that makes the server fail is sent: half a minute in all, because another message may pass."""

Wanted = Callable[[], bool]
"""Whether a message that is waiting for its turn should still be sent."""

log = logging.getLogger(__name__)


class NotWantedError(KeepsakeError):
    """The rest is no longer wanted."""


def always() -> bool:
    """For messages that are always wanted."""
    return True


class RetryingSender:
    """Sends or edits one message at a time, until Telegram accepts or refuses it."""

    def __init__(self, api: BotApi, flood_control: FloodControl) -> None:
        self._api = api
        self._flood_control = flood_control

    async def put(
        self,
        to: Destination,
        content: Content | Attachment,
        edit: int | None,
        markup: Markup | None = None,
        wanted: Wanted = always,
    ) -> int:
        """Send the content, or edit the message `edit`; returns the message's id.

        A file is sent as a new message unless that one is a file; then its caption is edited.

        Raises Undeliverable, UnsupportedError, NotWantedError, or BadRequest if this content is refused.
        """
        failures, copies, failed = 0, 0, 0
        most = MOST_UPLOADS if isinstance(content, File) else MOST_COPIES
        while True:
            await self._turn(to, wanted, unsure=copies > 0)
            try:
                if edit is None or (isinstance(content, Attachment) and not isinstance(content, File)):
                    edit = None
                    return await self._send(to, content, markup)
                keyboard = markup if isinstance(markup, InlineKeyboardMarkup) else None
                await self._api.edit(to, edit, content, keyboard)
            except RetryAfter as exc:
                self._flood_control.halt(to, seconds_to_wait(exc))
                log.info("Telegram asks chat %d to wait for %.0f s", to.chat_id, seconds_to_wait(exc))
            except BadRequest as exc:
                edit = _after_refusal(to, exc, edit, content)
                if edit is not None:
                    return edit
            except TelegramError as exc:
                copies += edit is None and may_have_arrived(exc)
                failed += isinstance(content, File) and failed_there(exc)
                if is_for_good(exc) or copies == most or failed == MOST_FAILED_UPLOADS:
                    raise undeliverable(exc) from exc
                failures += 1
                pause = backoff(failures, FIRST_PAUSE_S, LONGEST_PAUSE_S)
                log.warning("A message to chat %d will be sent again in %.0f s: %s", to.chat_id, pause, exc)
                self._flood_control.halt(to, pause)
            else:
                return edit

    async def _turn(self, to: Destination, wanted: Wanted, *, unsure: bool) -> None:
        """Wait for a turn to send; `unsure`: it may have arrived, so also wait until Telegram responds again."""
        failures = 0
        while True:
            await self._flood_control.turn(to)
            if not wanted():
                raise NotWantedError
            if not unsure or await self._answers(to):
                return
            failures += 1
            self._flood_control.halt(to, backoff(failures, FIRST_PAUSE_S, LONGEST_PAUSE_S))

    async def _answers(self, to: Destination) -> bool:
        """Whether Telegram can be reached; a refusal counts as a response too."""
        try:
            await self._api.act(to, ChatAction.TYPING)
        except TelegramError as exc:
            return isinstance(exc, BadRequest) or not isinstance(exc, NetworkError)
        return True

    async def _send(self, to: Destination, content: Content | Attachment, markup: Markup | None) -> int:
        """Send to the topic, or to the chat itself if the user has turned topics off or deleted this one."""
        try:
            return await self._api.send(to, content, markup)
        except BadRequest as exc:
            if not to.private or to.thread_id is None or not lost_topic(exc):
                raise
            return await self._api.send(replace(to, thread_id=None), content, markup)


def _after_refusal(to: Destination, exc: BadRequest, edit: int | None, content: Content | Attachment) -> int | None:
    """The message that already shows the content, or None if a new one must be sent; otherwise raises."""
    if edit is not None and to.private and to.thread_id is not None and lost_topic(exc):
        return None
    refusal = classify(exc)
    if refusal is Refusal.FOR_GOOD:
        raise undeliverable(exc) from exc
    if edit is not None and refusal is Refusal.NOT_MODIFIED:
        return edit
    if edit is not None and refusal is Refusal.NOTHING_TO_EDIT:
        return None
    if edit is not None and refusal is Refusal.NOT_EDITABLE and not isinstance(content, Rich):
        return None  # a text may not become a rich message, but another text
    raise exc
