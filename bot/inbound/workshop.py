"""What converts the files that are in messages."""

from typing import Protocol

from bot.media.document import Document
from bot.media.image import Image
from bot.media.sound import Sound


class Workshop(Protocol):
    """Converts bytes of strangers. Raises MediaError."""

    def serving(self, owner: int, language: str | None) -> "Workshop":
        """The same for a chat, which has its turn, where somebody's apps are in this language (IETF)."""

    async def image(self, data: bytes) -> Image:
        """A picture without metadata, not larger than a model can use."""

    async def sound(self, data: bytes, *, most_seconds: float) -> Sound:
        """The sound of an audio or video file."""

    async def document(self, data: bytes, name: str, mime: str | None, *, most_characters: int) -> Document:
        """The text of a document."""

    async def page(self, data: bytes, number: int) -> Image:
        """A page of a PDF as a picture. Raises EmptyError where it is blank."""
