"""What one message shows, in one of the forms that the Bot API takes."""

from dataclasses import dataclass

from telegram import MessageEntity


@dataclass(frozen=True, slots=True)
class Rich:
    """A rich message."""

    html: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text with entities; with none it is plain."""

    text: str
    entities: tuple[MessageEntity, ...] = ()


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture with a caption of at most 1,024 UTF-16 units."""

    png: bytes
    caption: str


Content = Rich | Text
"""What can be edited and drafted."""
