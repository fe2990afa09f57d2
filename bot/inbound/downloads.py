"""Downloading files from Telegram, with a limit on the bytes in memory over all chats.

A download reserves memory before it starts, and keeps it until the file has been converted. It reserves the size that
Telegram states, and ends there; without a stated size it reserves the maximum. Small files have their own limit, so
that a photo doesn't wait for a video.
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
"""The largest file that Telegram's own server lets a bot download."""
SMALL = 1024 * 1024
"""The most bytes of a small file."""
ROOM, ROOM_OF_SMALL = 48 * 1024 * 1024, 16 * 1024 * 1024
"""The most bytes in memory at a time, for other files and for small ones."""
LONGEST_S = 180.0
"""The time limit for a whole file, in seconds."""
TIMEOUT = httpx.Timeout(20.0, pool=None)
"""The longest time without data, in seconds."""
TRIES, PAUSE_S = 3, 1.0
"""How often a download is tried, and the pause after the first failure, which doubles each time."""

log = logging.getLogger(__name__)


class Downloads:
    """Downloads files that were sent to `bot`, trusting `certificates`.

    `at_work` wraps the work on each file, so that it is known which one the process died of.
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
        """The bytes of a file, whose memory is reserved until the block ends; `size` is what the message states.

        Raises TooLargeError, and TelegramError if it can't be downloaded.
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
        """Retries failed downloads; None if the file has more than `most` bytes."""
        pause = PAUSE_S
        for left in reversed(range(tries)):
            try:
                return await self._whole(file_id, most)
            except (BadRequest, Forbidden):
                raise
            except TelegramError as exc:
                if not left:
                    raise
                log.warning("A download failed and is tried again in %.0f s: %s", pause, exc)
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
                return await asyncio.to_thread(_read, Path(file.file_path), most)  # from a local Bot API server
        except (TimeoutError, httpx.TimeoutException) as exc:
            raise TimedOut("the file did not come in time") from exc
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as exc:  # its message may contain the URL, and so the token
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
    """Converts untrusted files. All methods raise MediaError."""

    def serving(self, owner: int, language: str | None) -> "FileConverter":
        """The same converter for one chat, shared fairly with others; `language` is that of the apps (IETF)."""

    async def image(self, data: bytes) -> ConvertedImage:
        """Convert a picture: without metadata, and no larger than a model can use."""

    async def sound(self, data: bytes, *, most_seconds: float) -> ConvertedSound:
        """Extract the beginning of an audio or video file's sound."""

    async def document(self, data: bytes, name: str, mime: str | None, *, most_characters: int) -> ExtractedDocument:
        """Extract the beginning of a document's text."""

    async def page(self, data: bytes, number: int) -> ConvertedImage:
        """Render a page of a PDF as a picture. Raises EmptyError if it is blank."""
