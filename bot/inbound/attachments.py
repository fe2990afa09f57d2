"""The files in a message, downloaded and converted for a model.

Telegram's file URLs contain the bot's token, so only bytes leave this module. A file that can't be had results in a
`Problem`, about which the user is notified, never in an exception.
"""

import asyncio
import logging
import mimetypes
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from telegram import Document as File
from telegram import Message, PhotoSize, Sticker, Voice
from telegram.error import TelegramError

from bot.conversation.tokens import TokenCounter, audio_tokens, image_tokens
from bot.inbound.downloads import TRIES, Downloads, FileConverter
from bot.inbound.pages import NO_PAGES, PageImages, render_pages
from bot.inbound.problems import Problem, problem_of
from bot.inbound.sanitize import duration
from bot.media.document import ExtractedDocument
from bot.media.image import MOST_DATA
from bot.media.media_errors import EmptyError, MediaError, NotSupportedError, SilentError
from bot.media.packages import is_wordless
from bot.media.signatures import picture_format, sound_format
from bot.media.sound import BITS
from storage.records import MediaKind, NewMedium

LONGEST_SIDE = 2048
"""In pixels: of a photo's sizes, the largest one up to this is used."""
MOST_SECONDS = 20 * 60.0
"""The longest audio, about 30,000 tokens at 25 per second."""
MOST_ROUNDED_S = 1.0
"""How far the length of a voice message may be off because Telegram rounds it."""
MOST_CHARACTERS_PER_TOKEN = 6
"""How much of a document is read before it is cut by tokens: English has four or five characters per token."""
MOST_COUNTS, FULL = 16, 0.98
"""How often the tokens of a text are counted to cut it, and the share of the limit that is good enough."""
FileRef = tuple[str, int | None]
"""A file's ID, and its size in bytes if that is known."""
MOST_MADE, MOST_MADE_OF_SOUND = MOST_DATA, int(MOST_SECONDS * BITS / 8)
"""The most bytes of a picture and of audio after conversion."""

log = logging.getLogger(__name__)


def fitting(text: str, most_tokens: int, count_tokens: TokenCounter) -> str:
    """The longest beginning of a text that has at most this many tokens, approximately."""
    if (tokens := count_tokens(text)) <= most_tokens:
        return text
    fits, over = 0, len(text)
    length = int(len(text) * most_tokens / tokens)
    for _ in range(MOST_COUNTS):
        if (tokens := count_tokens(text[:length])) > most_tokens:
            over = length
        else:
            fits = length
            if tokens >= FULL * most_tokens:
                break
        length = (fits + over) // 2
    return text[:fits]


@dataclass(frozen=True, slots=True)
class AttachedFiles:
    """The files of a message: pictures and audio, the text of a document, and what went wrong."""

    media: tuple[NewMedium, ...] = ()
    text: str = ""
    problem: Problem | None = None
    document: ExtractedDocument | None = None
    """The document that the text is from."""
    lost: str = ""
    """A remark for the model about a part that is missing."""
    pages: PageImages = NO_PAGES
    """The document's pages that are among the pictures."""

    @property
    def share(self) -> float:
        """The fraction of a document that the text covers."""
        read = self.document
        return read.share * len(self.text) / len(read.text) if read and read.text else 1.0

    @property
    def unread(self) -> tuple[int, ...]:
        """The numbers of a document's pages that were neither read nor turned into pictures."""
        pages = self.document.unread if self.document else ()
        return tuple(number for number in pages if number not in {*self.pages.numbers, *self.pages.blank})


NOTHING = AttachedFiles()


class Attachments:
    """Downloads and converts files; the documents of a turn are limited to `most_tokens`.

    `sees`: pages without text are turned into pictures.
    """

    def __init__(
        self,
        downloads: Downloads,
        converter: FileConverter,
        count_tokens: TokenCounter,
        most_tokens: int,
        *,
        sees: bool = True,
    ) -> None:
        self._downloads = downloads
        self._converter = converter
        self._count_tokens = count_tokens
        self._most_tokens = most_tokens
        self._sees = sees

    def has(self, message: Message) -> bool:
        """Whether a message has something to download."""
        return self._fetcher(message, 1.0, TRIES) is not None

    async def of(self, message: Message, share: float = 1.0, *, tries: int = TRIES, sees: bool = True) -> AttachedFiles:
        """What a model can see, hear or read in a message; a document may take this share of the turn's limit."""
        sender = message.from_user
        converter = self._converter.serving(message.chat.id, sender.language_code if sender else None)
        attachments = Attachments(self._downloads, converter, self._count_tokens, self._most_tokens, sees=sees)
        return await attachments.fetch(message, share, tries)

    async def fetch(self, message: Message, share: float, tries: int) -> AttachedFiles:
        """See `of`; uses the converter as it is."""
        fetch = self._fetcher(message, share, tries)
        if fetch is None:
            return NOTHING
        try:
            return await fetch()
        except (MediaError, TelegramError) as exc:
            problem = problem_of(exc)
            if problem is Problem.UNSUPPORTED and (message.voice or message.photo):  # supported kinds
                problem = Problem.UNREADABLE
            where = (message.message_id, message.chat.id)
            log.warning("The file of message %d in chat %d can't be used: %s: %s", *where, problem.name, exc)
            return AttachedFiles(problem=problem)

    def _fetcher(self, message: Message, share: float, tries: int) -> Callable[[], Awaitable[AttachedFiles]] | None:
        if (film := _film(message)) is not None:
            return lambda: self._video(partial(self._sound, *film, tries), _picture(message), tries)
        if (picture := _picture(message)) is not None:
            return lambda: self._or_preview(self._picture(*picture, tries), _preview(message, picture), tries)
        if (sound := _sound(message)) is not None:
            return lambda: self._sound(*sound, tries, stated=_seconds(message.voice))
        file = message.document
        return (lambda: self._document(file, share, tries)) if file is not None else None

    async def _video(
        self, record: Callable[[], Awaitable[AttachedFiles]], still: FileRef | None, tries: int
    ) -> AttachedFiles:
        """A video's sound and still picture; one of them is enough, and without a picture it may be silent, too."""
        failure, heard = None, NOTHING
        try:
            heard = await record()
        except (MediaError, TelegramError) as exc:
            failure = exc
            if not isinstance(exc, SilentError):
                problem = None if isinstance(exc, NotSupportedError) else Problem.UNHEARD
                heard = AttachedFiles(problem=problem, lost="its sound could not be read")
        seen: tuple[NewMedium, ...] = ()
        try:
            seen = (await self._picture(*still, tries)).media if still else ()
        except (MediaError, TelegramError) as exc:
            failure = failure or exc
            heard = replace(heard, lost="; ".join(filter(None, (heard.lost, "its picture could not be read"))))
        found = seen + heard.media
        if not found and failure is not None and (still or not isinstance(failure, SilentError | NotSupportedError)):
            raise failure
        return replace(heard, media=found)

    async def _or_preview(self, seen: Awaitable[AttachedFiles], preview: FileRef | None, tries: int) -> AttachedFiles:
        try:
            return await seen
        except MediaError:
            if preview is None:
                raise
        shown = await self._picture(*preview, tries)
        return replace(shown, problem=Problem.PREVIEW, lost="its details could not be read (this is a small preview)")

    async def _picture(self, file_id: str, size: int | None, tries: int) -> AttachedFiles:
        async with self._downloads.file(file_id, size, tries=tries) as data:
            return await self._convert_image(data)

    async def _sound(self, file_id: str, size: int | None, tries: int, *, stated: float = 0.0) -> AttachedFiles:
        async with self._downloads.file(file_id, size, tries=tries) as data:
            return await self._convert_sound(data, stated)

    async def _convert_image(self, data: bytes) -> AttachedFiles:
        image = await self._converter.image(data)
        tokens = image_tokens(image.width, image.height)
        others = "pages" if picture_format(data) == "TIFF" else "frames"
        lost = f"its other {others} could not be read" if image.pages > 1 else ""
        problem = Problem.DAMAGED if image.damaged else None
        media = (NewMedium(MediaKind.IMAGE, image.data, image.mime, tokens),)
        return AttachedFiles(media, problem=problem, lost="its end could not be read" if problem else lost)

    async def _convert_sound(self, data: bytes, stated: float = 0.0) -> AttachedFiles:
        """The beginning of the audio; `stated` is its length in seconds according to its message."""
        sound = await self._converter.sound(data, most_seconds=MOST_SECONDS)
        media = (NewMedium(MediaKind.AUDIO, sound.data, sound.format, audio_tokens(sound.seconds)),)
        whole = sound.whole or (stated if not sound.ended and stated > sound.seconds + MOST_ROUNDED_S else None)
        if whole is None:
            return AttachedFiles(media)
        lost = f"only {duration(int(sound.seconds))} of its {duration(round(whole))} could be heard"
        return AttachedFiles(media, problem=Problem.HEARD_IN_PART, lost=lost)

    async def _document(self, file: File, share: float, tries: int) -> AttachedFiles:
        still = (file.thumbnail.file_id, file.thumbnail.file_size) if file.thumbnail else None
        if (file.mime_type or "").startswith("video/"):
            found = await self._video(partial(self._download, file, share, tries), still, tries)
            if found.document is not None or not any(medium.kind is MediaKind.AUDIO for medium in found.media):
                return found
            sight = "only one picture of it is here" if len(found.media) > 1 else "nothing of it is here to see"
            return replace(found, lost="; ".join(filter(None, (found.lost, sight))))
        return await self._or_preview(self._download(file, share, tries), still if _says_picture(file) else None, tries)

    async def _download(self, file: File, share: float, tries: int) -> AttachedFiles:
        async with self._downloads.file(file.file_id, file.file_size, tries=tries) as data:
            return await self._read(file, data, share)

    async def _read(self, file: File, data: bytes, share: float) -> AttachedFiles:
        """Convert a file by the format of its first bytes: its name and type depend on the sender's app."""
        if picture_format(data):
            return await self._convert_image(data)
        if sound_format(data):  # including videos that are labeled as something else
            return await self._convert_sound(data)
        most = int(share * self._most_tokens)
        name, characters = file.file_name or "", most * MOST_CHARACTERS_PER_TOKEN
        read = await self._converter.document(data, name, file.mime_type, most_characters=characters)
        text = await asyncio.to_thread(fitting, read.text, most, self._count_tokens)  # may take seconds
        pages = NO_PAGES
        if self._sees and read.unread:
            room = most - await asyncio.to_thread(self._count_tokens, text)
            pages = await render_pages(self._converter, data, read.unread, room)
        if is_wordless(read.text) and not pages.media:
            raise EmptyError("no text in it")
        cut = Problem.CUT if read.cut or text != read.text else None
        problem = cut or (Problem.DAMAGED_IN_PART if read.damaged else None)
        return AttachedFiles(pages.media, text, problem=problem, document=read, pages=pages)


def most_made(message: Message) -> int:
    """The most bytes that a message's pictures and audio may take after conversion."""
    if _film(message) is not None:
        return MOST_MADE + MOST_MADE_OF_SOUND
    if message.photo:  # small ones are not converted
        return min(max(size.file_size or MOST_MADE for size in message.photo), MOST_MADE)
    if _picture(message) is not None:
        return MOST_MADE
    if message.document is not None:  # may be anything, and 20 minutes of audio can be a small file
        return MOST_MADE_OF_SOUND
    return MOST_MADE_OF_SOUND if message.audio else _made_of_voice(message.voice) if message.voice else 0


def _made_of_voice(voice: Voice) -> int:
    return int(min(_seconds(voice) + 1, MOST_SECONDS) * BITS / 8)


def _seconds(voice: Voice | None) -> float:
    """The length of a voice message according to Telegram, which for music is what the file claims."""
    length = voice.duration if voice is not None else 0
    return length.total_seconds() if isinstance(length, timedelta) else float(length)


def _film(message: Message) -> FileRef | None:
    film = message.video_note or message.video
    return (film.file_id, film.file_size) if film else None


def _picture(message: Message) -> FileRef | None:
    """The picture of a message: a photo, or the still of something that moves."""
    if message.photo:
        fitting = [size for size in message.photo if max(size.width, size.height) <= LONGEST_SIDE]
        best = max(fitting, key=_pixels) if fitting else min(message.photo, key=_pixels)
        return best.file_id, best.file_size
    if (sticker := message.sticker) is not None:
        return _still(sticker)
    moving = message.animation or message.video or message.video_note
    if moving is not None:
        return (moving.thumbnail.file_id, moving.thumbnail.file_size) if moving.thumbnail else None
    return None


def _preview(message: Message, picture: FileRef) -> FileRef | None:
    """A smaller version of the picture, made by Telegram."""
    others = [size for size in message.photo if max(size.width, size.height) <= LONGEST_SIDE]
    made = [message.sticker.thumbnail] if message.sticker else sorted(others, key=_pixels, reverse=True)
    return next(((size.file_id, size.file_size) for size in made if size and size.file_id != picture[0]), None)


def _says_picture(file: File) -> bool:
    types = (file.mime_type, mimetypes.guess_type(file.file_name or "")[0])
    return any((kind or "").startswith("image/") for kind in types)


def _still(sticker: Sticker) -> FileRef | None:
    if not sticker.is_animated and not sticker.is_video:
        return sticker.file_id, sticker.file_size
    return (sticker.thumbnail.file_id, sticker.thumbnail.file_size) if sticker.thumbnail else None


def _sound(message: Message) -> FileRef | None:
    sound = message.voice or message.audio
    return (sound.file_id, sound.file_size) if sound else None


def _pixels(size: PhotoSize) -> int:
    return size.width * size.height
