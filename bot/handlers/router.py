"""The work of the lanes: each update gets its context, passes the gate, and goes to its handler.

``table`` says which handler that is.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from telegram import Update
from telegram.constants import ChatAction
from telegram.ext import Application

from bot.handlers.access_gate import AccessGate
from bot.handlers.answering import ReplyWorker
from bot.handlers.broadcast import BroadcastHandlers
from bot.handlers.budget_command import BudgetHandlers
from bot.handlers.buttons import ButtonHandlers
from bot.handlers.callbacks import (
    AccessAnswerButton,
    AskForgetButton,
    CancelQuestionButton,
    CompactButton,
    ConfirmForgetButton,
    ContinueButton,
    CorrectButton,
    DropBroadcastButton,
    EarlierMemoryButton,
    ExportButton,
    ForgetPageButton,
    KeepButton,
    MemoryThenButton,
    RestoreMemoryButton,
    RetryButton,
    SendBroadcastButton,
    SettingButton,
    StopButton,
    TakeUpAgainButton,
    UndoResetButton,
)
from bot.handlers.commands import CommandHandlers, SummaryHandlers
from bot.handlers.context import (
    ButtonContext,
    MessageContext,
    UpdateContext,
    UpdateProgress,
    context_of,
    ensure_finished,
)
from bot.handlers.edited_messages import EditHandlers
from bot.handlers.export_command import ExportHandlers
from bot.handlers.forget_command import ForgetHandlers
from bot.handlers.guards import Guards, OwnersOnly
from bot.handlers.last_resort import LastResort
from bot.handlers.membership import MembershipHandlers
from bot.handlers.memory_command import MemoryHandlers
from bot.handlers.messages import MessageHandlers
from bot.handlers.notices import answer, destination, is_private
from bot.handlers.owners import AccessRequestHandlers, OwnerHandlers
from bot.handlers.search_command import SearchHandlers
from bot.handlers.set_aside import SetAsideHandlers
from bot.handlers.settings_command import SettingsHandlers
from bot.handlers.table import ButtonRoute, Command, HandlerTable, LateButtonRoute, OtherRoutes
from bot.handlers.topic_titles import TopicHandlers
from bot.handlers.usage_command import UsageHandlers
from bot.handlers.why_command import WhyHandlers
from bot.inbound.addressing import is_other_bot
from bot.language import chat_language, speaking, texts
from bot.updates.authorship import command
from bot.updates.in_flight import WorkKey, WorkKind
from bot.updates.parsing import MessageBatch, QueuedUpdate, UpdateKind
from bot.updates.quarantine import MOST_DEATHS
from storage import StorageError, until_stored
from storage.records import ChatKey

PTBApplication = Application[Any, Any, Any, Any, Any, Any]


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
    guards: Guards
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
    table: list[HandlerTable] = field(default_factory=list)

    async def close(self) -> None:
        """End what is under way outside the lanes."""
        await self.topics.close()

    def register(self) -> None:
        """Make the table of handlers."""
        others = OtherRoutes(
            topics=self.topics,
            messages=self.chat,
            edits=self.edits,
            membership=self.membership,
            caption=Command("broadcast", self.entrance.broadcast.broadcast, owners=OwnersOnly.IN_PRIVATE),
            unknown_command=self.commands.unknown,
            unknown_button=self.buttons.unknown,
            stop_draft=self.commands.stop_draft,
            ignore=self.commands.ignore,
        )
        self.table[:] = [HandlerTable(self.guards, self._commands(), self._buttons(), others)]

    def _commands(self) -> Sequence[Command]:
        door = self.entrance
        return (
            Command("start", door.owners.start),
            Command("help", door.owners.help),
            Command("privacy", self.commands.privacy),
            Command("reset", self.commands.reset, admins=True),
            Command("retry", self.commands.retry, paced=True),
            Command("stop", self.commands.stop),
            Command("summary", self.summary.summary, paced=True),
            Command("memory", self.memory.show),
            Command("forget", self.forget.forget, admins=True),
            Command("search", self.search.search),
            Command("why", self.why.why),
            Command("usage", self.usage.usage),
            Command("budget", self.budget.show_or_set, owners=OwnersOnly.IN_PRIVATE),
            Command("export", self.export.export, admins=True),
            Command("settings", self.settings.show, admins=True),
            Command("users", door.owners.users, owners=OwnersOnly.IN_PRIVATE),
            Command("allow", door.owners.allow, owners=OwnersOnly.AND_AS_REPLY),
            Command("block", door.owners.block, owners=OwnersOnly.AND_AS_REPLY),
            Command("broadcast", door.broadcast.broadcast, owners=OwnersOnly.IN_PRIVATE),
            Command("cancel", self.chat.questions.cancel),
        )

    def _buttons(self) -> Sequence[ButtonRoute[Any]]:
        return (
            LateButtonRoute(AccessAnswerButton, self.entrance.requests.press),
            LateButtonRoute(SendBroadcastButton, self.entrance.broadcast.send),
            LateButtonRoute(DropBroadcastButton, self.entrance.broadcast.drop),
            ButtonRoute(UndoResetButton, self.buttons.undo_reset, admins=True),
            ButtonRoute(RetryButton, self.buttons.retry, paced=True),
            ButtonRoute(ContinueButton, self.buttons.go_on, paced=True),
            ButtonRoute(TakeUpAgainButton, self.aside.again, paced=True),
            ButtonRoute(StopButton, self.buttons.stop),
            ButtonRoute(CompactButton, self.memory.compact, admins=True),
            ButtonRoute(EarlierMemoryButton, self.memory.show_before, admins=True),
            ButtonRoute(RestoreMemoryButton, self.memory.bring_back, admins=True),
            ButtonRoute(MemoryThenButton, self.why.notes_then),
            ButtonRoute(CorrectButton, self.memory.ask_correction, admins=True),
            ButtonRoute(AskForgetButton, self.memory.ask_what_to_forget, admins=True),
            ButtonRoute(CancelQuestionButton, self.chat.questions.press_cancel),
            ButtonRoute(ConfirmForgetButton, self.forget.confirm, admins=True),
            ButtonRoute(ForgetPageButton, self.forget.turn, admins=True),
            LateButtonRoute(KeepButton, self.forget.keep, admins=True),
            ButtonRoute(SettingButton, self.settings.press, admins=True),
            ButtonRoute(ExportButton, self.export.chosen, admins=True),
        )

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
            self.chat.door.moved(old, message.chat.id)
        elif message is not None and (new := message.migrate_to_chat_id) is not None:
            self.chat.door.moved(message.chat.id, new)

    def edited(self, arrival: QueuedUpdate) -> None:
        """See ``intake.lanes.Work``."""
        message = arrival.update.edited_message
        if message is not None and not is_other_bot(message) and not self.chat.lately.knows(message):
            admits = partial(self.chat.pace.admits_edit, message)
            self.replies.endings.restart_if_asked(arrival.place, message.message_id, admits)

    async def _leave_out(self, arrival: QueuedUpdate, tell: bool) -> None:
        storage, message = self.replies.storage, arrival.update.message
        let_in = await self.aside.lets_in(arrival.update)
        update = await context_of(arrival.update, UpdateProgress(storage))
        with speaking(update.language):
            async with update.finish() as tx:
                if tell and let_in and message is not None:
                    await update.send(tx, answer(message, texts.TOO_MANY_WAITING, alone=True))
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
            progress = UpdateProgress(self.replies.storage)
            if self.aside.quarantine.is_exhausted(key):
                with speaking((await context_of(first.update, progress)).language):
                    await until_stored(partial(self.aside.update, first, key))
                return
            subject = (
                first.update if first.kind is UpdateKind.STOP else self._subject(place, batch, continues=continues)
            )
            await self.aside.quarantine.fly(key, place, until_stored(partial(self._process, subject, progress)))

    async def _process(self, subject: Update | MessageBatch, progress: UpdateProgress) -> None:
        update = await context_of(subject, progress)
        with speaking(update.language):
            if isinstance(subject, Update) and subject.edited_message is None:
                await self.chat.questions.pass_over(update)
            async with self._busy(update, subject):
                await self._run(update, subject)

    async def _run(self, update: UpdateContext, subject: Update | MessageBatch) -> None:
        """Handle it. Raises StorageError when the database is busy: nothing was written, and all can be run again."""
        try:
            if await self.entrance.gate.admits(update, subject):
                await self.table[0].dispatch(update, subject)
            await ensure_finished(update)
        except StorageError:
            raise
        except Exception as exc:  # noqa: BLE001 - one update's failure, of whatever kind, must not end its lane
            said = subject.messages[-1] if isinstance(subject, MessageBatch) else subject.message
            await self.failures.in_handler(update, exc, said)

    def _busy(self, update: UpdateContext, subject: Update | MessageBatch) -> AbstractAsyncContextManager[None]:
        """A sign of life while it is handled, to whoever waits for that: a file is read, a summary written."""
        of_others = isinstance(subject, MessageBatch) and not any(map(self.chat.addressing.is_meant, subject.messages))
        if of_others or not isinstance(update, MessageContext | ButtonContext):
            return nullcontext()
        to = destination(update.key, is_private(update.message), None)
        return self.replies.sender.busy(to, _action(update))

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

    def _subject(self, place: ChatKey, batch: Sequence[QueuedUpdate], *, continues: bool) -> Update | MessageBatch:
        first = batch[0]
        continues = continues or place in self.continued
        self.continued.discard(place)
        if first.kind is not UpdateKind.MESSAGE:
            return first.update
        messages = tuple(arrival.update.message for arrival in batch if arrival.update.message is not None)
        return MessageBatch(place, messages, tuple(arrival.update_id for arrival in batch), continues)


def _action(update: MessageContext | ButtonContext) -> str:
    """What the bot is seen to do while it handles this: Telegram has words for what a command has made."""
    if isinstance(update, ButtonContext):
        asked = update.query.data or ""
    else:
        asked = (command(update.message) or "")[1:].partition("@")[0].lower()
    name = asked.partition(":")[0]
    return {"export": ChatAction.UPLOAD_DOCUMENT, "usage": ChatAction.UPLOAD_PHOTO}.get(name, ChatAction.TYPING)


def _key(arrival: QueuedUpdate) -> WorkKey:
    """What a batch that begins with this is known by."""
    return WorkKey(WorkKind.UPDATE, arrival.update_id)
