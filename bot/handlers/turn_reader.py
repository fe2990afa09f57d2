"""Reads messages for the model: their files and recordings, without the words of blocked people."""

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
from storage import Transaction
from storage.database import Database
from storage.records import Chat, ChatKey, ChatSettings, MediaKind, Notice

UNHEARD = "[a message of somebody whom I do not hear]"
"""What the model gets in place of a forwarded message of a blocked person."""


class TurnReader:
    """Reads the messages of a turn for the model that answers in their chat."""

    def __init__(
        self,
        database: Database,
        recorder: TurnRecorder,
        reader: MessageReader,
        transcriber: AudioTranscriber,
        selector: ModelSelector,
        access: AccessPolicy,
        questions: QuestionHandlers,
    ) -> None:
        self._database = database
        self._recorder = recorder
        self._reader = reader
        self._transcriber = transcriber
        self._selector = selector
        self._access = access
        self._questions = questions

    async def read_one(
        self, chat: Chat, message: Message, stack: AsyncExitStack, *, fetch: bool
    ) -> tuple[IncomingMessage, ReadMessage | None] | None:
        """The content of one message, and how it was read; `fetch`: whether to download its files.

        Its files keep their share of the memory for downloads until `stack` is closed.
        """
        if not fetch:
            skimmed = await self.skim([message])
            return (skimmed[0], None) if skimmed else None
        read, transcribed = await self.read(chat.key, [message], self.capabilities(chat), stack)
        if any(item.requests for item in transcribed):
            async with self._database.transaction() as tx:
                await self.record_usage(tx, chat.id, transcribed)
        return (transcribed[0].message, read[0]) if read else None

    async def record_usage(self, tx: Transaction, chat_id: int, transcribed: Sequence[TranscribedMessage]) -> None:
        """Record the usage of transcribing them."""
        for item in transcribed:
            await self._transcriber.record_usage(tx, chat_id, item.message.sender_id, item.requests)

    def capabilities(self, chat: Chat | None) -> Capabilities:
        """What the chat's model takes besides text."""
        return self._selector.capabilities(chat.settings if chat else ChatSettings())

    async def read(
        self, key: ChatKey, messages: Sequence[Message], capabilities: Capabilities, stack: AsyncExitStack
    ) -> tuple[list[ReadMessage], list[TranscribedMessage]]:
        """Read files and transcribe recordings; the files keep their share of the memory until `stack` is closed."""

        async def needs_no_quote(target: Message) -> bool:
            return await self._is_ignored(target) or await self._recorder.attachments_in_view(key, target.message_id)

        await stack.enter_async_context(self._reader.holding(messages))
        read = await self._reader.read(messages, needs_no_quote, sees=capabilities.sees)
        read = [replace(item, said=await self._without_blocked(item.message, item.said)) for item in read]
        return read, [await self._transcriber.understand(item.said, capabilities) for item in read]

    async def skim(self, messages: Sequence[Message]) -> list[IncomingMessage]:
        """Their content without files; nothing is downloaded."""
        skimmed = [(message, said) for message in messages for said in self._reader.skim([message])]
        return [await self._without_blocked(message, said) for message, said in skimmed]

    async def _without_blocked(self, message: Message, said: IncomingMessage) -> IncomingMessage:
        """Without a blocked person's words, which must not reach the model through replies and forwards."""
        if await self._is_blocked(author_id(message.forward_origin)):
            said = replace(said, text="", attached="", forwarded_from=None, notes=(UNHEARD,), media=())
        if said.quote is None:
            return said
        target = replied_to(message)
        if target is not None and await self._questions.is_answer(target):
            return replace(said, quote=None)
        ignored = await self._is_ignored(target) if target else await self._is_blocked(quoted_id(message))
        return replace(said, quote=None) if ignored else said

    async def _is_ignored(self, message: Message) -> bool:
        """Whether a message is from a blocked person, or forwards their words."""
        return await self._access.is_blocked(sender(message)) or await self._is_blocked(
            author_id(message.forward_origin)
        )

    async def _is_blocked(self, number: int | None) -> bool:
        return number is not None and await self._access.is_blocked(Sender(number))


def notices_of(
    read: Sequence[ReadMessage], transcribed: Sequence[TranscribedMessage], capabilities: Capabilities
) -> list[Notice]:
    """Notices about the messages: the transcripts of recordings, and what could not be read."""
    notices = []
    for item, heard in zip(read, transcribed, strict=True):
        if heard.transcript:
            notices.append(answer(item.message, heard.transcript, quote=True))
        failure = heard.failure or _unseen(heard, capabilities)
        problems = list(problems_of(item))
        notices += [answer(item.message, problem) for problem in problems]
        if failure is not None and not problems:
            notices.append(answer(item.message, reason(failure)))
    return _each_once(notices)


def problems_of(read: ReadMessage) -> Iterator[str]:
    """Sentences about a message that could not be read, or only in part."""
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


def is_question(read: ReadMessage, heard: TranscribedMessage, capabilities: Capabilities) -> bool:
    """Whether there is something to answer in a message: text, or a file that could be read."""
    if heard.message.text.strip() or heard.message.attached.strip():
        return True
    if isinstance(heard.failure, NothingHeard):
        return False
    taken = [takes(capabilities, media.kind) for media in heard.message.media]
    return read.problem in (None, *PARTLY) and (any(taken) or not taken)


def _unseen(heard: TranscribedMessage, capabilities: Capabilities) -> CannotSee | None:
    if heard.transcript:  # the thumbnail of a round video adds little to what was said in it
        return None
    pictures = any(media.kind is MediaKind.IMAGE for media in heard.message.media)
    return CannotSee("no VISION_MODEL") if pictures and not capabilities.sees else None


def _each_once(notices: Sequence[Notice]) -> list[Notice]:
    """Drop repeated texts: an album of ten pictures that the model can't see gets one notice."""
    first = {notice.text: notice for notice in reversed(notices)}
    return [notice for notice in notices if notice is first[notice.text]]
