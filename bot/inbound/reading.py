"""Reading the messages of a turn: their text, their files, and remarks for the model about what could not be read.

Without the remarks the model would be asked about files of which it only knows the names.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

from telegram import Message

from bot.concurrency import Capacities
from bot.conversation.incoming_message import IncomingMessage
from bot.inbound.attachments import MOST_MADE_OF_SOUND, MOST_SECONDS, NOTHING, AttachedFiles, Attachments, most_made
from bot.inbound.downloads import TRIES
from bot.inbound.kinds import described
from bot.inbound.pages import ranges
from bot.inbound.problems import Problem
from bot.inbound.quotes import links, origin, quoted, replied_to, text_of
from bot.inbound.sanitize import clean, named
from bot.inbound.unchanged import digest
from bot.media.document import ExtractedDocument

REASONS = {
    Problem.TOO_BIG: "it is too big",
    Problem.SWOLLEN: "what is in it is too much",
    Problem.TOO_LONG: f"it is longer than {MOST_SECONDS / 60:.0f} minutes",
    Problem.TOO_SLOW: "reading it took too long",
    Problem.LOCKED: "it has a password",
    Problem.UNREADABLE: "it seems to be damaged",
    Problem.BLANK: "there is no text in it, it is empty",
    Problem.EMPTY: "there is no text in it, perhaps only pictures of pages",
    Problem.UNSUPPORTED: "this kind of file can't be read",
    Problem.OLD_OFFICE: "such office files (.doc, .ppt, .pages) can't be read; saved as .docx, .pptx or PDF they can",
    Problem.UNREACHABLE: "Telegram did not give it out",
    Problem.LATE: "Telegram did not give it out in time",
    Problem.TOO_MUCH: "there were too many files at once",
}
MOST_FILES = 50
"""The most files of one turn."""
MOST_HELD = 24 * 1024 * 1024
"""Once a turn has this many bytes of converted pictures and audio, its other files are skipped."""
MB = 1024 * 1024
SMALL, MOST_OF_ALL, MOST_OF_SMALL = 8 * MB, 72 * MB, 48 * MB
"""The limits on these bytes over all chats: what counts as small, and how much other and small ones may take."""
Known = Callable[[Message], Awaitable[bool]]
"""Whether a message's files must not be downloaded: they are in the prompt already, or must not be."""


def said(message: Message, bot_id: int) -> IncomingMessage | None:
    """The content of a message without its files; None if it is not something said."""
    text = text_of(message)
    kind = described(message)
    if not text and kind is None:
        return None
    sender, name = message.sender_chat or message.from_user, _speaker(message)
    private = message.chat.type == message.chat.PRIVATE
    return IncomingMessage(
        message_id=message.message_id,
        sender_id=sender.id if sender else None,
        text=text,
        at=message.date,
        speaker=None if private else name,
        sender=name,
        forwarded_from=origin(message),
        quote=quoted(message, bot_id),
        notes=(*((kind,) if kind else ()), *links(message)),
        from_bot=bool(message.from_user and message.from_user.is_bot and message.sender_chat is None),
        digest=digest(message),
    )


def is_live(message: Message) -> bool:
    """Whether this is a live location, which Telegram updates by editing the message."""
    return message.location is not None and message.location.live_period is not None


def _speaker(message: Message) -> str:
    if message.sender_chat is not None:  # an anonymous administrator, or a channel
        return message.author_signature or message.sender_chat.effective_name or "Someone"
    return message.from_user.full_name if message.from_user else "Someone"


def remarks(message: Message, found: AttachedFiles) -> tuple[str, ...]:
    """Remarks about a message's file, each in square brackets."""
    name = _name(message)
    said = (
        f"not readable: {REASONS[found.problem]}" if found.problem in REASONS else "",
        _part(found.share, found.document) if found.problem is Problem.CUT else "",
        found.lost,
        f"damaged in {clean(found.document.damaged)}, and only the rest of it could be read"
        if found.document and found.document.damaged
        else "",
        *(_pages(found, found.document) if found.document else ()),
        f"encoding guessed: {found.document.encoding}" if found.document and found.document.encoding else "",
    )
    return tuple(f"[{name}: {words}]" for words in said if words)


def _pages(found: AttachedFiles, document: ExtractedDocument) -> Iterable[str]:
    """Remarks about pages without readable text."""
    if found.pages.numbers:
        yield f"{_without(found.pages.numbers, document)}; shown as pictures"
    if found.unread:
        shown = "; not shown" if found.pages.numbers else ""
        yield f"{_without(found.unread, document)}, perhaps pictures of it{shown}"


def _without(numbers: Sequence[int], document: ExtractedDocument) -> str:
    text = "no text" if set(numbers) <= set(document.wordless) else "no text, or little that can be trusted,"
    return f"{text} on {'page' if len(numbers) == 1 else 'pages'} {ranges(numbers)} of {document.pages}"


def _part(share: float, document: ExtractedDocument | None) -> str:
    """How much of a document was read, rounded down so that an incomplete one never looks complete."""
    pages = document.pages if document else None
    if pages and (whole := int(share * pages)):
        return f"only its beginning is below, {whole} of its {pages} pages"
    percent = int(100 * share)
    return f"only the first {percent} % is below" if percent else "only its very beginning is below"


def _name(message: Message) -> str:
    """What a file is called in a remark."""
    if message.document is not None and message.animation is None:
        return f"file{named(message.document.file_name, ' ')}"
    kinds = {
        "video_note": "round video message",
        "animation": "picture of the animation",
        "video": "video",
        "voice": "voice message",
    }
    plain = ("photo", "sticker", "audio")
    found = next((name for field, name in kinds.items() if getattr(message, field)), None)
    return found or next((field for field in plain if getattr(message, field)), "file")


@dataclass(frozen=True, slots=True)
class ReadMessage:
    """A message with its content, and what could not be read."""

    message: Message
    said: IncomingMessage
    problem: Problem | None = None
    unread: tuple[int, ...] = ()
    """The numbers of pages of its file that could not be read."""


class MessageReader:
    """Reads messages for the bot with this ID."""

    def __init__(self, attachments: Attachments, bot_id: int) -> None:
        self._attachments = attachments
        self._bot_id = bot_id
        self._held = Capacities(SMALL, most=MOST_OF_ALL, most_of_small=MOST_OF_SMALL)

    def holding(self, messages: Sequence[Message]) -> AbstractAsyncContextManager[None]:
        """Reserve memory for the pictures and audio that `read` will return, until the block ends."""
        targets = filter(None, map(replied_to, messages))
        return self._held.reserve(min(sum(map(most_made, (*messages, *targets))), MOST_HELD + MOST_MADE_OF_SOUND))

    def skim(self, messages: Sequence[Message]) -> list[IncomingMessage]:
        """The content of the messages without their files: nothing is downloaded."""
        return [content for message in messages if (content := said(message, self._bot_id)) is not None]

    async def read(self, messages: Sequence[Message], known: Known, *, sees: bool = True) -> list[ReadMessage]:
        """Read the messages in order, including the files of messages that they reply to.

        `sees`: whether the model can see pages without text. Files are read one after another, so that only one of
        several large ones is in memory at a time.
        """
        targets = await self._targets(messages, known)
        share = 1 / max(1, sum(message.document is not None for message in (*messages, *targets.values())))
        fetching = TurnDownloads(self._attachments, share, sees=sees)
        read = [await self._read(message, targets.get(message.message_id), fetching) for message in messages]
        return [item for item in read if item is not None]

    async def _targets(self, messages: Sequence[Message], known: Known) -> dict[int, Message]:
        """Messages replied to whose files should be read, by the ID of the first message that replies to them."""
        seen, found = {message.message_id for message in messages}, {}
        for message in messages:
            target = replied_to(message)
            if target is not None and target.message_id not in seen and not await known(target):
                seen.add(target.message_id)
                found[message.message_id] = target
        return found

    async def _read(self, message: Message, target: Message | None, fetching: "TurnDownloads") -> ReadMessage | None:
        words = said(message, self._bot_id)
        if words is None:
            return None
        before = NOTHING
        if target is not None:
            before = await fetching.of(target)
            words = _quoting(words, target, before)
        own = await fetching.of(message)
        words = replace(words, attached=own.text, media=own.media, remarks=remarks(message, own))
        return ReadMessage(message, words, own.problem or before.problem, own.unread or before.unread)


class TurnDownloads:
    """Downloads the files of one turn, within a limit on their number and size."""

    def __init__(self, attachments: Attachments, share: float, *, sees: bool = True) -> None:
        """`share`: the fraction of the limit on documents that each one may take."""
        self._attachments = attachments
        self._share = share
        self._sees = sees
        self._files = 0
        self._held = 0
        """Bytes of converted pictures and audio so far."""
        self._tries = TRIES

    async def of(self, message: Message) -> AttachedFiles:
        """The files of a message, or Problem.TOO_MUCH."""
        if not self._attachments.has(message):
            return NOTHING
        if self._files >= MOST_FILES or self._held >= MOST_HELD:
            return AttachedFiles(problem=Problem.TOO_MUCH)
        found = await self._attachments.of(message, self._share, tries=self._tries, sees=self._sees)
        self._files += 1
        self._held += sum(len(medium.data) for medium in found.media)
        # When Telegram is in trouble, don't wait for each of many files.
        if found.problem in (Problem.UNREACHABLE, Problem.LATE):
            self._tries = 1
        return found


def _quoting(words: IncomingMessage, target: Message, found: AttachedFiles) -> IncomingMessage:
    """Add the files of the quoted message to the quote."""
    if words.quote is None:
        return words
    quote = replace(words.quote, attached=found.text, media=found.media, remarks=remarks(target, found))
    return replace(words, quote=quote)
