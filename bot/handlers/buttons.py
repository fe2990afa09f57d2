"""The buttons: safe to press twice, late, or by somebody else."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from telegram import Message, Update
from telegram.error import TelegramError

from bot import texts
from bot.handlers.commands import UNDO_RESET
from bot.handlers.notices import edited
from bot.intake.arrival import place_of
from storage import Storage

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Buttons:
    """One method per kind of button."""

    storage: Storage
    clock: Callable[[], float]

    async def undo_reset(self, update: Update, _: object) -> None:
        """Undo a /reset, while that is possible."""
        query = update.callback_query
        assert query is not None
        message = query.message
        if not isinstance(message, Message) or query.data is None:
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
        await self._answer(update, texts.RESET_UNDONE if undone else texts.UNDO_TOO_LATE)

    async def unknown(self, update: Update, _: object) -> None:
        """A button of an older version, or one whose message is gone."""
        async with self.storage.transaction() as tx:
            await self.storage.inbox.done(tx, [update.update_id])
        await self._answer(update, texts.OLD_BUTTON)

    @staticmethod
    async def _answer(update: Update, text: str) -> None:
        assert update.callback_query is not None
        try:
            await update.callback_query.answer(text)
        except TelegramError as exc:  # too old to be answered, or already answered: the user sees the message itself
            log.info("A button press can't be answered: %s", exc)
