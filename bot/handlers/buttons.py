"""The buttons: safe to press twice, late, or by somebody else."""

from collections.abc import Callable
from dataclasses import dataclass

from telegram import Update

from bot import texts
from bot.handlers.commands import UNDO_RESET
from bot.handlers.notices import edited
from bot.handlers.pressed import acknowledge, pressed
from bot.intake.arrival import place_of
from storage import Storage


@dataclass(frozen=True, slots=True)
class Buttons:
    """One method per kind of button."""

    storage: Storage
    clock: Callable[[], float]

    async def undo_reset(self, update: Update, _: object) -> None:
        """Undo a /reset, while that is possible."""
        query, message = pressed(update)
        if message is None or query.data is None:
            await self.unknown(update, _)
            return
        chat = await self.storage.chats.find(place_of(message))
        reset_id = int(query.data.removeprefix(UNDO_RESET))
        async with self.storage.transaction() as tx:
            undone = chat is not None and await self.storage.resets.undo(tx, chat.id, reset_id, self.clock())
            if undone:
                await self.storage.notices.button_gone(tx, place_of(message), message.message_id)
                await self.storage.notices.add(tx, edited(message, texts.RESET_UNDONE))
            await self.storage.inbox.done(tx, [update.update_id])
        await acknowledge(query, texts.RESET_UNDONE if undone else texts.UNDO_TOO_LATE)

    async def unknown(self, update: Update, _: object) -> None:
        """A button of an older version, or one whose message is gone."""
        async with self.storage.transaction() as tx:
            await self.storage.inbox.done(tx, [update.update_id])
        await acknowledge(pressed(update)[0], texts.OLD_BUTTON)
