"""Provisional."""

import asyncio

from bot.media.document import Document
from bot.media.image import Image, image
from bot.media.sound import Sound


class Workshop:
    """Provisional."""

    async def image(self, data: bytes) -> Image:
        """Provisional."""
        return await asyncio.to_thread(image, data)

    async def sound(self, data: bytes, *, most_seconds: float) -> Sound:
        """Provisional."""
        return Sound(data, "mp3", 12.0)

    async def document(self, data: bytes, name: str, mime: str | None, *, most_characters: int) -> Document:
        """Provisional."""
        return Document(data.decode()[:most_characters], None, len(data) > most_characters)

    async def close(self) -> None:
        """Provisional."""
