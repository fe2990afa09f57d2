"""The table of handlers: what the bot does with each kind of update, in order of precedence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from telegram import Update
from telegram.ext import (
    Application,
    ApplicationHandlerStop,
    CallbackContext,
    CallbackQueryHandler,
    CommandHandler,
    MessageHandler,
    TypeHandler,
    filters,
)

from bot.handlers.access import Gate
from bot.handlers.buttons import Buttons
from bot.handlers.chat import ChatHandlers
from bot.handlers.commands import UNDO_RESET, Commands
from bot.handlers.failures import Failures
from bot.handlers.replies import Replies
from bot.intake.arrival import Arrival, Burst, Kind
from storage.records import Place

PTBApplication = Application[Any, Any, Any, Any, Any, Any]
GATE_GROUP = -1


@dataclass(frozen=True, slots=True)
class Handlers:
    """All handlers, and the work of the lanes that runs them."""

    application: PTBApplication
    gate: Gate
    chat: ChatHandlers
    commands: Commands
    buttons: Buttons
    failures: Failures
    replies: Replies

    def register(self) -> None:
        """Fill the application's table."""
        add = self.application.add_handler
        add(TypeHandler(object, self.gate.check), group=GATE_GROUP)
        add(TypeHandler(Burst, self.chat.on_burst))
        add(CommandHandler("start", self.commands.start))
        add(CommandHandler("help", self.commands.help))
        add(CommandHandler("reset", self.commands.reset))
        add(CommandHandler("retry", self.commands.retry))
        add(CommandHandler("stop", self.commands.stop))
        add(MessageHandler(filters.COMMAND, self.commands.unknown))
        add(CallbackQueryHandler(self.buttons.undo_reset, pattern=rf"^{UNDO_RESET}\d+$"))
        add(CallbackQueryHandler(self.buttons.unknown))
        add(TypeHandler(Update, self.commands.ignore))
        self.application.add_error_handler(self._on_error)

    async def handle(self, place: Place, batch: Sequence[Arrival]) -> None:
        """See ``intake.lanes.Work``."""
        if batch:
            await self.application.process_update(_subject(place, batch))
        try:
            await self.replies.settle(place)
        except Exception as exc:  # noqa: BLE001 - one chat's failure, of whatever kind, must not end its lane
            await self.failures.in_lane(place, exc)
            await self.replies.settle(place)

    async def overtake(self, arrival: Arrival) -> None:
        """See ``intake.lanes.Work``."""
        await self.application.process_update(arrival.update)

    def more_to_come(self, place: Place) -> None:
        """See ``intake.lanes.Work``."""
        self.replies.restart_unshown(place)

    async def _on_error(self, update: object, context: CallbackContext[Any, Any, Any, Any]) -> None:
        assert context.error is not None
        await self.failures.in_handler(update, context.error)
        raise ApplicationHandlerStop  # a gate that failed lets nothing through


def _subject(place: Place, batch: Sequence[Arrival]) -> Update | Burst:
    first = batch[0]
    if first.kind is not Kind.MESSAGE:
        return first.update
    messages = tuple(arrival.update.message for arrival in batch if arrival.update.message is not None)
    return Burst(place, messages, tuple(arrival.update_id for arrival in batch))
