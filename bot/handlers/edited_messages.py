"""Messages that people edited."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from telegram import Message, Update

from bot.conversation.incoming_message import IncomingMessage
from bot.conversation.recorder import TurnEditor
from bot.handlers.cancellation import StoppedError
from bot.handlers.context import answer, sender_of
from bot.handlers.messages import MessageHandlers, problems_of
from bot.inbound.addressing import is_other_bot
from bot.inbound.problems import PARTLY
from bot.inbound.reading import ReadMessage, is_live
from bot.inbound.unchanged import digest
from bot.language import texts
from bot.updates.authorship import order
from bot.updates.parsing import MessageBatch, place_of
from storage import Storage, Transaction
from storage.records import Chat

RECENT_S = 300.0
"""What was not stored and is edited within this time should have been: a mistyped command, a forgotten call."""
SLACK_S = 5.0
"""How far apart Telegram's clock and ours may be."""


@dataclass(frozen=True, slots=True)
class EditHandlers:
    """Changes what was stored; what was not is heard now, when it is recent and meant for the bot.

    `since`: when this process began, in Unix seconds. Of an older message nobody knows what it said, and if it says the
    same still: it may have been forgotten, and have a reaction now.
    """

    storage: Storage
    chat: MessageHandlers
    editing: TurnEditor
    since: float

    async def on_edit(self, update: Update, _: object) -> None:
        """A message has other words now."""
        message = update.edited_message
        assert message is not None, "registered for edited messages"
        # A command is obeyed when it is sent, and not when something is corrected into one.
        if is_other_bot(message) or order(message, message.get_bot()) is not None:
            await self._done(update.update_id)
            return
        if self.chat.lately.knows(message):
            await self._done(update.update_id)
            return
        if await self.chat.questions.is_answer(message):  # an answer is what was sent first, and nothing for the model
            await self._leave(message, update.update_id)
            return
        place = place_of(message)
        chat = await self.storage.chats.find(place)
        async with AsyncExitStack() as held:
            if chat is not None and await self._change(chat, message, update.update_id, held):
                self.chat.lately.hear(message)
                return
        if self._is_worth_hearing(message):
            await self.chat.listen(MessageBatch(place, (message,), (update.update_id,)))
            self.chat.lately.hear(message)  # not before it is stored: else the next try takes it for unchanged
            return
        await self._done(update.update_id)

    async def _done(self, update_id: int) -> None:
        async with self.storage.transaction() as tx:
            await self.storage.inbox.done(tx, [update_id])

    async def _leave(self, message: Message, update_id: int) -> None:
        """Say that an answer stays what it was; after a restart nobody knows whether it has other words now."""
        async with self.storage.transaction() as tx:
            if self.chat.lately.has_changed(message):
                await self.storage.notices.add(tx, answer(message, texts.ANSWER_EDITED))
            await self.storage.inbox.done(tx, [update_id])
        self.chat.lately.hear(message)

    async def _change(self, chat: Chat, message: Message, update_id: int, held: AsyncExitStack) -> bool:
        stored = await self.storage.edits.find(chat.id, message.message_id)
        if stored is None:
            return False
        if stored.digest == digest(message):
            await self._done(update_id)
            return True
        fetch = stored.asked or self.chat.addressing.is_meant(message)
        now, stopped = await self._understood(chat, message, held, fetch=fetch) if not is_live(message) else (None, ())
        said, read = now or (None, None)
        problem = read.problem if read else None
        async with self.storage.transaction() as tx:
            for trouble in problems_of(read) if read else ():
                await self.storage.notices.add(tx, answer(message, trouble))
            if said is not None:
                asks = self.chat.addressing.is_meant(message)
                unfetched = bool(stopped) and bool(message.effective_attachment)
                unread = unfetched or problem not in (None, *PARTLY)
                admits = (lambda: False) if stopped else partial(self.chat.pace.admits_edit, message)
                admitted = await self.editing.edit(chat, stored, said, tx, asks=asks, admits=admits, unread=unread)
                if not admitted and not stopped:
                    await self._refuse(tx, message)
                await self.storage.edits.is_now(tx, stored.turn_id, said.digest)
            await self._tell_stopped(tx, chat, message, stopped)
            await self.storage.inbox.done(tx, [update_id])
        return True

    async def _understood(
        self, chat: Chat, message: Message, held: AsyncExitStack, *, fetch: bool
    ) -> tuple[tuple[IncomingMessage, ReadMessage | None] | None, tuple[int, ...]]:
        """What it says now; where its reading was stopped, only its words, and the updates that said so."""
        try:
            reading = self.chat.understood(chat.place, message, held, fetch=fetch)
            return await self.chat.endings.until_stopped(chat.place, reading), ()
        except StoppedError as exc:
            return await self.chat.understood(chat.place, message, held, fetch=False), exc.update_ids

    async def _tell_stopped(self, tx: Transaction, chat: Chat, message: Message, stopped: tuple[int, ...]) -> None:
        if not stopped:
            return
        if await self.storage.transcript.owed(chat.id) is not None:  # the answer to the old words was ended for these
            self.chat.endings.stop_next(chat.place, stopped)
            return
        await self.storage.notices.add(tx, answer(message, texts.STOPPED))
        await self.storage.inbox.done(tx, stopped)

    async def _refuse(self, tx: Transaction, message: Message) -> None:
        """What somebody edits who asks too often is corrected, and not answered again."""
        sender = sender_of(message)
        notice = self.chat.pace.refusal(message, sender) if sender is not None else None
        if notice is not None:
            await self.storage.notices.add(tx, notice)

    def _is_worth_hearing(self, message: Message) -> bool:
        edited_at = message.edit_date or message.date
        recent = (edited_at - message.date).total_seconds() <= RECENT_S
        if not self.chat.lately.has_changed(message) and message.date.timestamp() < self.since - SLACK_S:
            return False
        return recent and not is_live(message) and self.chat.addressing.is_meant(message)
