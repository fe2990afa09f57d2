"""The gate before all other handlers: it passes on updates of people with access, and ends all others.

A stranger's message never costs a request to the model, or more than one row that says who is asking for access.
"""

import asyncio
import time
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

REFUSED_S = 86_400.0
"""For how long a stranger who was refused gets no further answer, in seconds."""
MOST_REFUSED = 10_000
"""How many refused strangers are remembered."""
MOST_AT_ONCE = 4
"""How many strangers are turned away at the same time: more would slow down the database for everyone else."""


class Admission(Enum):
    """What the gate does with an update."""

    PASS = auto()
    """Pass it on to its handler."""
    APPROVE_GROUP = auto()
    """Pass it on, and let the group in, since an owner added the bot to it."""
    CLAIM = auto()
    """Redeem the code of an owner link."""
    DROP = auto()
    """Ignore it."""
    TURN_AWAY = auto()
    """Ask the owners, or tell the stranger that they have no access."""
    LEAVE_GROUP = auto()
    """Ignore it, and leave the group."""


class AccessGate:
    """Applies the access policy; `wakeups` makes chats send their notices."""

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
        self._refused: dict[int, float] = {}
        """The people and groups that got a refusal, and when (monotonic seconds), oldest first."""
        self._strangers: asyncio.Semaphore = asyncio.Semaphore(MOST_AT_ONCE)

    async def decide(self, update: Update | MessageBatch) -> Admission:
        """Decide what to do with an update, without writing anything."""
        if _stops_draft(update):
            return Admission.PASS
        messages = _messages(update)
        if isinstance(update, Update) and (not is_for_us(update) or any(map(is_other_bot, messages))):
            return Admission.DROP  # other bots' commands come alone, not in a batch, and get no answers
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
        """Decide and act on it. Returns whether the update goes on to its handler; otherwise it is finished here."""
        match admission := await self.decide(subject):
            case Admission.PASS:
                return True
            case Admission.APPROVE_GROUP:
                await self._approve(_joined(subject))
                return True
            case Admission.CLAIM:
                await self._links.claim(update)
            case Admission.DROP:
                await update.say(None)
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
        if verdict is Decision.BLOCKED and joined is not None:  # the decision about the group counts
            of_group = await self._access.verdict(None, joined.chat.id)
            return verdict if of_group is Decision.STRANGER else of_group  # a blocked person can't ask for a group
        return verdict

    async def _approve(self, joined: ChatMemberUpdated | None) -> None:
        """Let in a group that an owner added the bot to."""
        if joined is None:
            return
        owner, chat = joined.from_user, joined.chat
        applicant = Applicant(chat.id, chat.title or "", None, owner.language_code, owner.full_name, owner.id)
        async with self._storage.transaction() as tx:
            by = Decider(owner.id, owner.full_name)
            _, notified = await self._requests.put(tx, applicant, AccessStatus.ALLOWED, by)
        for key in notified:
            self._wakeups.wake(key)

    async def _turn_away(self, update: UpdateContext, subject: Update | MessageBatch, admission: Admission) -> None:
        asked = next(filter(self._expects_answer, _messages(subject)), None)
        notified: list[ChatKey] = []
        refused: int | None = None
        async with update.finish() as tx:
            if admission is Admission.LEAVE_GROUP:
                await self._leave(tx, subject)
            elif self._access.asks:
                notified = await self._knock(tx, subject, asked)
            elif asked is not None and asked.from_user is not None:
                refused = asked.from_user.id if is_personal(asked) else asked.chat.id
                if not self._was_refused(refused):
                    await self._storage.outbox.add(tx, _refusal(asked, asked.from_user))
        if refused is not None:
            self._note_refusal(refused)
        await self._storage.database.scrub_soon()
        for key in notified:
            self._wakeups.wake(key)

    def _was_refused(self, telegram_id: int) -> bool:
        return time.monotonic() - self._refused.get(telegram_id, -REFUSED_S) < REFUSED_S

    def _note_refusal(self, telegram_id: int) -> None:
        if self._was_refused(telegram_id):
            return
        self._refused.pop(telegram_id, None)
        self._refused[telegram_id] = time.monotonic()
        if len(self._refused) > MOST_REFUSED:
            del self._refused[next(iter(self._refused))]

    async def _knock(self, tx: Transaction, update: Update | MessageBatch, asked: Message | None) -> list[ChatKey]:
        """Ask the owners about a stranger, or about a group that the bot was called in or added to."""
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
            is_new = keys is not None
        else:
            keys = await self._ask(tx, Applicant(chat.id, chat.title or "", None, user.language_code))
            is_new = await self._storage.access.mark_informed(tx, chat.id)
        if is_new:
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
        if is_other_bot(message) or said(message, self._addressing.bot_id) is None:  # a service message
            return False
        commands = message.parse_entities([MessageEntity.BOT_COMMAND]).values() if is_own(message) else ()
        return self._addressing.is_meant(message) or any(map(self._addressing.is_ours, commands))


def _stops_draft(update: Update | MessageBatch) -> bool:
    """Whether the update stops an answer: only people with access have one."""
    return isinstance(update, Update) and stopped_draft(update) is not None


async def _release(update: UpdateContext) -> None:
    """Acknowledge a button press that has no effect, since Telegram's app waits for that."""
    if isinstance(update, PressContext):
        await update.acknowledge()


def _is_move(message: Message) -> bool:
    """Whether Telegram reports a new ID of the chat; this matters no matter who caused it."""
    return message.migrate_to_chat_id is not None or message.migrate_from_chat_id is not None


def _is_farewell(update: Update | MessageBatch) -> bool:
    """Whether the bot was removed from a chat; this matters no matter who did it."""
    change = update.my_chat_member if isinstance(update, Update) else None
    return change is not None and is_out(change.new_chat_member)


def _joined(update: Update | MessageBatch) -> ChatMemberUpdated | None:
    """The change by which the bot was added to a group, if the update is one."""
    change = update.my_chat_member if isinstance(update, Update) else None
    if change is None or change.chat.type not in (Chat.GROUP, Chat.SUPERGROUP) or change.chat.is_direct_messages:
        return None
    return change if is_out(change.old_chat_member) and not is_out(change.new_chat_member) else None


def _is_answer(update: Update | MessageBatch) -> bool:
    """Whether a button of an access request was pressed; its handler checks who pressed it."""
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
    return answer(message, texts.ACCESS_ASKED if is_personal(message) else texts.GROUP_ACCESS_ASKED, alone=True)


def _refusal(message: Message, user: User) -> Notice:
    stranger, group = texts.STRANGER.format(user_id=user.id), texts.STRANGE_GROUP.format(chat_id=message.chat.id)
    return answer(message, stranger if is_personal(message) else group, alone=True)
