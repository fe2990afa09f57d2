"""How people become owners, and what only owners may do: decide access requests, list users, let in and block."""

import re
from collections.abc import Callable

from telegram import (
    Chat,
    ExternalReplyInfo,
    Message,
    MessageOrigin,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginUser,
    Update,
    User,
)

from bot.access.access_requests import ANSWERS, AccessRequests, called, decision, shown
from bot.access.policy import Owners, digest
from bot.access.roster import RosterReader
from bot.handlers.callbacks import AccessAnswerButton
from bot.handlers.commands import CommandHandlers
from bot.handlers.context import MessageContext, PressContext, UpdateContext, argument
from bot.handlers.guards import replies
from bot.handlers.notices import answer, is_private
from bot.inbound.addressing import SHARED
from bot.inbound.quotes import replied_to
from bot.language import texts
from bot.updates.lanes import Wakeups
from bot.updates.parsing import MessageBatch
from storage.access_list import SHELL, AccessList, AccessStatus, Applicant, Decider, LinkState
from storage.database import Database
from storage.records import ChatKey, File, FileKind

COMMAND = "/start"
MOST_SHOWN = 3_000
"""The most characters of a list in a message, few enough for Telegram to mark every name; a longer one is a file."""


class OwnerLinkHandlers:
    """The one-time links: the first person to send ``/start`` with the code becomes an owner.

    Only the code's hash is stored. `wakeups` makes chats send their notices,
    `clock` gives Unix seconds.
    """

    def __init__(
        self,
        database: Database,
        access: AccessList,
        requests: AccessRequests,
        owners: Owners,
        wakeups: Wakeups,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._access = access
        self._requests = requests
        self._owners = owners
        self._wakeups = wakeups
        self._clock = clock

    async def is_claim(self, update: Update | MessageBatch) -> bool:
        """Whether this is the code of a link that the bot has created."""
        message = update.message if isinstance(update, Update) else None  # a batch contains no commands
        if message is None or message.from_user is None or not self._owners.may_use_links:
            return False
        code = _code(message)
        return bool(code) and await self._access.has_link(digest(code))

    async def claim(self, update: UpdateContext) -> None:
        """Make the sender of the code an owner, or say why not."""
        if isinstance(update, MessageContext) and update.user is not None:
            await self._claim(update, update.user, _code(update.message))

    async def remind(self, message: Message | None) -> None:
        """If an owner wrote this, ask about applicants from when there was no owner that the bot could write to."""
        user = message.from_user if message is not None and is_private(message) else None
        if user is not None and await self._owners.has(user.id):
            async with self._database.transaction() as tx:
                await self._requests.remind(tx, user.id)

    async def _claim(self, update: MessageContext, user: User, code: str) -> None:
        notified: list[ChatKey] = []
        async with update.finish() as tx:
            state = await self._access.claim_link(tx, digest(code), user.id, self._clock())
            if state is LinkState.CLAIMED:
                applicant = Applicant(user.id, user.full_name, user.username, user.language_code)
                _, notified = await self._requests.put(tx, applicant, AccessStatus.OWNER, SHELL)
                await self._requests.remind(tx, user.id)
            sentences = {
                LinkState.CLAIMED: texts.OWNER_NOW,
                LinkState.USED: texts.OWNER_LINK_USED,
                LinkState.EXPIRED: texts.OWNER_LINK_EXPIRED,
            }
            await update.reply(tx, sentences[state])
        for key in notified:
            self._wakeups.wake(key)


def _code(message: Message) -> str:
    command = (message.text or "").partition(" ")[0].partition("@")[0].lower()
    return argument(message) if is_private(message) and command == COMMAND else ""


class AccessRequestHandlers:
    """The buttons under access requests; `wakeups` makes chats send their notices."""

    def __init__(self, access: AccessList, requests: AccessRequests, owners: Owners, wakeups: Wakeups) -> None:
        self._access = access
        self._requests = requests
        self._owners = owners
        self._wakeups = wakeups

    async def press(self, update: PressContext, button: AccessAnswerButton) -> None:
        """Allow, Deny or Block: has an effect only if an owner presses it, and only once."""
        query, message = update.query, update.message
        if not await self._owners.has(query.from_user.id):
            await update.say(None)
            await update.acknowledge(texts.ONLY_OWNERS)
            return
        # The two rows of a group that became a supergroup may have been joined: look up the row by the message.
        about = await self._access.of_request(message.chat.id, message.message_id) if message else None
        by = Decider(query.from_user.id, query.from_user.full_name)
        async with update.finish() as tx:
            entry, notified = await self._requests.decide(
                tx, about.id if about else button.number, ANSWERS[button.answer], by
            )
            if notified is None and entry is not None and message is not None and message.reply_markup is not None:
                await update.send(tx, await self._requests.decided(entry, message.chat.id, message.message_id, tx))
        for key in notified or ():
            self._wakeups.wake(key)
        form = texts.ALREADY_DECIDED if notified is None else texts.DECIDED
        await update.acknowledge(form.format(decision=decision(entry)) if entry else texts.OLD_BUTTON)


def author_meant(message: Message) -> Applicant | None:
    """The person or channel that an owner means by the message they reply to; None if it is neither.

    For a message that the owner forwarded it is the original author, for other people's forwards the person who
    forwarded.
    """
    target = replied_to(message)
    if target is None:
        return _elsewhere(message.external_reply) if message.external_reply else None
    if target.forward_origin is not None and _same_sender(message, target):
        return _author(target.forward_origin)
    return _sender(target)


def _sender(message: Message) -> Applicant | None:
    chat = message.sender_chat
    if chat is None:
        return _person(message.from_user) if message.from_user else None
    if chat.id == message.chat.id or message.is_automatic_forward:  # an anonymous administrator, or the linked channel
        return None
    return _channel(chat)


def _elsewhere(outside: ExternalReplyInfo) -> Applicant | None:
    """The author of a message in another chat.

    None for a channel's post in a group: it was posted by the linked channel, or forwarded by a person whom Telegram
    does not name. Also None for an anonymous administrator.
    """
    source, chat = outside.origin, outside.chat
    if chat is not None and chat.type != Chat.CHANNEL and isinstance(source, MessageOriginChannel):
        return None
    if chat is not None and isinstance(source, MessageOriginChat) and source.sender_chat.id == chat.id:
        return None
    return _author(source)


def _author(source: MessageOrigin) -> Applicant | None:
    match source:
        case MessageOriginUser(sender_user=user):
            return _person(user)
        case MessageOriginChat(sender_chat=chat) | MessageOriginChannel(chat=chat):
            return _channel(chat)
    return None


def _person(user: User) -> Applicant | None:
    return None if user.id in SHARED else Applicant(user.id, user.full_name, user.username, user.language_code)


def _channel(chat: Chat) -> Applicant:
    return Applicant(chat.id, chat.effective_name or "", chat.username)


def _same_sender(message: Message, other: Message) -> bool:
    return message.from_user is not None and other.from_user is not None and message.from_user.id == other.from_user.id


class OwnerHandlers:
    """One method per command; `wakeups` makes chats send their notices."""

    def __init__(
        self,
        access: AccessList,
        requests: AccessRequests,
        owners: Owners,
        roster: RosterReader,
        links: OwnerLinkHandlers,
        commands: CommandHandlers,
        wakeups: Wakeups,
    ) -> None:
        self._access = access
        self._requests = requests
        self._owners = owners
        self._roster = roster
        self._links = links
        self._commands = commands
        self._wakeups = wakeups

    async def start(self, update: MessageContext) -> None:
        """``/start``: owners are also asked about pending applicants."""
        await self._links.remind(update.message)
        await self._commands.start(update)

    async def help(self, update: MessageContext) -> None:
        """``/help``: in private, owners also see their own commands."""
        user = update.message.from_user
        if is_private(update.message) and user is not None and await self._owners.has(user.id):
            await update.say(update.notice(f"{texts.HELP}\n\n{texts.HELP_OWNER}", alone=True))
        else:
            await self._commands.help(update)

    async def users(self, update: MessageContext) -> None:
        """``/users``: the list, as a message or as a file."""
        roster = await self._roster.read()
        text = roster.text
        if len(text) > MOST_SHOWN:
            file = File(FileKind.DOCUMENT, text.encode(), "users.txt")
            await update.say(update.notice(texts.USERS_MADE, file=file))
        else:
            await update.say(answer(update.message, text, literals=roster.literals))

    async def allow(self, update: MessageContext) -> None:
        """``/allow``: with an ID or @username, or as a reply to a request, to a forward, or to someone in a group."""
        await self._put(update, AccessStatus.ALLOWED)

    async def block(self, update: MessageContext) -> None:
        """``/block``: like ``/allow``."""
        await self._put(update, AccessStatus.BLOCKED)

    async def _put(self, update: MessageContext, status: AccessStatus) -> None:
        message, owner = update.message, update.user
        applicant = await self._meant(message)
        if applicant is None or owner is None:
            await update.say(update.notice(_how(message, status)))
            return
        if applicant.telegram_id in SHARED:
            await update.say(update.notice(texts.ACCESS_OF_MANY.format(id=applicant.telegram_id)))
            return
        if await self._owners.has(applicant.telegram_id):
            text = texts.ACCESS_OF_OWNER.format(name=called(applicant))
            await update.say(answer(message, text, literals=(shown(applicant.name),)))
            return
        if status is AccessStatus.ALLOWED and not self._owners.may_use_links:
            await update.say(update.notice(texts.ACCESS_BY_LIST))
            return
        async with update.finish() as tx:
            entry, notified = await self._requests.put(tx, applicant, status, Decider(owner.id, owner.full_name))
            form = texts.ACCESS_GIVEN if status is AccessStatus.ALLOWED else texts.ACCESS_BLOCKED
            literals = (shown(entry.applicant.name),)
            await update.send(tx, answer(message, form.format(name=called(entry.applicant)), literals=literals))
        for key in notified:
            self._wakeups.wake(key)

    async def _meant(self, message: Message) -> Applicant | None:
        """The person or group that a command is about."""
        words, reply = argument(message), message.reply_to_message
        entry = None
        if re.fullmatch(r"-?\d{1,18}", words):
            entry = await self._access.find(int(words))
            return entry.applicant if entry else Applicant(int(words))
        if re.fullmatch(r"@\w{1,64}", words):
            entry = await self._access.by_username(words[1:])
        elif not words:
            if reply is not None:
                entry = await self._access.of_request(message.chat.id, reply.message_id)
            if entry is None:
                applicant = author_meant(message)
                return applicant if applicant is None or applicant.telegram_id != message.get_bot().id else None
        return entry.applicant if entry else None


def _how(message: Message, status: AccessStatus) -> str:
    words = argument(message)
    if not words and replies(message):
        return texts.ACCESS_OF_NOBODY
    if words.startswith("@"):
        return texts.ACCESS_UNKNOWN.format(name=words)
    return texts.ALLOW_HOW if status is AccessStatus.ALLOWED else texts.BLOCK_HOW
