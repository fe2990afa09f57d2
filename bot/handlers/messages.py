"""What people say to the bot, and what it overhears in groups."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from bot.conversation.recorder import TurnRecorder
from bot.handlers.cancellation import Cancellations, StoppedError
from bot.handlers.context import MessageContext, sender_of
from bot.handlers.forget_command import ForgetHandlers
from bot.handlers.guards import AdminGuard, RateLimiter
from bot.handlers.memory_command import MemoryHandlers
from bot.handlers.notices import is_private
from bot.handlers.pending_questions import GivenAnswer, QuestionHandlers
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
"""Messages of other bots that are answered without a word of a person between them."""


class AnswerHandlers:
    """Passes what someone said in answer to a question of the bot on to whatever asked."""

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

    async def take(self, update: MessageContext, given: GivenAnswer) -> None:
        """Have done what was asked for with a question of ours; whatever comes of it, it is nothing for the model."""
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
    """Records what is meant for the bot; the answer is then pending, and ``ReplyWorker`` gives it.

    `listens`: in groups, what is said between the calls is kept as well.
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
        rate_limiter: RateLimiter,
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
        """Store the words of a turn, unless they answer a question of ours; what can't be read is told."""
        for message in batch.messages:
            self._recent.record(message)
        given, rest = await self._questions.sort(batch)
        others = [one.batch for one in given] + ([rest] if rest is not None else [])
        update.skip(set(batch.update_ids).difference(*(one.update_ids for one in others)))
        for one in given:
            await self._answers.take(await update.part(one.batch), one)
        if rest is not None:
            await self.listen(await update.part(rest), rest)

    async def listen(self, update: MessageContext, batch: MessageBatch) -> None:
        """Store the words of a turn."""
        if not await self._is_meant(update, batch):
            await self._overhear(update, batch)
        elif self._is_admitted(batch):
            await self._record(update, batch)
        else:
            await self._put_off(update, batch)

    async def _record(self, update: MessageContext, batch: MessageBatch) -> None:
        async with AsyncExitStack() as held:
            await self._hear_all(update, batch, held)

    async def _hear_all(self, update: MessageContext, batch: MessageBatch, held: AsyncExitStack) -> None:
        senses = self._reader.senses(update.chat)
        try:
            reading = self._reader.read(update.key, batch.messages, senses, held)
            read, heard = await self._cancellations.until_stopped(update.key, reading)
        except StoppedError as exc:
            await self._keep(update, batch, update.notice(texts.STOPPED), exc.update_ids)
            return
        notices = notices_of(read, heard, senses)
        asked = any(is_question(one, words, senses) for one, words in zip(read, heard, strict=True))
        async with update.finish() as tx:
            if heard:
                chat = await self._recorder.record(
                    tx,
                    update.key,
                    private=is_private(update.message),
                    messages=[one.message for one in heard],
                    asked=asked,
                    begins=True,
                    language=_language(batch),
                )
                await self._reader.record_usage(tx, chat.id, heard)
            await update.send(tx, *notices)

    def _is_admitted(self, batch: MessageBatch) -> bool:
        """Whether its sender has not asked too often; what only goes on with a turn is no question of its own."""
        sender = sender_of(batch.messages[0])
        return sender is None or batch.continues or self._rate_limiter.admits(sender)

    async def _put_off(self, update: MessageContext, batch: MessageBatch) -> None:
        """Keep what someone says who asks too often; the answer to their next message will be one to this as well."""
        sender = sender_of(update.message)
        await self._keep(
            update, batch, self._rate_limiter.refusal(update.message, sender) if sender is not None else None
        )

    async def _keep(
        self, update: MessageContext, batch: MessageBatch, notice: Notice | None, also: Sequence[int] = ()
    ) -> None:
        """Keep the words of a turn that is not answered; nothing is fetched for it."""
        said, private = await self._reader.skim(batch.messages), is_private(update.message)
        async with update.finish(also) as tx:
            if said:
                await self._recorder.record(
                    tx, update.key, private=private, messages=said, asked=False, language=_language(batch)
                )
            await update.send(tx, notice)

    async def _overhear(self, update: MessageContext, batch: MessageBatch) -> None:
        said = await self._reader.skim(batch.messages) if self._listens(update.chat, batch) else []
        async with update.finish() as tx:
            if said:
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
        """Two bots that answer each other would do so forever."""
        if not any(self._addressing.is_called(message) for message in batch.messages):
            return False
        return chat is None or await self._edits.bots_in_a_row(chat.id) < MOST_BOTS_IN_A_ROW


def _language(batch: MessageBatch) -> str | None:
    sender = batch.messages[-1].from_user
    return sender.language_code if sender else None
