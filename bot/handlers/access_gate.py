"""The gate before all other handlers: who has access goes on, and for the others it ends here.

Nothing that a stranger sends costs a request to the model, or more than the one row that says who asks.
"""

import asyncio
from enum import Enum, auto

from telegram import Chat, ChatMemberUpdated, Message, MessageEntity, Update, User

from bot.access.access_requests import AccessRequests
from bot.access.policy import AccessPolicy, Decision, Owners
from bot.handlers.callbacks import AccessAnswerButton
from bot.handlers.context import PressContext, UpdateContext, is_personal, sender_in
from bot.handlers.membership import is_out
from bot.handlers.notices import answer
from bot.handlers.owners import OwnerLinkHandlers
from bot.inbound.addressing import Addressing, is_other_bot
from bot.inbound.reading import said
from bot.language import texts
from bot.updates.authorship import is_for_us, is_own
from bot.updates.lanes import Wakeups
from bot.updates.parsing import MessageBatch
from bot.updates.raw_updates import stopped_draft
from storage import Storage, Transaction, presence
from storage.access_list import AccessStatus, Applicant, Decider
from storage.records import ChatKey, Notice

MOST_AT_ONCE = 4
"""Strangers who are turned away at the same time: more would keep the database from those who have access."""


class Admission(Enum):
    """What the gate does with an update."""

    PASS = auto()
    """It goes on to its handler."""
    APPROVE_GROUP = auto()
    """It goes on: an owner brought the bot into this group, which has access from now on."""
    CLAIM = auto()
    """It ends here: the code of an owner link was sent."""
    DROP = auto()
    """It ends here without a word."""
    TURN_AWAY = auto()
    """It ends here: the owners are asked, or the stranger is told that they have no access."""
    LEAVE_GROUP = auto()
    """It ends here, and the bot leaves the group."""


class AccessGate:
    """Applies the access policy; `wakeups` has a chat's notices sent."""

    def __init__(
        self,
        storage: Storage,
        addressing: Addressing,
        access: AccessPolicy,
        owners: Owners,
        requests: AccessRequests,
        links: OwnerLinkHandlers,
        wakeups: Wakeups,
    ) -> None:
        self._storage = storage
        self._addressing = addressing
        self._access = access
        self._owners = owners
        self._requests = requests
        self._links = links
        self._wakeups = wakeups
        self._strangers: asyncio.Semaphore = asyncio.Semaphore(MOST_AT_ONCE)

    async def decide(self, update: Update | MessageBatch) -> Admission:
        """What is to become of an update; nothing is written."""
        if _stops_draft(update):
            return Admission.PASS
        messages = _messages(update)
        if isinstance(update, Update) and (not is_for_us(update) or any(map(is_other_bot, messages))):
            return Admission.DROP  # of other bots' messages the commands come alone: they get no answers
        if any(map(_is_move, messages)) or _is_farewell(update):
            return Admission.PASS
        if (joined := _joined(update)) is not None and await self._owners.has(joined.from_user.id):
            return Admission.APPROVE_GROUP
        verdict = await self._verdict(update, joined)
        if verdict is Decision.BLOCKED:
            return Admission.DROP
        if await self._links.is_claim(update):
            return Admission.CLAIM
        if verdict is Decision.COME_IN or _is_answer(update):
            return Admission.PASS
        return Admission.LEAVE_GROUP if verdict is Decision.UNWELCOME else Admission.TURN_AWAY

    async def admits(self, update: UpdateContext, subject: Update | MessageBatch) -> bool:
        """Do what is decided; whether the update goes on to its handler. If not, it is finished."""
        match admission := await self.decide(subject):
            case Admission.PASS:
                return True
            case Admission.APPROVE_GROUP:
                await self._approve(_joined(subject))
                return True
            case Admission.CLAIM:
                await self._links.claim(update)
            case Admission.DROP:
                async with update.finish() as tx:
                    await self._storage.inbox.blank(tx, update.update_ids)
                await self._storage.database.scrub_soon()
                await _release(update)
            case Admission.TURN_AWAY | Admission.LEAVE_GROUP:
                async with self._strangers:
                    await self._turn_away(update, subject, admission)
                await _release(update)
        return False

    async def _verdict(self, update: Update | MessageBatch, joined: ChatMemberUpdated | None) -> Decision:
        chat = _chat(update)
        direct = chat is not None and bool(chat.is_direct_messages)
        verdict = await self._access.verdict(sender_in(update), chat.id if chat else None, direct=direct)
        if verdict is Decision.BLOCKED and joined is not None:  # a group is let in, or left, whoever brought the bot
            of_group = await self._access.verdict(None, joined.chat.id)
            return verdict if of_group is Decision.STRANGER else of_group  # nobody is asked in their name
        return verdict

    async def _approve(self, joined: ChatMemberUpdated | None) -> None:
        """An owner brought the bot into a group: the update goes on, and the group is greeted."""
        if joined is None:
            return
        owner, chat = joined.from_user, joined.chat
        applicant = Applicant(chat.id, chat.title or "", None, owner.language_code, owner.full_name, owner.id)
        async with self._storage.transaction() as tx:
            by = Decider(owner.id, owner.full_name)
            _, told = await self._requests.put(tx, applicant, AccessStatus.ALLOWED, by)
        for key in told:
            self._wakeups.wake(key)

    async def _turn_away(self, update: UpdateContext, subject: Update | MessageBatch, admission: Admission) -> None:
        asked = next(filter(self._expects_answer, _messages(subject)), None)
        told: list[ChatKey] = []
        async with update.finish() as tx:
            if admission is Admission.LEAVE_GROUP:
                await self._leave(tx, subject)
            elif self._access.asks:
                told = await self._knock(tx, subject, asked)
            elif asked is not None and asked.from_user is not None:
                await self._storage.outbox.add(tx, _refusal(asked, asked.from_user))
            await self._storage.inbox.blank(tx, update.update_ids)  # what a stranger says is not kept
        await self._storage.database.scrub_soon()
        for key in told:
            self._wakeups.wake(key)

    async def _knock(self, tx: Transaction, update: Update | MessageBatch, asked: Message | None) -> list[ChatKey]:
        """Ask the owners about a stranger, or a group where the bot was called, or that it was brought into."""
        if isinstance(update, Update) and update.my_chat_member is not None:
            await presence.came(tx, update.my_chat_member.chat.id)
        if (joined := _joined(update)) is not None:
            user, chat = joined.from_user, joined.chat
            applicant = Applicant(chat.id, chat.title or "", None, user.language_code, user.full_name, user.id)
            return await self._ask(tx, applicant) or []
        if asked is None or asked.from_user is None or (is_personal(asked) and asked.sender_chat is not None):
            return []
        user, chat = asked.from_user, asked.chat
        if is_personal(asked):
            keys = await self._ask(tx, Applicant(user.id, user.full_name, user.username, user.language_code))
            told = keys is not None
        else:
            keys = await self._ask(tx, Applicant(chat.id, chat.title or "", None, user.language_code))
            told = await self._storage.access.tell(tx, chat.id)
        if told:
            owners = keys or await self._owners.ids(tx)
            await self._storage.outbox.add(tx, _asked(asked, owned=bool(owners)))
        return keys or []

    async def _ask(self, tx: Transaction, applicant: Applicant) -> list[ChatKey] | None:
        keys = await self._requests.ask(tx, applicant)
        if keys is None and not applicant.is_person:
            entry = await self._storage.access.find(applicant.telegram_id, tx)
            if entry is not None and entry.status is AccessStatus.DENIED:
                await self._storage.access.leave(tx, applicant.telegram_id)
        return keys

    async def _leave(self, tx: Transaction, update: Update | MessageBatch) -> None:
        if (chat := _chat(update)) is not None:
            await self._storage.access.leave(tx, chat.id)

    def _expects_answer(self, message: Message) -> bool:
        if is_other_bot(message) or said(message, self._addressing.bot_id) is None:  # someone came, went, pinned ...
            return False
        commands = message.parse_entities([MessageEntity.BOT_COMMAND]).values() if is_own(message) else ()
        return self._addressing.is_meant(message) or any(map(self._addressing.is_ours, commands))


def _stops_draft(update: Update | MessageBatch) -> bool:
    """Whether an answer is ended: only who is let in has one."""
    return isinstance(update, Update) and stopped_draft(update) is not None


async def _release(update: UpdateContext) -> None:
    """A button that was pressed in vain: Telegram's app waits for a word on it."""
    if isinstance(update, PressContext):
        await update.acknowledge()


def _is_move(message: Message) -> bool:
    """Whether Telegram tells that the chat has another id now; whoever made it so need not be known here."""
    return message.migrate_to_chat_id is not None or message.migrate_from_chat_id is not None


def _is_farewell(update: Update | MessageBatch) -> bool:
    """Whether the bot is in a chat no longer: that is to be known whoever did it."""
    change = update.my_chat_member if isinstance(update, Update) else None
    return change is not None and is_out(change.new_chat_member)


def _joined(update: Update | MessageBatch) -> ChatMemberUpdated | None:
    """The bot was brought into a group."""
    change = update.my_chat_member if isinstance(update, Update) else None
    if change is None or change.chat.type not in (Chat.GROUP, Chat.SUPERGROUP) or change.chat.is_direct_messages:
        return None
    return change if is_out(change.old_chat_member) and not is_out(change.new_chat_member) else None


def _is_answer(update: Update | MessageBatch) -> bool:
    """Whether an owner's question is answered; its handler looks by whom."""
    query = update.callback_query if isinstance(update, Update) else None
    return query is not None and (query.data or "").startswith(AccessAnswerButton.prefix)


def _messages(update: Update | MessageBatch) -> tuple[Message, ...]:
    if isinstance(update, MessageBatch):
        return update.messages
    return (update.message,) if update.message is not None else ()


def _chat(update: Update | MessageBatch) -> Chat | None:
    return update.messages[0].chat if isinstance(update, MessageBatch) else update.effective_chat


def _asked(message: Message, *, owned: bool) -> Notice:
    if not owned:
        return answer(message, texts.NO_OWNER_YET, alone=True)
    return answer(message, texts.KNOCKED if is_personal(message) else texts.GROUP_KNOCKED, alone=True)


def _refusal(message: Message, user: User) -> Notice:
    stranger, group = texts.STRANGER.format(user_id=user.id), texts.STRANGE_GROUP.format(chat_id=message.chat.id)
    return answer(message, stranger if is_personal(message) else group, alone=True)
