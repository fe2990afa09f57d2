"""Who may do what: applies what the handler table declares.

Administrators: in a group only they may delete what was said, and change how the bot behaves there.

The rate limit counts answers, because those cost money: a burst of messages that becomes one turn counts once. Commands
and buttons that ask the model count, too. The anonymous administrators of a group count as one person.
"""

import logging
import re
from collections.abc import Callable
from enum import Enum, auto

from telegram import Bot, ChatMember, ChatMemberRestricted, Message
from telegram.error import BadRequest, TelegramError

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
from bot.handlers.notices import is_private
from bot.handlers.rate_limits import AnswerLimiter, RateLimiter, Who
from bot.inbound.quotes import replied_to
from bot.language import texts
from bot.updates.parsing import key_of
from bot.updates.raw_updates import seen_by
from storage.records import Notice

KNOWN_S = 60.0
"""How long it is cached that someone is no administrator, in seconds. Those who are one may lose it at any time."""
MOST_COMMANDS, MOST_GROUP_COMMANDS = 40, 6
"""How many commands a person may give in a minute, in private and in a group."""
MOST_PRESSES = 40
"""How many buttons a person may press in a chat in a minute."""

GONE = (ChatMember.LEFT, ChatMember.BANNED)
_NOBODY = re.compile(r"user[ _]not[ _](?:found|participant)|participant_id_invalid|user_id", re.IGNORECASE)
"""What Telegram says about someone who was never in a chat, rather than about a chat that hides its members."""

log = logging.getLogger(__name__)


class OwnersOnly(Enum):
    """Where owners may give a command; elsewhere, and for others, it is an unknown command."""

    IN_PRIVATE = auto()
    AND_AS_REPLY = auto()
    """Also in a group, about the person that the command replies to."""


class AdminGuard:
    """Knows the administrators of groups; in a conversation with one person, that person may do everything."""

    def __init__(self, bot: Bot, clock: Callable[[], float]) -> None:
        self._bot = bot
        self._clock = clock
        self._refused_until: dict[tuple[int, int], float] = {}

    async def admits(self, update: UpdateContext) -> bool:
        """Whether the sender of a command, or the person who pressed a button, has an administrator's permissions."""
        match update:
            case ButtonContext():
                return _is_aside(update.message) or await self.may(update.message, update.query.from_user.id)
            case MessageContext():
                return _is_aside(update.message) or await self.may(update.message)
        return True  # a button whose message is gone does nothing

    async def may(self, message: Message, user_id: int | None = None) -> bool:
        """Whether this user (None: the sender of the message) has an administrator's permissions."""
        if is_personal(message) or (user_id is None and _is_anonymous(message)):
            return True
        asked = user_id or (message.from_user.id if message.from_user else None)
        return asked is not None and await self._is_admin(message.chat.id, asked)

    async def has_left(self, update: UpdateContext) -> bool:
        """Whether the person who pressed a button or wrote a message is no longer in that group, or never was."""
        match update:
            case ButtonContext():
                message, user = update.message, update.query.from_user
            case MessageContext() if update.message.sender_chat is None and update.message.from_user is not None:
                message, user = update.message, update.message.from_user
            case _:
                return False
        if is_personal(message):
            return False
        try:
            member = await self._bot.get_chat_member(message.chat.id, user.id)
        except TelegramError as exc:
            log.warning("Telegram does not say what user %d is in chat %d: %s", user.id, message.chat.id, exc)
            return isinstance(exc, BadRequest) and _NOBODY.search(exc.message) is not None
        return member.status in GONE or (isinstance(member, ChatMemberRestricted) and not member.is_member)

    async def _is_admin(self, chat_id: int, user_id: int) -> bool:
        if self._clock() < self._refused_until.get((chat_id, user_id), 0.0):
            return False
        try:
            member = await self._bot.get_chat_member(chat_id, user_id)
        except TelegramError as exc:
            log.warning("Telegram does not say what user %d is in chat %d: %s", user_id, chat_id, exc)
            return False
        is_admin = member.status in (ChatMember.OWNER, ChatMember.ADMINISTRATOR)
        self._refused_until = {who: until for who, until in self._refused_until.items() if until > self._clock()}
        if not is_admin:
            self._refused_until[chat_id, user_id] = self._clock() + KNOWN_S
        return is_admin


def _is_aside(message: Message) -> bool:
    """Whether it belongs to an ephemeral conversation, which has only one member."""
    return key_of(message).alone_with is not None


def _is_anonymous(message: Message) -> bool:
    """Whether an administrator wrote it in the name of the group."""
    return message.sender_chat is not None and message.sender_chat.id == message.chat.id


class Pace:
    """Counts each person's commands and pressed buttons in a chat.

    A command is answered with a message, and Telegram limits how many of those a group gets.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._in_private = RateLimiter(MOST_COMMANDS, clock)
        self._in_groups = RateLimiter(MOST_GROUP_COMMANDS, clock)
        self._stops = RateLimiter(MOST_GROUP_COMMANDS, clock)
        self._presses = RateLimiter(MOST_PRESSES, clock)

    def admits(self, message: Message) -> bool:
        """Whether its sender may give another command; if so, it is counted."""
        return self._limiter(message).admits(_who_here(message))

    def refusal(self, message: Message) -> Notice | None:
        """The notice for someone who gives too many, at most one per minute."""
        return self._limiter(message).refusal(message, _who_here(message), texts.TOO_MANY_WAITING)

    def admits_stop(self, message: Message) -> bool:
        """The same for a /stop."""
        return is_private(message) or self._stops.admits(_who_here(message))

    def admits_press(self, update: PressContext) -> bool:
        """Whether a button may be pressed; if so, it is counted."""
        return self._presses.admits((update.key.telegram_id, update.query.from_user.id))

    def is_notified(self, update: PressContext) -> bool:
        """The same as ``RateLimiter.is_notified``, for someone who presses too many buttons."""
        return self._presses.is_notified((update.key.telegram_id, update.query.from_user.id))

    def _limiter(self, message: Message) -> RateLimiter:
        return self._in_private if is_private(message) else self._in_groups


def _who_here(message: Message) -> Who:
    return message.chat.id, sender_of(message) or 0


class Guards:
    """Applies what the table declares: a refused update is answered and finished here."""

    def __init__(self, admins: AdminGuard, rate_limiter: AnswerLimiter, owners: Owners, pace: Pace) -> None:
        self._admins = admins
        self._rate_limiter = rate_limiter
        self._owners = owners
        self._pace = pace

    async def paces(self, update: MessageContext, *, stops: bool = False) -> bool:
        """Whether a command is in time; an owner's always is where owners may give theirs.

        `stops`: it is /stop, which is counted apart, and in groups only, where it may end an answer to someone else.
        """
        if stops:
            in_time = self._pace.admits_stop(update.message)
            if not in_time:
                await update.say(None)
            return in_time
        if self._pace.admits(update.message) or await self.is_owners(update, OwnersOnly.AND_AS_REPLY):
            return True
        await update.say(self._pace.refusal(update.message))
        return False

    async def paces_press(self, update: PressContext) -> bool:
        """Whether a pressed button is in time."""
        if self._pace.admits_press(update):
            return True
        notified = self._pace.is_notified(update)
        await update.say(None)
        if not notified:  # only once: each is a request
            await update.acknowledge(texts.TOO_MANY_WAITING)
        return False

    async def admits(self, update: UpdateContext, *, admins: bool, limited: bool) -> bool:
        """Whether a command or a button may go to its handler.

        An administrator's is refused at once to those who are none any more, and so to those who have left.
        """
        if admins and not await self._admins.admits(update):
            notice = update.notice(texts.ONLY_ADMINS, alone=True) if isinstance(update, MessageContext) else None
            await self._refuse(update, texts.ONLY_ADMINS, notice)
            return False
        who = _who(update) if limited else None
        if who is not None and not await self._rate_limiter.admits(who):
            text = await self._rate_limiter.wait(who)
            notice = (
                await self._rate_limiter.refusal(update.message, who) if isinstance(update, MessageContext) else None
            )
            await self._refuse(update, text, notice)
            return False
        return True

    async def shuts_out(self, update: UpdateContext, *, views: bool = False) -> bool:
        """Whether someone who has left a group still asks for something of it; then it is finished here.

        Everyone in a group can read what is said to it, so only buttons, ephemeral messages, and commands that show
        something (`views`) are looked at.
        """
        aside = isinstance(update, MessageContext) and seen_by(update.message) is not None
        asks = isinstance(update, PressContext) or aside or views
        if not asks or not await self._admins.has_left(update):
            return False
        await self._refuse(update, texts.OLD_BUTTON, None)
        return True

    async def is_owners(self, update: MessageContext, where: OwnersOnly) -> bool:
        """Whether an owner gave this command in a place where owners may give it."""
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
    """Whether a command replies to a message, here or in another chat."""
    return replied_to(message) is not None or message.external_reply is not None


def _who(update: UpdateContext) -> int | None:
    """Who it counts for: a person, or the chat in whose name they write."""
    if isinstance(update, MessageContext):
        return sender_of(update.message)
    return update.user.id if update.user is not None else None
