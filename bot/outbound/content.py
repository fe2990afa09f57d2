"""Where a message goes.

What one message shows, in one of the forms that the Bot API takes.
"""

from dataclasses import dataclass

from telegram import LinkPreviewOptions, MessageEntity


@dataclass(frozen=True, slots=True)
class EphemeralAudience:
    """The one member of a group that is to see a message, and what lets us show it to nobody else (Bot API 10.3)."""

    receiver: int
    query: str | None = None
    """A press of theirs on a button, some seconds old."""
    answers: int | None = None
    """An ephemeral message of theirs, as fresh."""
    strictly: bool = False
    """Where it can't be shown to them alone, it is shown to nobody."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A chat or one of its topics, and the message there that is answered."""

    chat_id: int
    private: bool
    """Drafts exist in private chats only, and flood limits differ."""
    thread_id: int | None = None
    direct_topic_id: int | None = None
    """In a channel's direct messages: whose topic it is."""
    reply_to: int | None = None
    """The message to quote, in the first part only; it may be gone by now."""
    quiet: bool = False
    """No sound: more of the same follows, if only the voice that says it too, and its last part rings."""
    alone: EphemeralAudience | None = None
    patient: bool = False
    """What goes to other chats goes first: it is for strangers, or for everybody."""


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
