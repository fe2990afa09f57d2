"""What only a group's administrators may do: take back what was said, and change how the bot behaves there."""

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

from telegram import Bot, ChatMember, Message, Update
from telegram.error import TelegramError

from bot.handlers.notices import answer
from bot.handlers.pressed import acknowledge, pressed
from bot.handlers.senders import is_personal
from bot.intake.arrival import place_of
from bot.language import texts
from storage import Storage

KNOWN_S = 60.0
"""How long it is believed what somebody is in a group, in seconds."""

Handler = Callable[[Update, object], Coroutine[object, object, None]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Admins:
    """Guards handlers; where one person talks alone they may do everything. `clock` gives Unix seconds."""

    storage: Storage
    bot: Bot
    clock: Callable[[], float]
    known: dict[tuple[int, int], tuple[bool, float]] = field(default_factory=dict)

    def only(self, handler: Handler) -> Handler:
        """The handler for administrators; others are told."""

        async def guarded(update: Update, context: object) -> None:
            if await self._may(update):
                await handler(update, context)
            else:
                await self._refuse(update)

        return guarded

    async def may(self, message: Message, user_id: int | None = None) -> bool:
        """Whether whoever sent this message, or this user, may do what administrators do."""
        if is_personal(message) or (user_id is None and _is_anonymous(message)):
            return True
        asked = user_id or (message.from_user.id if message.from_user else None)
        return asked is not None and await self._is_admin(message.chat.id, asked)

    async def _may(self, update: Update) -> bool:
        if update.callback_query is None:
            assert update.message is not None, "guards commands and buttons"
            return _is_aside(update.message) or await self.may(update.message)
        query, message = pressed(update)
        if message is None or _is_aside(message):  # without a message nothing happens
            return True
        return await self.may(message, query.from_user.id)

    async def _is_admin(self, chat_id: int, user_id: int) -> bool:
        known, until = self.known.get((chat_id, user_id), (False, 0.0))
        if self.clock() < until:
            return known
        try:
            member = await self.bot.get_chat_member(chat_id, user_id)
        except TelegramError as exc:
            log.warning("Telegram does not say what user %d is in chat %d: %s", user_id, chat_id, exc)
            return False
        is_admin = member.status in (ChatMember.OWNER, ChatMember.ADMINISTRATOR)
        self.known[chat_id, user_id] = (is_admin, self.clock() + KNOWN_S)
        return is_admin

    async def _refuse(self, update: Update) -> None:
        async with self.storage.transaction() as tx:
            if update.callback_query is None and update.message is not None:
                await self.storage.notices.add(tx, answer(update.message, texts.ONLY_ADMINS, alone=True))
            await self.storage.inbox.done(tx, [update.update_id])
        if update.callback_query is not None:
            await acknowledge(update.callback_query, texts.ONLY_ADMINS)


def _is_aside(message: Message) -> bool:
    """Whether it is about what one member of the group and the bot say, and nobody else sees."""
    return place_of(message).alone_with is not None


def _is_anonymous(message: Message) -> bool:
    """An administrator who speaks as the group itself."""
    return message.sender_chat is not None and message.sender_chat.id == message.chat.id
