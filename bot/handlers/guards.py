"""Who may do what: what the table of handlers declares is applied here, in one place.

Administrators: in a group only they may take back what was said, and change how the bot behaves there.

The rate limit: what costs is an answer, so a burst of messages that become one turn counts once. Commands and buttons
that ask the model count as well; the anonymous administrators of a group are one person. Counts are kept in memory.
"""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from telegram import Bot, ChatMember, Message
from telegram.error import TelegramError

from bot.access.policy import Owners
from bot.handlers.context import (
    ButtonContext,
    MessageContext,
    PressContext,
    UpdateContext,
    argument,
    is_personal,
    sender_of,
)
from bot.handlers.notices import answer, is_private
from bot.inbound.quotes import replied_to
from bot.language import plural, texts
from bot.updates.parsing import key_of
from storage.records import Notice

KNOWN_S = 60.0
"""How long it is believed what someone is in a group, in seconds."""
MINUTE_S = 60.0

log = logging.getLogger(__name__)


class OwnersOnly(Enum):
    """Where a command is the owners' own; elsewhere, and to others, it is a command that does not exist."""

    IN_PRIVATE = auto()
    AND_AS_REPLY = auto()
    """Also in a group, about the person whom the command replies to."""


class AdminGuard:
    """Knows a group's administrators; where one person talks alone they may do everything."""

    def __init__(self, bot: Bot, clock: Callable[[], float]) -> None:
        self._bot = bot
        self._clock = clock
        self._known: dict[tuple[int, int], tuple[bool, float]] = {}

    async def admits(self, update: UpdateContext) -> bool:
        """Whether the sender of a command, or whoever pressed a button, may do what administrators do."""
        match update:
            case ButtonContext():
                return _is_aside(update.message) or await self.may(update.message, update.query.from_user.id)
            case MessageContext():
                return _is_aside(update.message) or await self.may(update.message)
        return True  # a button whose message is gone does nothing

    async def may(self, message: Message, user_id: int | None = None) -> bool:
        """Whether whoever sent this message, or this user, may do what administrators do."""
        if is_personal(message) or (user_id is None and _is_anonymous(message)):
            return True
        asked = user_id or (message.from_user.id if message.from_user else None)
        return asked is not None and await self._is_admin(message.chat.id, asked)

    async def _is_admin(self, chat_id: int, user_id: int) -> bool:
        known, until = self._known.get((chat_id, user_id), (False, 0.0))
        if self._clock() < until:
            return known
        try:
            member = await self._bot.get_chat_member(chat_id, user_id)
        except TelegramError as exc:
            log.warning("Telegram does not say what user %d is in chat %d: %s", user_id, chat_id, exc)
            return False
        is_admin = member.status in (ChatMember.OWNER, ChatMember.ADMINISTRATOR)
        self._known[chat_id, user_id] = (is_admin, self._clock() + KNOWN_S)
        return is_admin


def _is_aside(message: Message) -> bool:
    """Whether it is about what one member of the group and the bot say, and nobody else sees."""
    return key_of(message).alone_with is not None


def _is_anonymous(message: Message) -> bool:
    """An administrator who speaks as the group itself."""
    return message.sender_chat is not None and message.sender_chat.id == message.chat.id


@dataclass(slots=True)
class _Recent:
    """Of one person: when they were answered in the last minute, and when they were last told to wait."""

    asked: deque[float] = field(default_factory=deque)
    told: float | None = None


class RateLimiter:
    """Counts answers. `most` is MESSAGES_PER_MINUTE, None: no limit; `clock` gives Unix seconds."""

    def __init__(self, most: int | None, clock: Callable[[], float]) -> None:
        self._most = most
        self._clock = clock
        self._recent: dict[int, _Recent] = {}

    def admits(self, user_id: int) -> bool:
        """Whether this person is answered once more; if so, it counts."""
        if self._most is None:
            return True
        self._forget_the_quiet()
        recent = self._recent.setdefault(user_id, _Recent())
        if len(recent.asked) >= self._most:
            return False
        recent.asked.append(self._clock())
        return True

    def admits_edit(self, message: Message) -> bool:
        """Whether an edited message is answered again; if so, it counts."""
        sender = sender_of(message)
        return sender is None or self.admits(sender)

    def refusal(self, message: Message, user_id: int) -> Notice | None:
        """What someone is told who is not; None: they were told less than a minute ago."""
        recent, now = self._recent[user_id], self._clock()
        if recent.told is not None and now - recent.told < MINUTE_S:
            return None
        recent.told = now
        return answer(message, self.wait(user_id), alone=True)

    def wait(self, user_id: int) -> str:
        """The sentence for someone who is refused: the limit, and how long they have to wait."""
        wait = max(1, round(self._recent[user_id].asked[0] + MINUTE_S - self._clock()))
        limit = plural(self._most or 0, texts.MESSAGES)
        return texts.TOO_OFTEN.format(limit=limit, wait=plural(wait, texts.SECONDS))

    def _forget_the_quiet(self) -> None:
        since = self._clock() - MINUTE_S
        for user_id in list(self._recent):
            asked = self._recent[user_id].asked
            while asked and asked[0] <= since:
                asked.popleft()
            if not asked:
                del self._recent[user_id]


class Guards:
    """Applies what the table declares; who is refused is told, and the update is finished."""

    def __init__(self, admins: AdminGuard, pace: RateLimiter, owners: Owners) -> None:
        self._admins = admins
        self._pace = pace
        self._owners = owners

    async def admits(self, update: UpdateContext, *, admins: bool, paced: bool) -> bool:
        """Whether a command or a button goes to its handler."""
        if admins and not await self._admins.admits(update):
            notice = update.notice(texts.ONLY_ADMINS, alone=True) if isinstance(update, MessageContext) else None
            await self._refuse(update, texts.ONLY_ADMINS, notice)
            return False
        who = _who(update) if paced else None
        if who is not None and not self._pace.admits(who):
            text = self._pace.wait(who)  # before anything is awaited: the minute may be over then
            notice = self._pace.refusal(update.message, who) if isinstance(update, MessageContext) else None
            await self._refuse(update, text, notice)
            return False
        return True

    async def is_owners(self, update: MessageContext, where: OwnersOnly) -> bool:
        """Whether an owner gives this command where owners may give it."""
        message = update.message
        user = message.from_user
        if not is_private(message):
            about = where is OwnersOnly.AND_AS_REPLY and not argument(message) and replies(message)
            user = user if about and message.sender_chat is None else None
        return user is not None and await self._owners.has(user.id)

    async def _refuse(self, update: UpdateContext, text: str, notice: Notice | None) -> None:
        if isinstance(update, PressContext):
            await update.say(None)
            await update.acknowledge(text)
        else:
            await update.say(notice)


def replies(message: Message) -> bool:
    """Whether a command is about what it replies to, here or in another chat."""
    return replied_to(message) is not None or message.external_reply is not None


def _who(update: UpdateContext) -> int | None:
    """Who is counted: a person, or the chat in whose name they write."""
    if isinstance(update, MessageContext):
        return sender_of(update.message)
    return update.user.id if update.user is not None else None
