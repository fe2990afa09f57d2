"""The table of handlers: which one an update goes to, and which guards apply to it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from telegram import Message, MessageEntity, Update

from bot.handlers import callbacks
from bot.handlers.broadcast import BroadcastHandlers
from bot.handlers.budget_command import BudgetHandlers
from bot.handlers.buttons import ButtonHandlers
from bot.handlers.callbacks import (
    AccessAnswerButton,
    AskForgetButton,
    CallbackData,
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
    ResumeButton,
    RetryButton,
    SendBroadcastButton,
    SettingButton,
    StopButton,
    UndoResetButton,
)
from bot.handlers.commands import CommandHandlers, SummaryHandlers
from bot.handlers.context import ButtonContext, MessageContext, PressContext, UpdateContext
from bot.handlers.edited_messages import EditHandlers
from bot.handlers.export_command import ExportHandlers
from bot.handlers.forget_command import ForgetHandlers
from bot.handlers.guards import Guards, OwnersOnly
from bot.handlers.membership import MembershipHandlers
from bot.handlers.memory_command import MemoryHandlers
from bot.handlers.messages import MessageHandlers
from bot.handlers.owners import AccessRequestHandlers, OwnerHandlers
from bot.handlers.pending_questions import QuestionHandlers
from bot.handlers.privacy_command import PrivacyHandlers
from bot.handlers.search_command import SearchHandlers
from bot.handlers.set_aside import SetAsideHandlers
from bot.handlers.settings_command import SettingsHandlers
from bot.handlers.topic_titles import TopicHandlers
from bot.handlers.usage_command import UsageHandlers
from bot.handlers.why_command import WhyHandlers
from bot.updates.parsing import MessageBatch
from bot.updates.raw_updates import stopped_draft

B = TypeVar("B", bound=CallbackData)


@dataclass(frozen=True, slots=True)
class Command:
    """A command; `admins`: in a group only for administrators, `limited`: it counts toward the rate limit.

    `views`: it shows or deletes something of the chat, so in a group it is only for those who are still in it.
    """

    name: str
    handler: Callable[[MessageContext], Awaitable[None]]
    admins: bool = False
    limited: bool = False
    views: bool = False
    owners: OwnersOnly | None = None


@dataclass(frozen=True, slots=True)
class ButtonRoute(Generic[B]):
    """A button that does nothing if its message is gone."""

    data: type[B]
    handler: Callable[[ButtonContext, B], Awaitable[None]]
    admins: bool = False
    limited: bool = False

    async def run(self, update: PressContext, button: B) -> bool:
        """Run the handler; False if the button's message is gone."""
        if not isinstance(update, ButtonContext):
            return False
        await self.handler(update, button)
        return True


@dataclass(frozen=True, slots=True)
class LateButtonRoute(ButtonRoute[B]):
    """A button that works even if its message is gone."""

    handler: Callable[[PressContext, B], Awaitable[None]]

    async def run(self, update: PressContext, button: B) -> bool:
        """Run the handler."""
        await self.handler(update, button)
        return True


@dataclass(frozen=True, slots=True)
class Handlers:
    """The objects whose methods handle updates."""

    messages: MessageHandlers
    edits: EditHandlers
    topics: TopicHandlers
    membership: MembershipHandlers
    commands: CommandHandlers
    privacy: PrivacyHandlers
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
    questions: QuestionHandlers
    set_aside: SetAsideHandlers
    owners: OwnerHandlers
    access_requests: AccessRequestHandlers
    broadcast: BroadcastHandlers


class HandlerTable:
    """Finds the handler of an update that has passed the gate, and applies its guards."""

    def __init__(self, guards: Guards, handlers: Handlers) -> None:
        self._guards = guards
        self._handlers = handlers
        self._commands = {command.name: command for command in commands_of(handlers)}
        self._buttons = {route.data: route for route in buttons_of(handlers)}

    async def dispatch(self, update: UpdateContext, subject: Update | MessageBatch) -> None:
        """Run the handler."""
        if isinstance(update, MessageContext) and await self._guards.shuts_out(update):
            return
        if isinstance(update, PressContext):
            await self._press(update)
        elif not isinstance(update, MessageContext):
            await self._other(update, subject)
        elif isinstance(subject, MessageBatch):
            await self._handlers.topics.note(subject)
            await self._handlers.messages.on_batch(update, subject)
        elif subject.edited_message is not None:
            await self._handlers.edits.on_edit(update)
        else:
            await self._message(update)

    async def _message(self, update: MessageContext) -> None:
        message = update.message
        if message.migrate_from_chat_id or message.migrate_to_chat_id:
            await self._handlers.membership.migrated(update)
        elif (command := self._commands.get(command_name(message) or "")) is not None:
            await self._command(update, command)
        elif message.caption:
            await self._command(update, self._commands["broadcast"])  # no other command is a caption
        elif _begins_with_command(message):
            if await self._guards.paces(update):
                await self._handlers.commands.unknown(update)
        else:
            await self._handlers.commands.ignore(update)

    async def _command(self, update: MessageContext, command: Command) -> None:
        if not await self._guards.paces(update, stops=command.name == "stop"):
            return
        if command.owners is not None and not await self._guards.is_owners(update, command.owners):
            await self._handlers.commands.unknown(update)
        elif command.views and await self._guards.shuts_out(update, views=True):
            return
        elif await self._guards.admits(update, admins=command.admins, limited=command.limited):
            await command.handler(update)

    async def _press(self, update: PressContext) -> None:
        button = callbacks.unpack(update.query.data or "")
        route = self._buttons.get(type(button)) if button is not None else None
        if route is None:
            if await self._guards.paces_press(update):
                await self._handlers.buttons.unknown(update)
            return
        if not isinstance(button, StopButton) and not await self._guards.paces_press(update):
            return
        if await self._guards.shuts_out(update):
            return
        admitted = await self._guards.admits(update, admins=route.admins, limited=route.limited)
        if admitted and not await route.run(update, button):
            await self._handlers.buttons.unknown(update)

    async def _other(self, update: UpdateContext, subject: Update | MessageBatch) -> None:
        if not isinstance(subject, Update):
            return
        if subject.my_chat_member is not None:
            await self._handlers.membership.changed(update, subject.my_chat_member)
        elif (stopped := stopped_draft(subject)) is not None:
            await self._handlers.commands.stop_draft(update, stopped[1])
        else:
            await self._handlers.commands.ignore(update)


def commands_of(handlers: Handlers) -> tuple[Command, ...]:
    """Every command, with its guards."""
    return (
        Command("start", handlers.owners.start),
        Command("help", handlers.owners.help),
        Command("privacy", handlers.privacy.privacy),
        Command("reset", handlers.commands.reset, admins=True),
        Command("retry", handlers.commands.retry, limited=True, views=True),
        Command("stop", handlers.commands.stop),
        Command("summary", handlers.summary.summary, limited=True, views=True),
        Command("memory", handlers.memory.show, views=True),
        Command("forget", handlers.forget.forget, views=True),
        Command("search", handlers.search.search, views=True),
        Command("why", handlers.why.why, views=True),
        Command("usage", handlers.usage.usage, views=True),
        Command("budget", handlers.budget.show_or_set, owners=OwnersOnly.IN_PRIVATE),
        Command("export", handlers.export.export, admins=True),
        Command("settings", handlers.settings.show, admins=True),
        Command("users", handlers.owners.users, owners=OwnersOnly.IN_PRIVATE),
        Command("allow", handlers.owners.allow, owners=OwnersOnly.AND_AS_REPLY),
        Command("block", handlers.owners.block, owners=OwnersOnly.AND_AS_REPLY),
        Command("broadcast", handlers.broadcast.broadcast, owners=OwnersOnly.IN_PRIVATE),
        Command("cancel", handlers.questions.cancel),
    )


def buttons_of(handlers: Handlers) -> tuple[ButtonRoute[Any], ...]:
    """Every button, with its guards."""
    return (
        LateButtonRoute(AccessAnswerButton, handlers.access_requests.press),
        LateButtonRoute(SendBroadcastButton, handlers.broadcast.send),
        LateButtonRoute(DropBroadcastButton, handlers.broadcast.drop),
        ButtonRoute(UndoResetButton, handlers.buttons.undo_reset, admins=True),
        ButtonRoute(RetryButton, handlers.buttons.retry, limited=True),
        ButtonRoute(ContinueButton, handlers.buttons.go_on, limited=True),
        ButtonRoute(ResumeButton, handlers.set_aside.again, limited=True),
        ButtonRoute(StopButton, handlers.buttons.stop),
        ButtonRoute(CompactButton, handlers.memory.compact, admins=True),
        ButtonRoute(EarlierMemoryButton, handlers.memory.show_earlier, admins=True),
        ButtonRoute(RestoreMemoryButton, handlers.memory.restore, admins=True),
        ButtonRoute(MemoryThenButton, handlers.why.memory_then),
        ButtonRoute(CorrectButton, handlers.memory.ask_correction, admins=True),
        ButtonRoute(AskForgetButton, handlers.memory.ask_what_to_forget, admins=True),
        ButtonRoute(CancelQuestionButton, handlers.questions.press_cancel),
        ButtonRoute(ConfirmForgetButton, handlers.forget.confirm),
        ButtonRoute(ForgetPageButton, handlers.forget.show_page),
        LateButtonRoute(KeepButton, handlers.forget.keep),
        ButtonRoute(SettingButton, handlers.settings.press, admins=True),
        ButtonRoute(ExportButton, handlers.export.chosen, admins=True),
    )


def command_name(message: Message) -> str | None:
    """The name of the command at the beginning of a message; None if there is none, or it is for another bot."""
    if not message.text or not _begins_with_command(message):
        return None
    name, _, at = message.text[1 : message.entities[0].length].lower().partition("@")
    return name if at in ("", message.get_bot().username.lower()) else None


def _begins_with_command(message: Message) -> bool:
    first = message.entities[0] if message.entities else None
    return first is not None and first.type == MessageEntity.BOT_COMMAND and first.offset == 0
