"""Files on their way from Telegram, and how many of their bytes are held at a time, over all chats.

A file takes its place before its first byte is asked for and keeps it until it is converted and let go. It takes as
much as it says that it has, and is cut off there; one that does not say takes the most that there may be. Small files
have places of their own, so that a photo waits for no film.

What converts the files that are in messages.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlsplit, urlunsplit

import httpx
from telegram import Bot, File
from telegram.error import BadRequest, Forbidden, NetworkError, TelegramError, TimedOut

from bot.concurrency import Capacities
from bot.media.document import ExtractedDocument
from bot.media.image import ConvertedImage
from bot.media.media_errors import TooLargeError
from bot.media.sound import ConvertedSound

MOST_BYTES = 20 * 1024 * 1024
"""The most that Telegram's own server lets a bot download."""
SMALL = 1024 * 1024
"""Bytes of a file that takes a place among the small ones."""
ROOM, ROOM_OF_SMALL = 48 * 1024 * 1024, 16 * 1024 * 1024
"""Bytes that may be held at a time."""
LONGEST_S = 180.0
"""Seconds for a whole file, however busily its server sends."""
TIMEOUT = httpx.Timeout(20.0, pool=None)
"""Seconds of silence."""
TRIES, PAUSE_S = 3, 1.0
"""Of a download, and between two of them, doubled each time."""

log = logging.getLogger(__name__)


class Downloads:
    """Downloads the files that `bot` is told of, trusting `certificates`.

    `at_work` surrounds what is done with each file, so that it can be known afterwards what the process died of.
    """

    def __init__(
        self,
        bot: Bot,
        certificates: ssl.SSLContext | bool = True,
        at_work: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._bot = bot
        self._at_work = at_work
        self._client = httpx.AsyncClient(verify=certificates, timeout=TIMEOUT, headers={"Accept-Encoding": "identity"})
        self._room = Capacities(SMALL, most=ROOM, most_of_small=ROOM_OF_SMALL)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    @asynccontextmanager
    async def file(self, file_id: str, size: int | None, *, tries: int = TRIES) -> AsyncIterator[bytes]:
        """The bytes of a file, which keep their place until the block ends; `size` is what the message says of it.

        Raises TooLargeError, and TelegramError when it can't be had.
        """
        if size is not None and size > MOST_BYTES:
            raise TooLargeError(f"{size} bytes")
        sizes = [size, MOST_BYTES] if size is not None and 0 < size < MOST_BYTES else [MOST_BYTES]
        for most in sizes:
            async with self._room.reserve(most):
                with self._at_work():
                    data = await self._persistently(file_id, most, tries)
                    if data is not None:
                        yield data
                        return
        raise TooLargeError(f"more than {MOST_BYTES} bytes")

    async def _persistently(self, file_id: str, most: int, tries: int) -> bytes | None:
        """None: it has more bytes than that."""
        pause = PAUSE_S
        for left in reversed(range(tries)):
            try:
                return await self._whole(file_id, most)
            except (BadRequest, Forbidden):
                raise
            except TelegramError as exc:
                if not left:
                    raise
                log.warning("A file is downloaded again in %.0f s: %s", pause, exc)
            await asyncio.sleep(pause)
            pause *= 2
        raise AssertionError("unreachable: the last try raises")

    async def _whole(self, file_id: str, most: int) -> bytes | None:
        file = await self._bot.get_file(file_id)
        if file.file_size is not None and file.file_size > most:
            return None
        if not file.file_path:
            raise NetworkError("a file without a path")
        try:
            async with asyncio.timeout(LONGEST_S):
                if "://" in file.file_path:
                    return await self._fetched(file, most)
                return await asyncio.to_thread(_read, Path(file.file_path), most)  # of a Bot API server on this machine
        except (TimeoutError, httpx.TimeoutException) as exc:
            raise TimedOut("the file did not come in time") from exc
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as exc:  # whose words may hold the URL, and so the token
            raise NetworkError(type(exc).__name__) from exc

    async def _fetched(self, file: File, most: int) -> bytes | None:
        data = bytearray()
        async with self._client.stream("GET", _encoded(str(file.file_path))) as response:
            if response.status_code != httpx.codes.OK:
                raise NetworkError(f"status {response.status_code}")
            async for piece in response.aiter_raw():
                data += piece
                if len(data) > most:
                    return None
        return bytes(data)


def _encoded(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=quote(parts.path)))


def _read(path: Path, most: int) -> bytes | None:
    with path.open("rb") as file:
        data = file.read(most + 1)
    return data if len(data) <= most else None


class FileConverter(Protocol):
    """Converts bytes of strangers. Raises MediaError."""

    def serving(self, owner: int, language: str | None) -> "FileConverter":
        """The same for a chat, which has its turn, where someone's apps are in this language (IETF)."""

    async def image(self, data: bytes) -> ConvertedImage:
        """A picture without metadata, not larger than a model can use."""

    async def sound(self, data: bytes, *, most_seconds: float) -> ConvertedSound:
        """The sound of an audio or video file."""

    async def document(self, data: bytes, name: str, mime: str | None, *, most_characters: int) -> ExtractedDocument:
        """The text of a document."""

    async def page(self, data: bytes, number: int) -> ConvertedImage:
        """A page of a PDF as a picture. Raises EmptyError where it is blank."""
