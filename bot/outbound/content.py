"""Outgoing messages: their destination, and their content in one of the forms that the Bot API accepts."""

from dataclasses import dataclass

from telegram import LinkPreviewOptions, MessageEntity


@dataclass(frozen=True, slots=True)
class EphemeralAudience:
    """The member of a group who alone should see a message, and what permits that (Bot API 10.3)."""

    receiver: int
    query: str | None = None
    """Their press of a button, at most some seconds old."""
    answers: int | None = None
    """Their ephemeral message, just as recent."""
    strictly: bool = False
    """If it can't be shown to them alone, it isn't sent at all."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A chat or one of its topics, and the message there to reply to."""

    chat_id: int
    private: bool
    """Drafts exist only in private chats, and flood limits differ."""
    thread_id: int | None = None
    direct_topic_id: int | None = None
    """In a channel's direct messages: the user's topic."""
    reply_to: int | None = None
    """The message to quote, in the first part only; it may be gone by now."""
    quiet: bool = False
    """No notification: more follows, and the last part notifies."""
    alone: EphemeralAudience | None = None
    patient: bool = False
    """Other chats' messages go first: this is a broadcast or for strangers."""
    turn_id: int | None = None
    """The stored answer that is sent, ..."""
    notice_id: int | None = None
    """... or the notice: the journal of what is being sent has these."""


@dataclass(frozen=True, slots=True)
class Rich:
    """A rich message."""

    html: str
    is_rtl: bool = False
    """Whether it reads from right to left; a text shows each paragraph in the direction of its first letter."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text with entities; plain without any."""

    text: str
    entities: tuple[MessageEntity, ...] = ()
    preview: LinkPreviewOptions | None = None
    """How a link in it is previewed; None: not at all."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture with a caption of at most 1,024 UTF-16 units."""

    png: bytes
    caption: str


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice message (Ogg with Opus) with a caption of at most 1,024 UTF-16 units."""

    ogg: bytes
    caption: str


@dataclass(frozen=True, slots=True)
class Document:
    """A file of at most 50 MB with a name and a caption of at most 1,024 UTF-16 units."""

    data: bytes
    name: str
    caption: str


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy of a message in another chat, optionally with a different caption."""

    chat_id: int
    message_id: int
    caption: str | None = None
    """None: keep the original caption."""
    entities: tuple[MessageEntity, ...] = ()
    above: bool = False
    """Whether the caption is above the media."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """A rich message in blocks (Bot API 10.2), as the JSON that Telegram accepts."""

    json: str


Content = Rich | Text
"""Content that can be edited and drafted."""


File = Photo | Voice | Document
"""Content that is uploaded."""


Attachment = File | Copied | Blocks
"""Content that can only be sent as a new message."""
