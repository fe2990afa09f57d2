"""The buttons under answers. They are safe to press twice, late, or by someone else."""

from collections.abc import Callable
from datetime import UTC, datetime

from telegram import CallbackQuery

from bot.conversation.budget import Budget
from bot.conversation.incoming_message import IncomingMessage
from bot.conversation.recorder import TurnRecorder
from bot.handlers.budget_command import refused
from bot.handlers.callbacks import ContinueButton, RetryButton, StopButton, UndoResetButton
from bot.handlers.cancellation import Cancellations
from bot.handlers.context import ButtonContext, PressContext
from bot.language import texts
from storage import Storage
from storage.records import Chat


class ButtonHandlers:
    """One method per kind of button."""

    def __init__(
        self,
        storage: Storage,
        cancellations: Cancellations,
        budget: Budget,
        recorder: TurnRecorder,
        clock: Callable[[], float],
    ) -> None:
        self._storage = storage
        self._cancellations = cancellations
        self._budget = budget
        self._recorder = recorder
        self._clock = clock

    async def retry(self, update: ButtonContext, button: RetryButton) -> None:
        """Answer a question that has no answer yet; the answer replaces the message with the button."""
        chat, by = update.chat, update.query.from_user.id
        last = await self._storage.edits.last_exchange(chat.id) if chat else None
        again = last is not None and last.reply_id is None and button.turn_id in last.turn_ids
        refusal = await refused(self._budget, chat, by) if again else None
        again = again and refusal is None
        async with update.finish() as tx:
            if again and chat is not None:
                await self._storage.transcript.ask_again(tx, chat.id, self._clock(), by)
                reply_id = await self._storage.transcript.begin_reply(tx, chat.id, self._clock(), reply_to=None)
                await self._storage.outbox.reply_begun(tx, reply_id, update.message.message_id, rang=False)
        await update.acknowledge(refusal or ("" if again else texts.OLD_BUTTON))

    async def go_on(self, update: ButtonContext, button: ContinueButton) -> None:
        """Continue an answer that was cut off, by recording a request to do so as the person's message."""
        chat, query = update.chat, update.query
        last = await self._storage.edits.last_exchange(chat.id) if chat else None
        cut = last is not None and last.reply_id == button.reply_id
        refusal = await refused(self._budget, chat, query.from_user.id) if cut else None
        cut = cut and refusal is None
        async with update.finish() as tx:
            if cut and chat is not None:
                await self._recorder.record(
                    tx,
                    chat.key,
                    private=chat.private,
                    messages=[_words_of(query, chat, self._clock())],
                    language=query.from_user.language_code,
                )
                await update.edit(tx, texts.CUT_BY_LENGTH)
        await update.acknowledge(refusal or ("" if cut else texts.OLD_BUTTON))

    async def stop(self, update: ButtonContext, button: StopButton) -> None:
        """Stop the answer that is being written above the button; the turn stores it as far as it got."""
        stopped = await self._cancellations.stop(update.key, update.update_ids, button.reply_id)
        if stopped:
            update.hand_over()
        else:
            async with update.finish() as tx:
                stopped = await self._cancellations.stop_reply(tx, update.key, button.reply_id)
        await update.acknowledge(texts.STOPPED if stopped else texts.OLD_BUTTON)

    async def undo_reset(self, update: ButtonContext, button: UndoResetButton) -> None:
        """Undo a /reset, if that is still possible."""
        chat = update.chat
        async with update.finish() as tx:
            undone = chat is not None and await self._storage.deletions.undo_reset(
                tx, chat.id, button.reset_id, self._clock()
            )
            if undone:
                await self._storage.outbox.button_gone(tx, update.key, update.message.message_id)
                await update.edit(tx, texts.RESET_UNDONE)
        await update.acknowledge(texts.RESET_UNDONE if undone else texts.UNDO_TOO_LATE)

    async def unknown(self, update: PressContext) -> None:
        """Answer a button of an older version, or one whose message is gone."""
        await update.say(None)
        await update.acknowledge(texts.OLD_BUTTON)


def _words_of(query: CallbackQuery, chat: Chat, now: float) -> IncomingMessage:
    return IncomingMessage(
        message_id=None,
        sender_id=query.from_user.id,
        text=texts.GO_ON,
        at=datetime.fromtimestamp(now, UTC),
        sender=query.from_user.full_name,
        speaker=None if chat.private else query.from_user.full_name,
    )
