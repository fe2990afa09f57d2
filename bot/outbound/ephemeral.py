"""Ephemeral messages (Bot API 10.3), seen only by one member of a group and the bot.

python-telegram-bot doesn't support them yet. Telegram numbers them separately; here their numbers are negative, so that
a number identifies one message. Servers before 10.3 ignore the ephemeral fields and send an ordinary message.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace

from telegram import Bot, InlineKeyboardMarkup, Message
from telegram.error import BadRequest, EndPointNotFound, Forbidden, InvalidToken, TelegramError

from bot.outbound.content import Destination, EphemeralAudience
from bot.outbound.refusals import Features, is_unauthorized

BELIEVED_S = 3600.0
"""How long the bot is assumed not to be an administrator after a refusal, in seconds."""

Fields = Mapping[str, object]
Send = Callable[[Destination, Fields], Awaitable[int]]
"""Sends a message with these additional fields."""

log = logging.getLogger(__name__)


def number_of(message: Message | Mapping[str, object]) -> int:
    """The number of a sent message."""
    fields = message.api_kwargs if isinstance(message, Message) else message
    ephemeral = fields.get("ephemeral_message_id")
    if isinstance(ephemeral, int):
        return -ephemeral
    number = message.message_id if isinstance(message, Message) else message["message_id"]
    assert isinstance(number, int)
    return number


class EphemeralMessages:
    """Shows messages to one member of a group."""

    def __init__(self, bot: Bot, features: Features, clock: Callable[[], float] = time.monotonic) -> None:
        self._bot = bot
        self._features = features
        self._clock = clock

    async def send(self, to: Destination, alone: EphemeralAudience, send: Send) -> int:
        """Send to one member alone; if Telegram refuses and `alone` permits it, send to all, and remember that.

        Raises BadRequest if it doesn't permit it; that refusal says nothing about the group.
        """
        refused: TelegramError | None = None
        key = (to.chat_id, alone.receiver)
        not_alone = self._features.not_alone
        unasked = not_alone.get(key, 0.0) <= self._clock()
        for fields in _ways(alone, unasked=unasked):
            try:
                return await send(to, fields)
            except (BadRequest, Forbidden) as exc:
                log.info("A message in chat %d can't be shown to one member alone: %s", to.chat_id, exc)
                refused = exc
        if alone.strictly:
            raise BadRequest(refused.message if refused else "Nothing can be shown to one member alone")
        number = await send(replace(to, alone=None), {})
        if unasked:  # so it was the ephemeral form that was refused, not the message
            self._believe(key)
        return number

    def _believe(self, key: tuple[int, int]) -> None:
        """Remember the refusal for a while, and drop expired ones; the oldest come first."""
        believed, now = self._features.not_alone, self._clock()
        believed.pop(key, None)
        believed[key] = now + BELIEVED_S
        while believed[oldest := next(iter(believed))] <= now:
            del believed[oldest]

    async def edit(
        self, to: Destination, message_id: int, content: Fields, keyboard: InlineKeyboardMarkup | None
    ) -> None:
        """Replace an ephemeral message's content. Raises BadRequest, also if the server doesn't support them."""
        await self._change("editEphemeralMessageText", to, message_id, {**content, "reply_markup": keyboard})

    async def turn_keyboard(self, to: Destination, message_id: int, keyboard: InlineKeyboardMarkup | None) -> None:
        """Replace or remove the buttons of an ephemeral message. Raises TelegramError."""
        await self._change("editEphemeralMessageReplyMarkup", to, message_id, {"reply_markup": keyboard})

    async def delete(self, to: Destination, message_id: int) -> None:
        """Delete an ephemeral message. Raises TelegramError."""
        await self._change("deleteEphemeralMessage", to, message_id, {})

    async def _change(self, method: str, to: Destination, message_id: int, fields: Fields) -> None:
        if to.alone is None:
            raise BadRequest("Message to edit not found")
        key = {
            "chat_id": to.chat_id,
            "receiver_user_id": to.alone.receiver,
            "ephemeral_message_id": -message_id,
        }
        try:
            await self._bot.do_api_request(
                method, key | {name: value for name, value in fields.items() if value is not None}
            )
        except (EndPointNotFound, InvalidToken, Forbidden) as exc:
            if is_unauthorized(exc):
                raise
            raise BadRequest("Message to edit not found") from exc


def _ways(alone: EphemeralAudience, *, unasked: bool) -> Iterator[Fields]:
    """The fields that may permit it: a recent button press, a recent message, or being an administrator."""
    whom: dict[str, object] = {"receiver_user_id": alone.receiver}
    if alone.query is not None:
        yield {"ephemeral_message_parameters": whom | {"callback_query_id": alone.query}}
    elif alone.answers is not None:
        reply = {"ephemeral_message_id": alone.answers}
        yield {"ephemeral_message_parameters": whom, "reply_parameters": reply}
    if unasked:
        yield {"ephemeral_message_parameters": whom}
