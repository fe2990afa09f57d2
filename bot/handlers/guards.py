"""What only a group's administrators may do: take back what was said, and change how the bot behaves there.

How often one person is answered; the anonymous administrators of a group are one.

What costs is an answer, so that a burst of messages that become one turn counts once. Commands and buttons that ask the
model count as well. Counts are kept in memory: a restart is a fresh minute.
"""

import logging
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

from telegram import Bot, ChatMember, Message, Update
from telegram.error import TelegramError

from bot.handlers.context import acknowledge, answer, is_personal, pressed, sender_of
from bot.language import plural, texts
from bot.updates.parsing import place_of
from storage import Storage
from storage.records import Notice

KNOWN_S = 60.0
"""How long it is believed what somebody is in a group, in seconds."""
Handler = Callable[[Update, object], Coroutine[object, object, None]]
MINUTE_S = 60.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AdminGuard:
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


@dataclass(slots=True)
class _Recent:
    """Of one person: when they were answered in the last minute, and when they were last told to wait."""

    asked: deque[float] = field(default_factory=deque)
    told: float | None = None


@dataclass(frozen=True, slots=True)
class RateLimiter:
    """Counts. `most` is MESSAGES_PER_MINUTE, None: no limit; `clock` gives Unix seconds."""

    storage: Storage
    most: int | None
    clock: Callable[[], float]
    recent: dict[int, _Recent] = field(default_factory=dict)

    def only(self, handler: Handler) -> Handler:
        """The handler for those who have not asked too often; others are told."""

        async def guarded(update: Update, context: object) -> None:
            sender = update.effective_sender
            if sender is None or self.admits(sender.id):
                await handler(update, context)
            else:
                await self._refuse(update, sender.id)

        return guarded if self.most is not None else handler

    def admits(self, user_id: int) -> bool:
        """Whether this person is answered once more; if so, it counts."""
        if self.most is None:
            return True
        self._forget_the_quiet()
        recent = self.recent.setdefault(user_id, _Recent())
        if len(recent.asked) >= self.most:
            return False
        recent.asked.append(self.clock())
        return True

    def admits_edit(self, message: Message) -> bool:
        """Whether an edited message is answered anew; if so, it counts."""
        sender = sender_of(message)
        return sender is None or self.admits(sender)

    def refusal(self, message: Message, user_id: int) -> Notice | None:
        """What somebody is told who is not; None: they were told less than a minute ago."""
        recent, now = self.recent[user_id], self.clock()
        if recent.told is not None and now - recent.told < MINUTE_S:
            return None
        recent.told = now
        return answer(message, self._text(recent), alone=True)

    def _text(self, recent: _Recent) -> str:
        wait = max(1, round(recent.asked[0] + MINUTE_S - self.clock()))
        limit = plural(self.most or 0, texts.MESSAGES)
        return texts.TOO_OFTEN.format(limit=limit, wait=plural(wait, texts.SECONDS))

    def _forget_the_quiet(self) -> None:
        since = self.clock() - MINUTE_S
        for user_id in list(self.recent):
            asked = self.recent[user_id].asked
            while asked and asked[0] <= since:
                asked.popleft()
            if not asked:
                del self.recent[user_id]

    async def _refuse(self, update: Update, user_id: int) -> None:
        text = self._text(self.recent[user_id])  # before anything is waited for: a minute may be over then
        notice = self.refusal(update.message, user_id) if update.message is not None else None
        async with self.storage.transaction() as tx:
            if notice is not None:
                await self.storage.notices.add(tx, notice)
            await self.storage.inbox.done(tx, [update.update_id])
        if update.callback_query is not None:
            await acknowledge(update.callback_query, text)
