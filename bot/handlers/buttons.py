"""The buttons: safe to press twice, late, or by somebody else."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from telegram import CallbackQuery, Update

from bot.conversation.budget import Budget
from bot.conversation.incoming_message import UNDO_RESET, IncomingMessage
from bot.conversation.recorder import TurnRecorder
from bot.handlers.budget_command import refused
from bot.handlers.cancellation import Cancellations
from bot.handlers.context import acknowledge, edited, pressed
from bot.language import texts
from bot.updates.parsing import place_of
from storage import Storage
from storage.records import Chat


@dataclass(frozen=True, slots=True)
class ButtonHandlers:
    """One method per kind of button."""

    storage: Storage
    endings: Cancellations
    budget: Budget
    hearing: TurnRecorder
    clock: Callable[[], float]

    async def retry(self, update: Update, _: object) -> None:
        """Answer a question again that has no answer; the answer takes the place of what says so."""
        query, message = pressed(update)
        chat = await self.storage.chats.find(place_of(message)) if message else None
        last = await self.storage.edits.last_exchange(chat.id) if chat else None
        again = last is not None and last.reply_id is None and _id(query) in last.turn_ids
        by = query.from_user.id
        refusal = await refused(self.budget, chat, by) if again else None
        again = again and refusal is None
        async with self.storage.transaction() as tx:
            if again and chat is not None and message is not None:
                await self.storage.transcript.ask_again(tx, chat.id, self.clock(), by)
                reply_id = await self.storage.transcript.begin_reply(tx, chat.id, self.clock(), reply_to=None)
                await self.storage.deliveries.begun(tx, reply_id, message.message_id, rang=False)
            await self.storage.inbox.done(tx, [update.update_id])
        await acknowledge(query, refusal or ("" if again else texts.OLD_BUTTON))

    async def go_on(self, update: Update, _: object) -> None:
        """Have an answer continued that was cut: the person says so, in words of ours."""
        query, message = pressed(update)
        chat = await self.storage.chats.find(place_of(message)) if message else None
        last = await self.storage.edits.last_exchange(chat.id) if chat else None
        cut = last is not None and last.reply_id == _id(query)
        refusal = await refused(self.budget, chat, query.from_user.id) if cut else None
        cut = cut and refusal is None
        async with self.storage.transaction() as tx:
            if cut and chat is not None and message is not None:
                await self.hearing.hear(
                    tx,
                    chat.place,
                    private=chat.private,
                    said=[_words_of(query, chat, self.clock())],
                    language=query.from_user.language_code,
                )
                await self.storage.notices.add(tx, edited(message, texts.CUT_BY_LENGTH))
            await self.storage.inbox.done(tx, [update.update_id])
        await acknowledge(query, refusal or ("" if cut else texts.OLD_BUTTON))

    async def stop(self, update: Update, _: object) -> None:
        """End the answer that is being written above the button; it is stored by the turn itself."""
        query, message = pressed(update)
        ids = (update.update_id,)
        stopped = message is not None and await self.endings.stop(place_of(message), ids, _id(query))
        if not stopped:
            async with self.storage.transaction() as tx:
                if message is not None:
                    stopped = await self.endings.stop_reply(tx, place_of(message), _id(query))
                await self.storage.inbox.done(tx, ids)
        await acknowledge(query, texts.STOPPED if stopped else texts.OLD_BUTTON)

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


def _id(query: CallbackQuery) -> int:
    return int((query.data or "").rpartition(":")[2])


def _words_of(query: CallbackQuery, chat: Chat, now: float) -> IncomingMessage:
    return IncomingMessage(
        message_id=None,
        sender_id=query.from_user.id,
        text=texts.GO_ON,
        at=datetime.fromtimestamp(now, UTC),
        sender=query.from_user.full_name,
        speaker=None if chat.private else query.from_user.full_name,
    )
