"""The table of handlers: which one an update goes to, and which guards stand before it."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from telegram import Message, MessageEntity, Update

from bot.handlers import callbacks
from bot.handlers.callbacks import CallbackData
from bot.handlers.context import ButtonContext, MessageContext, PressContext, UpdateContext
from bot.handlers.edited_messages import EditHandlers
from bot.handlers.guards import Guards, OwnersOnly
from bot.handlers.membership import MembershipHandlers
from bot.handlers.messages import MessageHandlers
from bot.handlers.topic_titles import TopicHandlers
from bot.updates.parsing import MessageBatch
from bot.updates.raw_updates import stopped_draft

B = TypeVar("B", bound=CallbackData)


@dataclass(frozen=True, slots=True)
class Command:
    """A command; `admins`: in a group it is for administrators, `paced`: it counts for the rate limit."""

    name: str
    handler: Callable[[MessageContext], Awaitable[None]]
    admins: bool = False
    paced: bool = False
    owners: OwnersOnly | None = None


@dataclass(frozen=True, slots=True)
class ButtonRoute(Generic[B]):
    """A button; it does nothing when its message is gone."""

    data: type[B]
    handler: Callable[[ButtonContext, B], Awaitable[None]]
    admins: bool = False
    paced: bool = False

    async def run(self, update: PressContext, button: B) -> bool:
        """Run the handler; False: there is nothing to do."""
        if not isinstance(update, ButtonContext):
            return False
        await self.handler(update, button)
        return True


@dataclass(frozen=True, slots=True)
class LateButtonRoute(ButtonRoute[B]):
    """A button that does something also when its message is gone."""

    handler: Callable[[PressContext, B], Awaitable[None]]

    async def run(self, update: PressContext, button: B) -> bool:
        """Run the handler."""
        await self.handler(update, button)
        return True


@dataclass(frozen=True, slots=True)
class OtherRoutes:
    """What is no command and no button, or none that the bot has."""

    topics: TopicHandlers
    messages: MessageHandlers
    edits: EditHandlers
    membership: MembershipHandlers
    caption: Command
    """The command that is given with a file."""
    unknown_command: Callable[[MessageContext], Awaitable[None]]
    unknown_button: Callable[[PressContext], Awaitable[None]]
    stop_draft: Callable[[UpdateContext, int], Awaitable[None]]
    ignore: Callable[[UpdateContext], Awaitable[None]]


class HandlerTable:
    """Finds the handler of an update that has passed the gate, and applies its guards."""

    def __init__(
        self, guards: Guards, commands: Iterable[Command], buttons: Iterable[ButtonRoute[Any]], others: OtherRoutes
    ) -> None:
        self._guards = guards
        self._commands = {command.name: command for command in commands}
        self._buttons = {route.data: route for route in buttons}
        self._others = others

    async def dispatch(self, update: UpdateContext, subject: Update | MessageBatch) -> None:
        """Run the handler."""
        if isinstance(update, PressContext):
            await self._press(update)
        elif not isinstance(update, MessageContext):
            await self._other(update, subject)
        elif isinstance(subject, MessageBatch):
            await self._others.topics.note(subject)
            await self._others.messages.on_batch(update, subject)
        elif subject.edited_message is not None:
            await self._others.edits.on_edit(update)
        else:
            await self._message(update)

    async def _message(self, update: MessageContext) -> None:
        message = update.message
        if message.migrate_from_chat_id or message.migrate_to_chat_id:
            await self._others.membership.migrated(update)
        elif (command := self._commands.get(command_name(message) or "")) is not None:
            await self._command(update, command)
        elif message.caption:
            await self._command(update, self._others.caption)
        elif _begins_with_command(message):
            await self._others.unknown_command(update)
        else:
            await self._others.ignore(update)

    async def _command(self, update: MessageContext, command: Command) -> None:
        if command.owners is not None and not await self._guards.is_owners(update, command.owners):
            await self._others.unknown_command(update)
        elif await self._guards.admits(update, admins=command.admins, paced=command.paced):
            await command.handler(update)

    async def _press(self, update: PressContext) -> None:
        button = callbacks.unpack(update.query.data or "")
        route = self._buttons.get(type(button)) if button is not None else None
        if route is None:
            await self._others.unknown_button(update)
            return
        admitted = await self._guards.admits(update, admins=route.admins, paced=route.paced)
        if admitted and not await route.run(update, button):
            await self._others.unknown_button(update)

    async def _other(self, update: UpdateContext, subject: Update | MessageBatch) -> None:
        if not isinstance(subject, Update):
            return
        if subject.my_chat_member is not None:
            await self._others.membership.changed(update, subject.my_chat_member)
        elif (stopped := stopped_draft(subject)) is not None:
            await self._others.stop_draft(update, stopped[1])
        else:
            await self._others.ignore(update)


def command_name(message: Message) -> str | None:
    """The name of the command that a message begins with; None: it has none, or it is another bot's."""
    if not message.text or not _begins_with_command(message):
        return None
    name, _, at = message.text[1 : message.entities[0].length].lower().partition("@")
    return name if at in ("", message.get_bot().username.lower()) else None


def _begins_with_command(message: Message) -> bool:
    first = message.entities[0] if message.entities else None
    return first is not None and first.type == MessageEntity.BOT_COMMAND and first.offset == 0
