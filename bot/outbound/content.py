"""What one message shows, in one of the forms that the Bot API takes."""

from dataclasses import dataclass

from telegram import LinkPreviewOptions, MessageEntity


@dataclass(frozen=True, slots=True)
class Rich:
    """A rich message."""

    html: str
    is_rtl: bool = False
    """Whether it is read from right to left; a text shows each paragraph in the direction of its first letter."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text with entities; with none it is plain."""

    text: str
    entities: tuple[MessageEntity, ...] = ()
    preview: LinkPreviewOptions | None = None
    """How the page of a link in it is shown; None: not at all."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture with a caption of at most 1,024 UTF-16 units."""

    png: bytes
    caption: str


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice note, Ogg with Opus, with a caption of at most 1,024 UTF-16 units."""

    ogg: bytes
    caption: str


@dataclass(frozen=True, slots=True)
class Document:
    """A file of at most 50 MB, with a name and a caption of at most 1,024 UTF-16 units."""

    data: bytes
    name: str
    caption: str


@dataclass(frozen=True, slots=True)
class Copied:
    """A message that stands in another chat, whole, or under a caption of its own."""

    chat_id: int
    message_id: int
    caption: str | None = None
    """None: the one that it has."""
    entities: tuple[MessageEntity, ...] = ()
    above: bool = False
    """Whether the caption stands above what is shown."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """A rich message in blocks (Bot API 10.2): JSON, as Telegram takes it."""

    json: str


Content = Rich | Text
"""What can be edited and drafted."""
File = Photo | Voice | Document
"""What is uploaded."""
Attachment = File | Copied | Blocks
"""What is only ever sent anew."""
