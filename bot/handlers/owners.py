"""The one-time link: ``/start`` with its code makes whoever says it first an owner.

The code goes no further than here: only its hash is stored, and the update that held it is blanked.

The buttons under an owner's question whether someone may talk to the bot.

Whom an owner means by a message that a command replies to.

What only owners may do, in their private chat with the bot: see who has access, give it and take it away.
"""

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
from storage import Storage
from storage.access_list import SHELL, AccessList, AccessStatus, Applicant, Decider, LinkState
from storage.records import ChatKey, File, FileKind

COMMAND = "/start"
MOST_SHOWN = 3_000
"""Characters of a list in a message; a longer one is a file. So few names that Telegram marks each of them."""


class OwnerLinkHandlers:
    """Hears codes; `wakeups` has a chat's notices sent, `clock` gives Unix seconds."""

    def __init__(
        self, storage: Storage, requests: AccessRequests, owners: Owners, wakeups: Wakeups, clock: Callable[[], float]
    ) -> None:
        self._storage = storage
        self._requests = requests
        self._owners = owners
        self._wakeups = wakeups
        self._clock = clock

    async def is_claim(self, update: Update | MessageBatch) -> bool:
        """Whether this is the code of a link that the bot has made."""
        message = update.message if isinstance(update, Update) else None  # a batch holds no commands
        if message is None or message.from_user is None or not self._owners.may_use_links:
            return False
        code = _code(message)
        return bool(code) and await self._storage.access.has_link(digest(code))

    async def claim(self, update: UpdateContext) -> None:
        """Make the sender of the code an owner, or say why not."""
        if isinstance(update, MessageContext) and update.user is not None:
            await self._claim(update, update.user, _code(update.message))

    async def remind(self, message: Message | None) -> None:
        """An owner has come: ask about those who came when there was no owner, or none that could be written to."""
        user = message.from_user if message is not None and is_private(message) else None
        if user is not None and await self._owners.has(user.id):
            async with self._storage.transaction() as tx:
                await self._requests.remind(tx, user.id)

    async def _claim(self, update: MessageContext, user: User, code: str) -> None:
        told: list[ChatKey] = []
        async with update.finish() as tx:
            state = await self._storage.access.claim_link(tx, digest(code), user.id, self._clock())
            if state is LinkState.CLAIMED:
                applicant = Applicant(user.id, user.full_name, user.username, user.language_code)
                _, told = await self._requests.put(tx, applicant, AccessStatus.OWNER, SHELL)
                await self._requests.remind(tx, user.id)
            sentences = {
                LinkState.CLAIMED: texts.OWNER_NOW,
                LinkState.USED: texts.OWNER_LINK_USED,
                LinkState.EXPIRED: texts.OWNER_LINK_EXPIRED,
            }
            await update.reply(tx, sentences[state])
            await self._storage.inbox.blank(tx, update.update_ids)
        for key in told:
            self._wakeups.wake(key)


def _code(message: Message) -> str:
    command = (message.text or "").partition(" ")[0].partition("@")[0].lower()
    return argument(message) if is_private(message) and command == COMMAND else ""


class AccessRequestHandlers:
    """Takes the owners' answers; `wakeups` has a chat's notices sent."""

    def __init__(self, access: AccessList, requests: AccessRequests, owners: Owners, wakeups: Wakeups) -> None:
        self._access = access
        self._requests = requests
        self._owners = owners
        self._wakeups = wakeups

    async def press(self, update: PressContext, button: AccessAnswerButton) -> None:
        """Allow, Deny or Block was pressed: by an owner, once, or it changes nothing."""
        query, message = update.query, update.message
        if not await self._owners.has(query.from_user.id):
            await update.say(None)
            await update.acknowledge(texts.ONLY_OWNERS)
            return
        # A group that became a supergroup may have two rows joined: the message knows which one it is about now.
        about = await self._access.of_request(message.chat.id, message.message_id) if message else None
        by = Decider(query.from_user.id, query.from_user.full_name)
        async with update.finish() as tx:
            entry, told = await self._requests.decide(
                tx, about.id if about else button.number, ANSWERS[button.answer], by
            )
            if told is None and entry is not None and message is not None and message.reply_markup is not None:
                await update.send(tx, await self._requests.decided(entry, message.chat.id, message.message_id, tx))
        for key in told or ():
            self._wakeups.wake(key)
        form = texts.ALREADY_DECIDED if told is None else texts.DECIDED
        await update.acknowledge(form.format(decision=decision(entry)) if entry else texts.OLD_BUTTON)


def author_meant(message: Message) -> Applicant | None:
    """The person, or the channel, whose message a command replies to; None: nobody who could be let in or blocked.

    What an owner has forwarded themselves is its author's, and what others forward is theirs.
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
    if chat.id == message.chat.id or message.is_automatic_forward:  # its administrators, and its linked channel's posts
        return None
    return _channel(chat)


def _elsewhere(outside: ExternalReplyInfo) -> Applicant | None:
    """In a group what was a channel's post is there by its link, or by someone who forwarded it, who is not told."""
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
    """One method per command; `wakeups` has a chat's notices sent."""

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
        """``/start``: an owner is asked about those who wait as well."""
        await self._links.remind(update.message)
        await self._commands.start(update)

    async def help(self, update: MessageContext) -> None:
        """``/help``: in private, an owner reads of their own commands as well."""
        user = update.message.from_user
        if is_private(update.message) and user is not None and await self._owners.has(user.id):
            await update.say(update.notice(f"{texts.HELP}\n\n{texts.HELP_OWNER}", alone=True))
        else:
            await self._commands.help(update)

    async def users(self, update: MessageContext) -> None:
        """``/users``: the list, as a message or as a file."""
        roll = await self._roster.read()
        text = roll.text
        if len(text) > MOST_SHOWN:
            file = File(FileKind.DOCUMENT, text.encode(), "users.txt")
            await update.say(update.notice(texts.USERS_MADE, file=file))
        else:
            await update.say(answer(update.message, text, literals=roll.literals))

    async def allow(self, update: MessageContext) -> None:
        """``/allow``: an id, a @username, or a reply to a request, to something forwarded, or to anybody in a group."""
        await self._put(update, AccessStatus.ALLOWED)

    async def block(self, update: MessageContext) -> None:
        """``/block``: likewise."""
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
            entry, told = await self._requests.put(tx, applicant, status, Decider(owner.id, owner.full_name))
            form = texts.ACCESS_GIVEN if status is AccessStatus.ALLOWED else texts.ACCESS_BLOCKED
            literals = (shown(entry.applicant.name),)
            await update.send(tx, answer(message, form.format(name=called(entry.applicant)), literals=literals))
        for key in told:
            self._wakeups.wake(key)

    async def _meant(self, message: Message) -> Applicant | None:
        """Whom a command is about."""
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
