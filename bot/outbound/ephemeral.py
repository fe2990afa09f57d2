"""Ephemeral messages (Bot API 10.3), which one member of a group and the bot see: python-telegram-bot has none yet.

Telegram numbers them apart from all others. Here they have negative numbers, so that one number names one message.
A server before 10.3 passes over what makes a message ephemeral, and sends an ordinary one.
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
"""So long nothing is tried where the bot was no administrator: it may become one."""

Fields = Mapping[str, object]
Send = Callable[[Destination, Fields], Awaitable[int]]
"""Sends a message with these fields besides its own."""

log = logging.getLogger(__name__)


def number_of(message: Message | Mapping[str, object]) -> int:
    """What a message that was sent is known by."""
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
        """Send it to one member alone, or where Telegram refuses that and it may be, to all, which is remembered.

        Raises BadRequest where it may not be: that Telegram does not show it to them says nothing of the group.
        """
        refused: TelegramError | None = None
        key = (to.chat_id, alone.receiver)
        unasked = self._features.not_alone.get(key, 0.0) <= self._clock()
        for fields in _ways(alone, unasked=unasked):
            try:
                return await send(to, fields)
            except (BadRequest, Forbidden) as exc:
                log.info("A message in chat %d can't be shown to one member alone: %s", to.chat_id, exc)
                refused = exc
        if alone.strictly:
            raise BadRequest(refused.message if refused else "Nothing can be shown to one member alone")
        number = await send(replace(to, alone=None), {})
        if unasked:  # it was refused so, and is no message that is refused in any way
            self._believe(key)
        return number

    def _believe(self, key: tuple[int, int]) -> None:
        """Keep it in mind for a while, and what has been kept for longer no more: the oldest come first."""
        believed, now = self._features.not_alone, self._clock()
        believed.pop(key, None)
        believed[key] = now + BELIEVED_S
        while believed[oldest := next(iter(believed))] <= now:
            del believed[oldest]

    async def edit(
        self, to: Destination, message_id: int, content: Fields, keyboard: InlineKeyboardMarkup | None
    ) -> None:
        """Turn an ephemeral message into the content. Raises BadRequest, also where there are none."""
        await self._change("editEphemeralMessageText", to, message_id, {**content, "reply_markup": keyboard})

    async def turn_keyboard(self, to: Destination, message_id: int, keyboard: InlineKeyboardMarkup | None) -> None:
        """Put other buttons, or none, under an ephemeral message. Raises TelegramError."""
        await self._change("editEphemeralMessageReplyMarkup", to, message_id, {"reply_markup": keyboard})

    async def delete(self, to: Destination, message_id: int) -> None:
        """Take an ephemeral message away. Raises TelegramError."""
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
            await self._bot.do_api_request(method, key | {name: one for name, one in fields.items() if one is not None})
        except (EndPointNotFound, InvalidToken, Forbidden) as exc:
            if is_unauthorized(exc):
                raise
            raise BadRequest("Message to edit not found") from exc


def _ways(alone: EphemeralAudience, *, unasked: bool) -> Iterator[Fields]:
    """What may let us: a fresh press, a fresh message of theirs, or that the bot is an administrator."""
    whom: dict[str, object] = {"receiver_user_id": alone.receiver}
    if alone.query is not None:
        yield {"ephemeral_message_parameters": whom | {"callback_query_id": alone.query}}
    elif alone.answers is not None:
        reply = {"ephemeral_message_id": alone.answers}
        yield {"ephemeral_message_parameters": whom, "reply_parameters": reply}
    if unasked:
        yield {"ephemeral_message_parameters": whom}
