"""What a message says, once its files are read and its recordings transcribed, without what blocked people wrote."""

from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from telegram import Message

from bot.access.policy import AccessPolicy, Sender
from bot.conversation.audio import AudioTranscriber, TranscribedMessage
from bot.conversation.incoming_message import IncomingMessage
from bot.conversation.model_selector import ModelSelector, takes
from bot.conversation.recorder import TurnRecorder
from bot.errors import CannotSee, NothingHeard
from bot.handlers.context import sender
from bot.handlers.notices import answer
from bot.handlers.pending_questions import QuestionHandlers
from bot.inbound.attachments import MOST_SECONDS
from bot.inbound.downloads import MOST_BYTES
from bot.inbound.pages import ranges
from bot.inbound.problems import PARTLY, Problem
from bot.inbound.quotes import author_id, quoted_id, replied_to
from bot.inbound.reading import MessageReader, ReadMessage
from bot.language import plural, reason, texts
from bot.llm.interface import Capabilities
from storage import Storage, Transaction
from storage.records import Chat, ChatKey, ChatSettings, MediaKind, Notice

UNHEARD = "[a message of somebody whom I do not hear]"
"""What a forward of someone's words is who is blocked."""


class TurnReader:
    """Reads the messages of a turn for the model that answers in their chat."""

    def __init__(
        self,
        storage: Storage,
        recorder: TurnRecorder,
        reader: MessageReader,
        transcriber: AudioTranscriber,
        selector: ModelSelector,
        access: AccessPolicy,
        questions: QuestionHandlers,
    ) -> None:
        self._storage = storage
        self._recorder = recorder
        self._reader = reader
        self._transcriber = transcriber
        self._selector = selector
        self._access = access
        self._questions = questions

    async def understood(
        self, chat: Chat, message: Message, held: AsyncExitStack, *, fetch: bool
    ) -> tuple[IncomingMessage, ReadMessage | None] | None:
        """What a message says now, and how it was read; `fetch`: with what has to be downloaded.

        Its files keep their share of the memory for downloads until `held` is closed.
        """
        if not fetch:
            skimmed = await self.skim([message])
            return (skimmed[0], None) if skimmed else None
        read, heard = await self.read(chat.key, [message], self.senses(chat), held)
        if any(one.requests for one in heard):
            async with self._storage.transaction() as tx:
                await self.record_usage(tx, chat.id, heard)
        return (heard[0].message, read[0]) if read else None

    async def record_usage(self, tx: Transaction, chat_id: int, heard: Sequence[TranscribedMessage]) -> None:
        """Record what transcribing them has used."""
        for one in heard:
            await self._transcriber.record_usage(tx, chat_id, one.message.sender_id, one.requests)

    def senses(self, chat: Chat | None) -> Capabilities:
        """What the chat's model takes besides text."""
        return self._selector.senses(chat.settings if chat else ChatSettings())

    async def read(
        self, key: ChatKey, messages: Sequence[Message], senses: Capabilities, held: AsyncExitStack
    ) -> tuple[list[ReadMessage], list[TranscribedMessage]]:
        """Read files and transcribe recordings; the files keep their share of the memory until `held` is closed."""

        async def known(target: Message) -> bool:
            return await self._is_unheard(target) or await self._recorder.attachments_in_view(key, target.message_id)

        await held.enter_async_context(self._reader.holding(messages))
        read = await self._reader.read(messages, known, sees=senses.sees)
        read = [replace(one, said=await self._heard_only(one.message, one.said)) for one in read]
        return read, [await self._transcriber.understand(one.said, senses) for one in read]

    async def skim(self, messages: Sequence[Message]) -> list[IncomingMessage]:
        """What they say without their files; nothing is downloaded."""
        said = [(message, one) for message in messages for one in self._reader.skim([message])]
        return [await self._heard_only(message, one) for message, one in said]

    async def _heard_only(self, message: Message, said: IncomingMessage) -> IncomingMessage:
        """Without the words of someone who is blocked: they reach the model by nobody's reply, and by no forward."""
        if await self._is_blocked(author_id(message.forward_origin)):
            said = replace(said, text="", forwarded_from=None, notes=(UNHEARD,), media=())
        if said.quote is None:
            return said
        target = replied_to(message)
        if target is not None and await self._questions.is_answer(target):
            return replace(said, quote=None)
        unheard = await self._is_unheard(target) if target else await self._is_blocked(quoted_id(message))
        return replace(said, quote=None) if unheard else said

    async def _is_unheard(self, message: Message) -> bool:
        """Whether a message is someone's who is blocked, or repeats their words."""
        return await self._access.is_blocked(sender(message)) or await self._is_blocked(
            author_id(message.forward_origin)
        )

    async def _is_blocked(self, number: int | None) -> bool:
        return number is not None and await self._access.is_blocked(Sender(number))


def notices_of(read: Sequence[ReadMessage], heard: Sequence[TranscribedMessage], senses: Capabilities) -> list[Notice]:
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


def is_question(read: ReadMessage, heard: TranscribedMessage, senses: Capabilities) -> bool:
    """Whether there is something to answer in a message, or only what nobody could see, hear or read."""
    if heard.message.text.strip():
        return True
    if isinstance(heard.failure, NothingHeard):
        return False
    sensed = [takes(senses, one.kind) for one in heard.message.media]
    return read.problem in (None, *PARTLY) and (any(sensed) or not sensed)


def _unseen(heard: TranscribedMessage, senses: Capabilities) -> CannotSee | None:
    if heard.transcript:  # the thumbnail of a round video adds little to what was said in it
        return None
    pictures = any(one.kind is MediaKind.IMAGE for one in heard.message.media)
    return CannotSee("no VISION_MODEL") if pictures and not senses.sees else None


def _each_once(notices: Sequence[Notice]) -> list[Notice]:
    """Ten pictures of an album that nobody can see are one sentence."""
    first = {notice.text: notice for notice in reversed(notices)}
    return [notice for notice in notices if notice is first[notice.text]]
