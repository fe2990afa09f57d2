"""Edited messages."""

from contextlib import AsyncExitStack
from functools import partial

from telegram import Message

from bot.conversation.incoming_message import IncomingMessage
from bot.conversation.recorder import TurnEditor
from bot.handlers.cancellation import Cancellations, StoppedError
from bot.handlers.context import MessageContext, sender_of
from bot.handlers.messages import MessageHandlers
from bot.handlers.pending_questions import QuestionHandlers
from bot.handlers.rate_limits import AnswerLimiter
from bot.handlers.turn_reader import TurnReader, problems_of
from bot.inbound.addressing import Addressing, is_other_bot
from bot.inbound.problems import PARTLY
from bot.inbound.reading import ReadMessage, is_live
from bot.inbound.unchanged import RecentMessages, digest
from bot.language import texts
from bot.updates.authorship import order
from bot.updates.parsing import MessageBatch
from storage import Transaction
from storage.edits import Edits
from storage.records import Chat
from storage.transcript import Transcript

RECENT_S = 300.0
"""A message that was not stored, but is edited within this time, is recorded now: a typo in a command, for example."""
SLACK_S = 5.0
"""How far apart Telegram's clock and the bot's may be."""


class EditHandlers:
    """Updates stored messages; others are handled as new ones if they are recent and addressed to the bot.

    `since`: when this process started, in Unix seconds. It is not known what an older message said before, so this edit
    may not have changed its text: it may be one that was forgotten and has just got a reaction.
    """

    def __init__(
        self,
        edits: Edits,
        transcript: Transcript,
        editor: TurnEditor,
        messages: MessageHandlers,
        reader: TurnReader,
        questions: QuestionHandlers,
        addressing: Addressing,
        rate_limiter: AnswerLimiter,
        cancellations: Cancellations,
        recent: RecentMessages,
        since: float,
    ) -> None:
        self._edits = edits
        self._transcript = transcript
        self._editor = editor
        self._messages = messages
        self._reader = reader
        self._questions = questions
        self._addressing = addressing
        self._rate_limiter = rate_limiter
        self._cancellations = cancellations
        self._recent = recent
        self._since = since

    async def on_edit(self, update: MessageContext) -> None:
        """Handle an edited message."""
        message, chat = update.message, update.chat
        # A command is obeyed when it is sent, not when a message is edited into one.
        if is_other_bot(message) or order(message, message.get_bot()) is not None:
            await update.say(None)
            return
        if self._recent.knows(message):
            await update.say(None)
            return
        if await self._questions.is_answer(message):  # only its first version counts, and the model never gets it
            await self._leave(update)
            return
        async with AsyncExitStack() as stack:
            if chat is not None and await self._change(update, chat, stack):
                self._recent.record(message)
                return
        if self._is_worth_recording(message):
            await self._messages.record(update, MessageBatch(update.key, (message,), update.update_ids))
            self._recent.record(message)  # only after it is stored: otherwise a retry would take it for unchanged
            return
        await update.say(None)

    async def _leave(self, update: MessageContext) -> None:
        """Say that the first version of an answer counts, if the text is known to have changed."""
        changed = self._recent.has_changed(update.message)
        await update.say(update.notice(texts.ANSWER_EDITED) if changed else None)
        self._recent.record(update.message)

    async def _change(self, update: MessageContext, chat: Chat, stack: AsyncExitStack) -> bool:
        message = update.message
        stored = await self._edits.find(chat.id, message.message_id)
        if stored is None:
            return False
        if stored.digest == digest(message):
            await update.say(None)
            return True
        fetch = stored.asked or self._addressing.is_meant(message)
        content, stopped = await self._read(chat, message, stack, fetch=fetch) if not is_live(message) else (None, ())
        said, read = content or (None, None)
        problem = read.problem if read else None
        still_pending = bool(stopped) and await self._transcript.pending_reply(chat.id) is not None
        async with update.finish(also=() if still_pending else stopped) as tx:
            await update.send(tx, *(update.notice(trouble) for trouble in problems_of(read)) if read else ())
            if said is not None:
                asks = self._addressing.is_meant(message)
                unfetched = bool(stopped) and bool(message.effective_attachment)
                unread = unfetched or problem not in (None, *PARTLY)
                admits = _never if stopped else partial(self._rate_limiter.admits_edit, message, tx)
                admitted = await self._editor.edit(chat, stored, said, tx, asks=asks, admits=admits, unread=unread)
                if not admitted and not stopped:
                    await self._refuse(update, tx)
                await self._edits.is_now(tx, stored.turn_id, said.digest)
            if stopped and still_pending:  # the answer to the old text was ended for these updates
                self._cancellations.stop_next(chat.key, stopped)
            elif stopped:
                await update.reply(tx, texts.STOPPED)
        return True

    async def _read(
        self, chat: Chat, message: Message, stack: AsyncExitStack, *, fetch: bool
    ) -> tuple[tuple[IncomingMessage, ReadMessage | None] | None, tuple[int, ...]]:
        """Its content now; if reading it was stopped, only its text, and the updates that stopped it."""
        try:
            reading = self._reader.read_one(chat, message, stack, fetch=fetch)
            return await self._cancellations.until_stopped(chat.key, reading), ()
        except StoppedError as exc:
            return await self._reader.read_one(chat, message, stack, fetch=False), exc.update_ids

    async def _refuse(self, update: MessageContext, tx: Transaction) -> None:
        """Tell someone over the rate limit that their edit is stored, but not answered again."""
        sender = sender_of(update.message)
        if sender is not None:
            await update.send(tx, await self._rate_limiter.refusal(update.message, sender, tx))

    def _is_worth_recording(self, message: Message) -> bool:
        edited_at = message.edit_date or message.date
        recent = (edited_at - message.date).total_seconds() <= RECENT_S
        if not self._recent.has_changed(message) and message.date.timestamp() < self._since - SLACK_S:
            return False
        return recent and not is_live(message) and self._addressing.is_meant(message)


async def _never() -> bool:
    return False
