"""What one message shows, in one of the two forms that the Bot API takes."""

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


Content = Rich | Text
