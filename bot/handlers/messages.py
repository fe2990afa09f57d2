"""What could not be read, as a sentence for the user.

What people say to the bot, and what it overhears.
"""

from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

from telegram import Message

from bot.access.policy import AccessPolicy, Sender
from bot.conversation.audio import AudioTranscriber, TranscribedMessage
from bot.conversation.incoming_message import IncomingMessage
from bot.conversation.model_selector import ModelSelector, takes
from bot.conversation.recorder import TurnRecorder
from bot.errors import CannotSee, NothingHeard
from bot.handlers.cancellation import Cancellations, StoppedError
from bot.handlers.context import MessageContext, sender, sender_of
from bot.handlers.forget_command import ForgetHandlers
from bot.handlers.guards import AdminGuard, RateLimiter
from bot.handlers.memory_command import MemoryHandlers
from bot.handlers.notices import answer, is_private
from bot.handlers.pending_questions import GivenAnswer, QuestionHandlers
from bot.handlers.settings_command import SettingsHandlers
from bot.inbound.addressing import Addressing, is_other_bot
from bot.inbound.attachments import MOST_SECONDS
from bot.inbound.downloads import MOST_BYTES
from bot.inbound.pages import ranges
from bot.inbound.problems import PARTLY, Problem
from bot.inbound.quotes import author_id, quoted_id, replied_to
from bot.inbound.reading import MessageReader, ReadMessage
from bot.inbound.unchanged import RecentMessages
from bot.language import plural, reason, texts
from bot.llm.interface import Capabilities
from bot.updates.parsing import MessageBatch
from storage import Storage
from storage.questions import QuestionKind
from storage.records import Chat, ChatKey, ChatSettings, MediaKind, Notice

UNHEARD = "[a message of somebody whom I do not hear]"
"""What a forward of somebody's words is who is blocked."""
MOST_BOTS_IN_A_ROW = 3
"""Messages of other bots that are answered without a word of a person between them."""


def problems_of(read: ReadMessage) -> Iterator[str]:
    """What the user is told about a message that could not be read, or only in part."""
    if read.problem is not None:
        yield problem_text(read.problem)
    if read.unread:
        yield texts.FILE_PAGES_UNREAD.format(pages=ranges(read.unread))


def problem_text(problem: Problem) -> str:
    """The sentence for a problem."""
    return {
        Problem.TOO_BIG: texts.FILE_TOO_BIG.format(megabytes=MOST_BYTES // 1024 // 1024),
        Problem.TOO_LONG: plural(int(MOST_SECONDS // 60), texts.SOUND_TOO_LONG),
        Problem.SWOLLEN: texts.FILE_SWOLLEN,
        Problem.TOO_SLOW: texts.FILE_TOO_SLOW,
        Problem.LOCKED: texts.FILE_LOCKED,
        Problem.UNREADABLE: texts.FILE_UNREADABLE,
        Problem.EMPTY: texts.FILE_EMPTY,
        Problem.UNSUPPORTED: texts.FILE_UNSUPPORTED,
        Problem.OLD_OFFICE: texts.FILE_OLD_OFFICE,
        Problem.UNREACHABLE: texts.FILE_UNREACHABLE,
        Problem.LATE: texts.FILE_LATE,
        Problem.CUT: texts.FILE_CUT,
        Problem.BLANK: texts.FILE_BLANK,
        Problem.DAMAGED: texts.PICTURE_DAMAGED,
        Problem.DAMAGED_IN_PART: texts.FILE_DAMAGED,
        Problem.PREVIEW: texts.PICTURE_PREVIEW,
        Problem.HEARD_IN_PART: texts.SOUND_IN_PART,
        Problem.UNHEARD: texts.FILM_UNHEARD,
        Problem.TOO_MUCH: texts.FILES_TOO_MANY,
    }[problem]


@dataclass(frozen=True, slots=True)
class MessageHandlers:
    """Hears what is meant for the bot; the answer is then owed, and given by ``Replies``.

    `listens`: in groups, what is said between the calls is kept as well.
    """

    storage: Storage
    hearing: TurnRecorder
    reader: MessageReader
    ears: AudioTranscriber
    choice: ModelSelector
    door: AccessPolicy
    addressing: Addressing
    questions: QuestionHandlers
    memory: MemoryHandlers
    forget: ForgetHandlers
    admins: AdminGuard
    settings: SettingsHandlers
    pace: RateLimiter
    endings: Cancellations
    listens: bool
    lately: RecentMessages = field(default_factory=RecentMessages)

    async def on_batch(self, update: MessageContext, batch: MessageBatch) -> None:
        """Store the words of a turn, unless they answer a question of ours; what can't be read is told."""
        for message in batch.messages:
            self.lately.hear(message)
        given, rest = await self.questions.sort(batch)
        others = [one.burst for one in given] + ([rest] if rest is not None else [])
        update.skip(set(batch.update_ids).difference(*(one.update_ids for one in others)))
        for one in given:
            await self._take(await update.part(one.burst), one)
        if rest is not None:
            await self.listen(await update.part(rest), rest)

    async def _take(self, update: MessageContext, given: GivenAnswer) -> None:
        """Have done what was asked for with a question of ours; whatever comes of it, it is nothing for the model."""
        if not self.questions.is_for(given.question, update.message):
            await update.say(update.notice(texts.NOT_ASKED, alone=True))
        elif not given.question.open:
            await update.say(update.notice(texts.QUESTION_OVER, alone=True))
        elif not await self.admins.may(update.message):
            await update.say(update.notice(texts.ONLY_ADMINS, alone=True))
        elif not given.words:
            await update.say(update.notice(texts.ANSWER_IN_WORDS, alone=True))
        elif given.question.kind is QuestionKind.CORRECT:
            await self.memory.correct(update, given)
        elif given.question.kind is QuestionKind.FORGET:
            await self.forget.forget_words(update, given)
        else:
            await self.settings.set_persona(update, given)

    async def listen(self, update: MessageContext, batch: MessageBatch) -> None:
        """Store the words of a turn."""
        if not await self._is_meant(update, batch):
            await self._overhear(update, batch)
        elif self._is_admitted(batch):
            await self._hear(update, batch)
        else:
            await self._put_off(update, batch)

    async def understood(
        self, chat: Chat, message: Message, held: AsyncExitStack, *, fetch: bool
    ) -> tuple[IncomingMessage, ReadMessage | None] | None:
        """What a message says now, and how it was read; `fetch`: with what has to be downloaded.

        Its files keep their share of the memory for downloads until `held` is closed.
        """
        if not fetch:
            skimmed = await self._skimmed([message])
            return (skimmed[0], None) if skimmed else None
        read, heard = await self._read(chat.place, [message], self._senses(chat), held)
        if any(one.took for one in heard):
            async with self.storage.transaction() as tx:
                for one in heard:
                    await self.ears.book(tx, chat.id, one.said.sender_id, one.took)
        return (heard[0].said, read[0]) if read else None

    def _senses(self, chat: Chat | None) -> Capabilities:
        return self.choice.senses(chat.choices if chat else ChatSettings())

    async def _read(
        self, place: ChatKey, messages: Sequence[Message], senses: Capabilities, held: AsyncExitStack
    ) -> tuple[list[ReadMessage], list[TranscribedMessage]]:
        async def known(target: Message) -> bool:
            return await self._is_unheard(target) or await self.hearing.holds(place, target.message_id)

        await held.enter_async_context(self.reader.holding(messages))
        read = await self.reader.read(messages, known, sees=senses.sees)
        read = [replace(one, said=await self._heard_only(one.message, one.said)) for one in read]
        return read, [await self.ears.understand(one.said, senses) for one in read]

    async def _skimmed(self, messages: Sequence[Message]) -> list[IncomingMessage]:
        said = [(message, one) for message in messages for one in self.reader.skim([message])]
        return [await self._heard_only(message, one) for message, one in said]

    async def _heard_only(self, message: Message, said: IncomingMessage) -> IncomingMessage:
        """Without the words of somebody who is blocked: they reach the model by nobody's reply, and by no forward."""
        if await self._is_blocked(author_id(message.forward_origin)):
            said = replace(said, text="", forwarded_from=None, notes=(UNHEARD,), media=())
        if said.quote is None:
            return said
        target = replied_to(message)
        if target is not None and await self.questions.is_answer(target):
            return replace(said, quote=None)
        unheard = await self._is_unheard(target) if target else await self._is_blocked(quoted_id(message))
        return replace(said, quote=None) if unheard else said

    async def _is_unheard(self, message: Message) -> bool:
        """Whether a message is somebody's who is blocked, or repeats their words."""
        return await self.door.is_blocked(sender(message)) or await self._is_blocked(author_id(message.forward_origin))

    async def _is_blocked(self, number: int | None) -> bool:
        return number is not None and await self.door.is_blocked(Sender(number))

    async def _hear(self, update: MessageContext, batch: MessageBatch) -> None:
        async with AsyncExitStack() as held:
            await self._hear_all(update, batch, held)

    async def _hear_all(self, update: MessageContext, batch: MessageBatch, held: AsyncExitStack) -> None:
        senses = self._senses(update.chat)
        try:
            reading = self._read(update.key, batch.messages, senses, held)
            read, heard = await self.endings.until_stopped(update.key, reading)
        except StoppedError as exc:
            await self._keep(update, batch, update.notice(texts.STOPPED), exc.update_ids)
            return
        notices = self._notices(read, heard, senses)
        asked = any(_is_question(one, words, senses) for one, words in zip(read, heard, strict=True))
        async with update.finish() as tx:
            if heard:
                chat = await self.hearing.hear(
                    tx,
                    update.key,
                    private=is_private(update.message),
                    said=[one.said for one in heard],
                    asked=asked,
                    language=_language(batch),
                )
                for one in heard:
                    await self.ears.book(tx, chat.id, one.said.sender_id, one.took)
            await update.send(tx, *notices)

    def _is_admitted(self, batch: MessageBatch) -> bool:
        """Whether its sender has not asked too often; what only goes on with a turn is no question of its own."""
        sender = sender_of(batch.messages[0])
        return sender is None or batch.continues or self.pace.admits(sender)

    async def _put_off(self, update: MessageContext, batch: MessageBatch) -> None:
        """Keep what somebody says who asks too often; the answer to their next message will be one to this as well."""
        sender = sender_of(update.message)
        await self._keep(update, batch, self.pace.refusal(update.message, sender) if sender is not None else None)

    async def _keep(
        self, update: MessageContext, batch: MessageBatch, notice: Notice | None, also: Sequence[int] = ()
    ) -> None:
        """Keep the words of a turn that is not answered; nothing is fetched for it."""
        said, private = await self._skimmed(batch.messages), is_private(update.message)
        async with update.finish(also) as tx:
            if said:
                await self.hearing.hear(
                    tx, update.key, private=private, said=said, asked=False, language=_language(batch)
                )
            await update.send(tx, notice)

    async def _overhear(self, update: MessageContext, batch: MessageBatch) -> None:
        said = await self._skimmed(batch.messages) if self._listens(update.chat, batch) else []
        async with update.finish() as tx:
            if said:
                await self.hearing.hear(
                    tx, update.key, private=False, said=said, asked=False, language=_language(batch)
                )

    def _listens(self, chat: Chat | None, batch: MessageBatch) -> bool:
        wanted = chat is None or chat.choices.listen is not False
        return self.listens and wanted and not any(map(is_other_bot, batch.messages))

    def _notices(
        self, read: Sequence[ReadMessage], heard: Sequence[TranscribedMessage], senses: Capabilities
    ) -> list[Notice]:
        """What people are told about their messages: what was written down, and what could not be read."""
        notices = []
        for one, words in zip(read, heard, strict=True):
            if words.transcript:
                notices.append(answer(one.message, words.transcript, quote=True))
            failure = words.failure or _unseen(words, senses)
            troubles = list(problems_of(one))
            notices += [answer(one.message, trouble) for trouble in troubles]
            if failure is not None and not troubles:
                notices.append(answer(one.message, reason(failure)))
        return _each_once(notices)

    async def _is_meant(self, update: MessageContext, batch: MessageBatch) -> bool:
        if any(map(is_other_bot, batch.messages)):
            return await self._may_answer_bot(update.chat, batch)
        if any(self.addressing.is_meant(message) for message in batch.messages):
            return True
        if not batch.continues or update.chat is None:
            return False
        return await self.storage.transcript.owed(update.chat.id) is not None

    async def _may_answer_bot(self, chat: Chat | None, batch: MessageBatch) -> bool:
        """Two bots that answer each other would do so for ever."""
        if not any(self.addressing.is_called(message) for message in batch.messages):
            return False
        return chat is None or await self.storage.edits.bots_in_a_row(chat.id) < MOST_BOTS_IN_A_ROW


def _is_question(read: ReadMessage, heard: TranscribedMessage, senses: Capabilities) -> bool:
    """Whether there is something to answer in a message, or only what nobody could see, hear or read."""
    if heard.said.text.strip():
        return True
    if isinstance(heard.failure, NothingHeard):
        return False
    sensed = [takes(senses, one.kind) for one in heard.said.media]
    return read.problem in (None, *PARTLY) and (any(sensed) or not sensed)


def _unseen(heard: TranscribedMessage, senses: Capabilities) -> CannotSee | None:
    if heard.transcript:  # the thumbnail of a round video adds little to what was said in it
        return None
    pictures = any(one.kind is MediaKind.IMAGE for one in heard.said.media)
    return CannotSee("no VISION_MODEL") if pictures and not senses.sees else None


def _each_once(notices: Sequence[Notice]) -> list[Notice]:
    """Ten pictures of an album that nobody can see are one sentence."""
    first = {notice.text: notice for notice in reversed(notices)}
    return [notice for notice in notices if notice is first[notice.text]]


def _language(batch: MessageBatch) -> str | None:
    sender = batch.messages[-1].from_user
    return sender.language_code if sender else None
