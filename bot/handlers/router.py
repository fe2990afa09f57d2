"""All that is about who may talk to the bot.

The table of handlers: what the bot does with each kind of update, in order of precedence.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from telegram import Message, Update
from telegram.constants import ChatAction
from telegram.ext import (
    Application,
    ApplicationHandlerStop,
    CallbackContext,
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    MessageHandler,
    TypeHandler,
    filters,
)

from bot.access.access_requests import ANSWER, ANSWERS
from bot.conversation.incoming_message import AGAIN, CONTINUE, RETRY, STOP, UNDO_RESET
from bot.handlers.access_gate import AccessGate
from bot.handlers.answering import ReplyWorker
from bot.handlers.broadcast import DROP, SEND, BroadcastHandlers
from bot.handlers.budget_command import BudgetHandlers
from bot.handlers.buttons import ButtonHandlers
from bot.handlers.commands import CommandHandlers, SummaryHandlers
from bot.handlers.context import answer, destination, is_private, subject_of
from bot.handlers.edited_messages import EditHandlers
from bot.handlers.export_command import EXPORT, ExportFormat, ExportHandlers
from bot.handlers.forget_command import NO, TURN, YES, ForgetHandlers
from bot.handlers.guards import AdminGuard
from bot.handlers.last_resort import LastResort
from bot.handlers.membership import MembershipHandlers
from bot.handlers.memory_command import BEFORE, BRING_BACK, COMPACT, CORRECT, FORGET, MemoryHandlers
from bot.handlers.messages import MessageHandlers
from bot.handlers.owners import AccessRequestHandlers, OwnerHandlers
from bot.handlers.pending_questions import CANCEL
from bot.handlers.search_command import SearchHandlers
from bot.handlers.set_aside import SetAsideHandlers
from bot.handlers.settings_command import SET, SettingsHandlers
from bot.handlers.topic_titles import TopicHandlers
from bot.handlers.usage_command import UsageHandlers
from bot.handlers.why_command import NOTES_THEN, WhyHandlers
from bot.inbound.addressing import is_other_bot
from bot.language import chat_language, speaking, texts
from bot.updates.authorship import command
from bot.updates.in_flight import WorkKey, WorkKind
from bot.updates.parsing import MessageBatch, QueuedUpdate, UpdateKind, place_of, update_ids
from bot.updates.quarantine import MOST_DEATHS
from storage import StorageError, until_stored
from storage.records import ChatKey

PTBApplication = Application[Any, Any, Any, Any, Any, Any]
GATE_GROUP, NOTING_GROUP = -2, -1
NUMBER = r"\d{1,18}"  # an app may send any for a button, and SQLite takes 64 bits


@dataclass(frozen=True, slots=True)
class AccessHandlers:
    """The gate before all other handlers, and what owners do about it."""

    gate: AccessGate
    requests: AccessRequestHandlers
    owners: OwnerHandlers
    broadcast: BroadcastHandlers


@dataclass(frozen=True, slots=True)
class Router:
    """All handlers, and the work of the lanes that runs them."""

    application: PTBApplication
    entrance: AccessHandlers
    admins: AdminGuard
    membership: MembershipHandlers
    chat: MessageHandlers
    edits: EditHandlers
    commands: CommandHandlers
    buttons: ButtonHandlers
    summary: SummaryHandlers
    memory: MemoryHandlers
    forget: ForgetHandlers
    search: SearchHandlers
    why: WhyHandlers
    usage: UsageHandlers
    budget: BudgetHandlers
    export: ExportHandlers
    settings: SettingsHandlers
    failures: LastResort
    replies: ReplyWorker
    aside: SetAsideHandlers
    topics: TopicHandlers
    continued: set[ChatKey] = field(default_factory=set)
    """Where the next batch goes on with the turn under way."""
    unstored: dict[tuple[int, ...], StorageError] = field(default_factory=dict)
    """Updates whose handler the database failed."""

    async def close(self) -> None:
        """End what is under way outside the lanes."""
        await self.topics.close()

    def register(self) -> None:
        """Fill the application's table."""
        add, only, door = self.application.add_handler, self.admins.only, self.entrance
        owners, paced = door.owners.only, self.chat.pace.only
        add(TypeHandler(object, door.gate.check), group=GATE_GROUP)
        add(TypeHandler(MessageBatch, self.topics.note), group=NOTING_GROUP)
        add(TypeHandler(MessageBatch, self.chat.on_burst))
        add(MessageHandler(filters.UpdateType.EDITED_MESSAGE, self.edits.on_edit))
        add(ChatMemberHandler(self.membership.changed, ChatMemberHandler.MY_CHAT_MEMBER))
        add(MessageHandler(filters.StatusUpdate.MIGRATE, self.membership.migrated))
        add(CommandHandler("start", door.owners.start))
        add(CommandHandler("help", door.owners.help))
        add(CommandHandler("privacy", self.commands.privacy))
        add(CommandHandler("reset", only(self.commands.reset)))
        add(CommandHandler("retry", paced(self.commands.retry)))
        add(CommandHandler("stop", self.commands.stop))
        add(CommandHandler("summary", paced(self.summary.summary)))
        add(CommandHandler("memory", self.memory.show))
        add(CommandHandler("forget", only(self.forget.forget)))
        add(CommandHandler("search", self.search.search))
        add(CommandHandler("why", self.why.why))
        add(CommandHandler("usage", self.usage.usage))
        add(CommandHandler("budget", owners(self.budget.show_or_set)))
        add(CommandHandler("export", only(self.export.export)))
        add(CommandHandler("settings", only(self.settings.show)))
        add(CommandHandler("users", owners(door.owners.users)))
        add(CommandHandler("allow", door.owners.everywhere(door.owners.allow)))
        add(CommandHandler("block", door.owners.everywhere(door.owners.block)))
        add(CommandHandler("broadcast", owners(door.broadcast.broadcast)))
        add(MessageHandler(filters.CAPTION, owners(door.broadcast.broadcast)))  # no other command is a caption
        add(CommandHandler("cancel", self.chat.questions.cancel))
        add(MessageHandler(filters.COMMAND, self.commands.unknown))
        self._register_buttons()
        add(TypeHandler(Update, self.commands.unhandled))
        self.application.add_error_handler(self._on_error)

    def _register_buttons(self) -> None:
        add, only, paced, door = self.application.add_handler, self.admins.only, self.chat.pace.only, self.entrance
        add(CallbackQueryHandler(door.requests.press, pattern=rf"^{ANSWER}({'|'.join(ANSWERS)}):{NUMBER}$"))
        add(CallbackQueryHandler(door.broadcast.send, pattern=rf"^{SEND}{NUMBER}$"))
        add(CallbackQueryHandler(door.broadcast.drop, pattern=rf"^{DROP}{NUMBER}$"))
        add(CallbackQueryHandler(only(self.buttons.undo_reset), pattern=rf"^{UNDO_RESET}{NUMBER}$"))
        add(CallbackQueryHandler(paced(self.buttons.retry), pattern=rf"^{RETRY}{NUMBER}$"))
        add(CallbackQueryHandler(paced(self.buttons.go_on), pattern=rf"^{CONTINUE}{NUMBER}$"))
        add(CallbackQueryHandler(paced(self.aside.again), pattern=rf"^{AGAIN}[a-z]+:{NUMBER}$"))
        add(CallbackQueryHandler(self.buttons.stop, pattern=rf"^{STOP}{NUMBER}$"))
        add(CallbackQueryHandler(only(self.memory.compact), pattern=f"^{COMPACT}$"))
        add(CallbackQueryHandler(only(self.memory.show_before), pattern=rf"^{BEFORE}({NUMBER})?$"))
        add(CallbackQueryHandler(only(self.memory.bring_back), pattern=rf"^{BRING_BACK}{NUMBER}$"))
        add(CallbackQueryHandler(self.why.notes_then, pattern=rf"^{NOTES_THEN}{NUMBER}$"))
        add(CallbackQueryHandler(only(self.memory.ask_correction), pattern=f"^{CORRECT}$"))
        add(CallbackQueryHandler(only(self.memory.ask_what_to_forget), pattern=f"^{FORGET}$"))
        add(CallbackQueryHandler(self.chat.questions.press_cancel, pattern=rf"^{CANCEL}{NUMBER}$"))
        add(CallbackQueryHandler(only(self.forget.confirm), pattern=rf"^{YES}{NUMBER}$"))
        add(CallbackQueryHandler(only(self.forget.turn), pattern=rf"^{TURN}{NUMBER}:{NUMBER}$"))
        add(CallbackQueryHandler(only(self.forget.keep), pattern=rf"^{NO}{NUMBER}$"))
        add(CallbackQueryHandler(only(self.settings.press), pattern=f"^{SET}"))
        add(CallbackQueryHandler(only(self.export.chosen), pattern=f"^{EXPORT}({'|'.join(ExportFormat)})$"))
        add(CallbackQueryHandler(self.buttons.unknown))

    async def handle(self, place: ChatKey, batch: Sequence[QueuedUpdate]) -> None:
        """See ``intake.lanes.Work``."""
        parts = self._parts(place, batch) if batch else []
        for number, part in enumerate(parts):
            await self._take_up(place, part, continues=number > 0)
        await until_stored(partial(self._process_pending, place))

    async def overtake(self, arrival: QueuedUpdate) -> None:
        """See ``intake.lanes.Work``."""
        await self._take_up(arrival.place, [arrival])

    def ends_sending(self, arrival: QueuedUpdate) -> bool:
        """See ``intake.lanes.Work``."""
        message = arrival.update.message
        resets = message is not None and (command(message) or "").lower().startswith("/reset")
        return resets and self.replies.endings.is_sending(arrival.place)

    def is_overheard(self, arrival: QueuedUpdate) -> bool:
        """See ``intake.lanes.Work``."""
        message = arrival.update.message
        with suppress(Exception):  # what is wrong with a message is met, and told, when it is handled
            return (
                arrival.kind is UpdateKind.MESSAGE
                and message is not None
                and not self.chat.addressing.is_meant(message)
            )
        return False

    async def overflow(self, arrival: QueuedUpdate, *, tell: bool) -> None:
        """See ``intake.lanes.Work``."""
        await until_stored(partial(self._leave_out, arrival, tell))

    def more_to_come(self, place: ChatKey) -> None:
        """See ``intake.lanes.Work``."""
        self.continued.add(place)
        self.replies.endings.restart_unshown(place)

    def arrived(self, arrival: QueuedUpdate) -> None:
        """See ``intake.lanes.Work``."""
        message = arrival.update.message
        if message is not None and (old := message.migrate_from_chat_id) is not None:
            self.chat.door.moves[old] = message.chat.id
        elif message is not None and (new := message.migrate_to_chat_id) is not None:
            self.chat.door.moves[message.chat.id] = new

    def edited(self, arrival: QueuedUpdate) -> None:
        """See ``intake.lanes.Work``."""
        message = arrival.update.edited_message
        if message is not None and not is_other_bot(message) and not self.chat.lately.knows(message):
            admits = partial(self.chat.pace.admits_edit, message)
            self.replies.endings.restart_if_asked(arrival.place, message.message_id, admits)

    async def _leave_out(self, arrival: QueuedUpdate, tell: bool) -> None:
        storage, message = self.replies.storage, arrival.update.message
        let_in = await self.aside.lets_in(arrival.update)
        with speaking(await self._language(arrival.update)):
            async with storage.transaction() as tx:
                if tell and let_in and message is not None:
                    await storage.notices.add(tx, answer(message, texts.TOO_MANY_WAITING, alone=True))
                await storage.inbox.done(tx, [arrival.update_id])
                if not let_in:
                    await storage.inbox.blank(tx, [arrival.update_id])

    def _parts(self, place: ChatKey, batch: Sequence[QueuedUpdate]) -> Sequence[Sequence[QueuedUpdate]]:
        """A batch that the process died of twice is done one by one, so that the third death names one of them."""
        quarantine = self.aside.quarantine
        deaths = max(quarantine.deaths(_key(arrival)) for arrival in batch)
        if len(batch) == 1 or deaths < MOST_DEATHS - 1:
            return [batch]
        for arrival in batch:
            quarantine.blame(_key(arrival), place, MOST_DEATHS - 1)
        return [[arrival] for arrival in batch]

    async def _take_up(self, place: ChatKey, batch: Sequence[QueuedUpdate], *, continues: bool = False) -> None:
        first, key = batch[0], _key(batch[0])
        asks = first.kind is UpdateKind.MESSAGE and not all(map(self.is_overheard, batch))
        with self.replies.endings.asking(place) if asks else nullcontext():
            if self.aside.quarantine.is_exhausted(key):
                with speaking(await self._language(first.update)):
                    await until_stored(partial(self.aside.update, first, key))
                return
            subject = (
                first.update if first.kind is UpdateKind.STOP else self._subject(place, batch, continues=continues)
            )
            await self.aside.quarantine.fly(key, place, until_stored(partial(self._process, subject)))

    async def _process(self, subject: Update | MessageBatch) -> None:
        with speaking(await self._language(subject)):
            if isinstance(subject, Update):
                await self.chat.questions.pass_over(subject)
            async with self._busy(subject):
                await self.application.process_update(subject)
        if (error := self.unstored.pop(update_ids(subject), None)) is not None:
            raise error

    def _busy(self, subject: Update | MessageBatch) -> AbstractAsyncContextManager[None]:
        """A sign of life while it is handled, to whoever waits for that: a file is read, a summary written."""
        message = subject.messages[0] if isinstance(subject, MessageBatch) else subject.effective_message
        of_others = isinstance(subject, MessageBatch) and not any(map(self.chat.addressing.is_meant, subject.messages))
        if of_others or not isinstance(message, Message):
            return nullcontext()
        to = destination(place_of(message), is_private(message), None)
        return self.replies.sender.busy(to, _action(subject, message))

    async def _process_pending(self, place: ChatKey) -> None:
        chat = await self.replies.storage.chats.find(place)
        with speaking(chat_language(chat)):
            try:
                await self.replies.process_pending(place)
            except StorageError:
                raise
            except Exception as exc:  # noqa: BLE001 - one chat's failure, of whatever kind, must not end its lane
                await self.failures.in_lane(place, exc)
                await self.replies.process_pending(place)
            await self.topics.see_to(place)

    async def _language(self, subject: Update | MessageBatch) -> str:
        """The language that the chat has chosen, or that of whoever speaks."""
        place, user = subject_of(subject)
        chat = await self.replies.storage.chats.find(place) if place else None
        return chat_language(chat, user.language_code if user else None)

    async def _on_error(self, update: object, context: CallbackContext[Any, Any, Any, Any]) -> None:
        assert context.error is not None
        if isinstance(context.error, StorageError):  # nothing was written: the whole handler can be run again
            self.unstored[update_ids(update)] = context.error
        else:
            await self.failures.in_handler(update, context.error)
        raise ApplicationHandlerStop  # a gate that failed lets nothing through

    def _subject(self, place: ChatKey, batch: Sequence[QueuedUpdate], *, continues: bool) -> Update | MessageBatch:
        first = batch[0]
        continues = continues or place in self.continued
        self.continued.discard(place)
        if first.kind is not UpdateKind.MESSAGE:
            return first.update
        messages = tuple(arrival.update.message for arrival in batch if arrival.update.message is not None)
        return MessageBatch(place, messages, tuple(arrival.update_id for arrival in batch), continues)


def _action(subject: Update | MessageBatch, message: Message) -> str:
    """What the bot is seen to do while it handles this: Telegram has words for what a command has made."""
    query = subject.callback_query if isinstance(subject, Update) else None
    asked = (query.data or "") if query is not None else (command(message) or "")[1:].partition("@")[0].lower()
    name = asked.partition(":")[0]
    return {"export": ChatAction.UPLOAD_DOCUMENT, "usage": ChatAction.UPLOAD_PHOTO}.get(name, ChatAction.TYPING)


def _key(arrival: QueuedUpdate) -> WorkKey:
    """What a batch that begins with this is known by."""
    return WorkKey(WorkKind.UPDATE, arrival.update_id)
