"""Messages to the bot, and unaddressed messages in groups."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from bot.conversation.recorder import TurnRecorder
from bot.handlers.cancellation import Cancellations, StoppedError
from bot.handlers.context import MessageContext, sender_of
from bot.handlers.forget_command import ForgetHandlers
from bot.handlers.guards import AdminGuard
from bot.handlers.memory_command import MemoryHandlers
from bot.handlers.notices import is_private
from bot.handlers.pending_questions import GivenAnswer, QuestionHandlers
from bot.handlers.rate_limits import AnswerLimiter
from bot.handlers.settings_command import SettingsHandlers
from bot.handlers.turn_reader import TurnReader, is_question, notices_of
from bot.inbound.addressing import Addressing, is_other_bot
from bot.inbound.unchanged import RecentMessages
from bot.language import texts
from bot.updates.parsing import MessageBatch
from storage.edits import Edits
from storage.questions import QuestionKind
from storage.records import Chat, Notice
from storage.transcript import Transcript

MOST_BOTS_IN_A_ROW = 3
"""How many messages of other bots are answered without a message from a person in between."""


class AnswerHandlers:
    """Passes answers to the bot's questions on to the handlers that asked."""

    def __init__(
        self,
        questions: QuestionHandlers,
        admins: AdminGuard,
        memory: MemoryHandlers,
        forget: ForgetHandlers,
        settings: SettingsHandlers,
    ) -> None:
        self._questions = questions
        self._admins = admins
        self._memory = memory
        self._forget = forget
        self._settings = settings

    async def handle(self, update: MessageContext, given: GivenAnswer) -> None:
        """Handle an answer, or say why it can't be accepted; the model never gets it."""
        if not self._questions.is_for(given.question, update.message):
            await update.say(update.notice(texts.NOT_ASKED, alone=True))
        elif not given.question.open:
            await update.say(update.notice(texts.QUESTION_OVER, alone=True))
        elif not await self._admins.may(update.message):
            await update.say(update.notice(texts.ONLY_ADMINS, alone=True))
        elif not given.words:
            await update.say(update.notice(texts.ANSWER_IN_WORDS, alone=True))
        elif given.question.kind is QuestionKind.CORRECT:
            await self._memory.correct(update, given)
        elif given.question.kind is QuestionKind.FORGET:
            await self._forget.forget_words(update, given)
        else:
            await self._settings.set_persona(update, given)


class MessageHandlers:
    """Records messages to the bot; their answer is then pending until ``ReplyWorker`` writes it.

    `listens`: whether unaddressed messages in groups are recorded, too.
    """

    def __init__(
        self,
        transcript: Transcript,
        edits: Edits,
        recorder: TurnRecorder,
        reader: TurnReader,
        addressing: Addressing,
        questions: QuestionHandlers,
        answers: AnswerHandlers,
        rate_limiter: AnswerLimiter,
        cancellations: Cancellations,
        recent: RecentMessages,
        *,
        listens: bool,
    ) -> None:
        self._transcript = transcript
        self._edits = edits
        self._recorder = recorder
        self._reader = reader
        self._addressing = addressing
        self._questions = questions
        self._answers = answers
        self._rate_limiter = rate_limiter
        self._cancellations = cancellations
        self._recent = recent
        self._keeps_unaddressed = listens

    async def on_batch(self, update: MessageContext, batch: MessageBatch) -> None:
        """Handle the messages of one turn: answers to the bot's questions, and what is left for the model."""
        for message in batch.messages:
            self._recent.record(message)
            if message.left_chat_member is not None:
                await self._questions.withdraw(message.chat.id, message.left_chat_member.id)
        given, rest = await self._questions.sort(batch)
        parts = [answer.batch for answer in given] + ([rest] if rest is not None else [])
        update.skip(set(batch.update_ids).difference(*(part.update_ids for part in parts)))
        for answer in given:
            await self._answers.handle(await update.part(answer.batch), answer)
        if rest is not None:
            await self.record(await update.part(rest), rest)

    async def record(self, update: MessageContext, batch: MessageBatch) -> None:
        """Store the messages of one turn, and notify their sender about files that can't be read."""
        if not await self._is_meant(update, batch):
            await self._overhear(update, batch)
        elif await self._is_admitted(batch):
            await self._record_question(update, batch)
        else:
            await self._put_off(update, batch)

    async def _record_question(self, update: MessageContext, batch: MessageBatch) -> None:
        async with AsyncExitStack() as stack:
            await self._read_and_record(update, batch, stack)

    async def _read_and_record(self, update: MessageContext, batch: MessageBatch, stack: AsyncExitStack) -> None:
        capabilities = self._reader.capabilities(update.chat)
        try:
            reading = self._reader.read(update.key, batch.messages, capabilities, stack)
            read, transcribed = await self._cancellations.until_stopped(update.key, reading)
        except StoppedError as exc:
            await self._keep(update, batch, update.notice(texts.STOPPED), exc.update_ids)
            return
        notices = notices_of(read, transcribed, capabilities)
        asked = any(is_question(message, words, capabilities) for message, words in zip(read, transcribed, strict=True))
        async with update.finish() as tx:
            if transcribed:
                chat = await self._recorder.record(
                    tx,
                    update.key,
                    private=is_private(update.message),
                    messages=[message.message for message in transcribed],
                    asked=asked,
                    begins=True,
                    language=_language(batch),
                )
                await self._reader.record_usage(tx, chat.id, transcribed)
            await update.send(tx, *notices)

    async def _is_admitted(self, batch: MessageBatch) -> bool:
        """Whether its sender is within the rate limit; messages that continue a turn don't count."""
        sender = sender_of(batch.messages[0])
        return sender is None or batch.continues or await self._rate_limiter.admits(sender)

    async def _put_off(self, update: MessageContext, batch: MessageBatch) -> None:
        """Record a message of someone over the rate limit; the answer to their next message will cover it."""
        sender = sender_of(update.message)
        await self._keep(
            update, batch, await self._rate_limiter.refusal(update.message, sender) if sender is not None else None
        )

    async def _keep(
        self, update: MessageContext, batch: MessageBatch, notice: Notice | None, also: Sequence[int] = ()
    ) -> None:
        """Record a turn that is not answered, without downloading its files."""
        said, private = await self._reader.skim(batch.messages), is_private(update.message)
        async with update.finish(also) as tx:
            if said:
                await self._recorder.record(
                    tx, update.key, private=private, messages=said, asked=False, language=_language(batch)
                )
            await update.send(tx, notice)

    async def _overhear(self, update: MessageContext, batch: MessageBatch) -> None:
        said = await self._reader.skim(batch.messages) if self._listens(update.chat, batch) else []
        if not said:
            await update.say(None)
            return
        async with update.finish() as tx:
            await self._recorder.record(
                tx, update.key, private=False, messages=said, asked=False, language=_language(batch)
            )

    def _listens(self, chat: Chat | None, batch: MessageBatch) -> bool:
        wanted = chat is None or chat.settings.listen is not False
        return self._keeps_unaddressed and wanted and not any(map(is_other_bot, batch.messages))

    async def _is_meant(self, update: MessageContext, batch: MessageBatch) -> bool:
        if any(map(is_other_bot, batch.messages)):
            return await self._may_answer_bot(update.chat, batch)
        if any(self._addressing.is_meant(message) for message in batch.messages):
            return True
        if not batch.continues or update.chat is None:
            return False
        return await self._transcript.pending_reply(update.chat.id) is not None

    async def _may_answer_bot(self, chat: Chat | None, batch: MessageBatch) -> bool:
        """Whether to answer another bot: two bots would otherwise answer each other forever."""
        if not any(self._addressing.is_called(message) for message in batch.messages):
            return False
        return chat is None or await self._edits.bots_in_a_row(chat.id) < MOST_BOTS_IN_A_ROW


def _language(batch: MessageBatch) -> str | None:
    sender = batch.messages[-1].from_user
    return sender.language_code if sender else None
