"""Where in Telegram a conversation happens.

The values that go into and come out of the storage.
"""

from dataclasses import astuple, dataclass, field
from datetime import date
from enum import StrEnum
from operator import add
from typing import Literal

ASIDE = 2**53
"""Above the numbers of topics and of people, which have 52 bits at most."""
ONE_MESSAGE = 4096
"""Characters that a Telegram message holds at most: what is longer takes several."""


@dataclass(frozen=True, slots=True)
class ChatKey:
    """Where in Telegram a conversation happens: a chat, or one topic of it (`thread_id` 0: the chat itself)."""

    telegram_id: int
    thread_id: int = 0
    direct: bool = field(default=False, compare=False)
    """The topic is one person's, of a channel's direct messages; a chat has topics of one sort only."""

    @classmethod
    def aside(cls, telegram_id: int, user_id: int) -> "ChatKey":
        """What one member of a group and the bot say there that nobody else sees: a conversation of its own."""
        return cls(telegram_id, ASIDE + user_id)

    @property
    def alone_with(self) -> int | None:
        """Who alone sees what is said here; None: everybody in the chat."""
        return self.thread_id - ASIDE if self.thread_id > ASIDE else None


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """What a chat has chosen for itself; None: as the bot is set, or for the language, as the person who speaks.

    This is the only list of them: their columns, what a group keeps that moves, and the export follow it.
    """

    memory_way: Literal["summary", "truncate", "full"] | None = None
    language: str | None = None
    model: str | None = None
    persona: str | None = None
    """A system prompt of its own."""
    recall: bool | None = None
    thinking: bool | None = None
    show_thinking: bool | None = None
    listen: bool | None = None
    voice: bool | None = None
    """Answers are spoken."""
    reply_format: Literal["auto", "rich", "text"] | None = None
    """How answers are shown."""


@dataclass(frozen=True, slots=True)
class Chat:
    """One conversation with its own memory."""

    id: int
    key: ChatKey
    private: bool
    stamped_at: float | None
    """When a time was last written into a turn, in seconds since 1970 (UTC)."""
    reset_turn: int = 0
    """Turns up to this id were reset."""
    epoch: int = 0
    """Raised by whatever takes something back; what was made of an earlier epoch's turns is void."""
    settings: ChatSettings = ChatSettings()
    due_at: float | None = None
    """When to look whether its window should be compacted, in seconds since 1970 (UTC)."""
    compact_failures: int = 0
    """In a row."""
    heard_language: str | None = None
    """What Telegram says of the language of whoever spoke last (IETF)."""
    gone: bool = False
    """The bot was removed or blocked there: nothing can be sent."""
    greeted: bool = False
    indexed_turn: int = 0
    """Turns up to this id are in the search index."""


class Role(StrEnum):
    """Who speaks."""

    USER = "user"
    ASSISTANT = "assistant"


class MediaKind(StrEnum):
    """What a medium is to a model."""

    IMAGE = "image"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class NewMedium:
    """A picture or a sound on its way into the transcript; `format` is a MIME type of a picture, mp3 or wav."""

    kind: MediaKind
    data: bytes
    format: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Medium:
    """A picture or a sound of a turn; its bytes are found by the hash."""

    kind: MediaKind
    hash: str
    format: str
    tokens: int
    refused: bool = False
    """The model could not read it."""
    size: int = 0
    """In bytes."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One row of the messages array."""

    id: int
    role: Role
    content: str
    separator: str
    tokens: int = 0
    at: float = 0.0
    """When it was stored, or begun, in seconds since 1970 (UTC)."""
    asked: bool = True
    """Of a user: said to the bot, and not only overheard."""
    media: tuple[Medium, ...] = ()
    waiting: bool = False
    """Of a user: it has no answer yet."""


@dataclass(frozen=True, slots=True)
class HistoryTurn:
    """A turn as it is found and shown later."""

    turn_id: int
    role: Role
    content: str
    speaker: str | None
    """Who sent it; None: the bot."""
    at: float
    """When it was sent, in seconds since 1970 (UTC)."""
    tokens: int = 0
    message_id: int | None = None
    """Its first Telegram message."""
    era: int | None = None
    """The last turn of the reset before it: turns of different eras are no neighbours."""


@dataclass(frozen=True, slots=True)
class NewTurn:
    """A user's message, rendered, on its way into the transcript."""

    content: str
    separator: str
    tokens: int
    message_id: int | None
    sender_id: int | None
    speaker: str | None = None
    """The sender's name, also where the content does not show it: recall finds what someone said by it."""
    said_at: float | None = None
    """When it was sent, in seconds since 1970 (UTC)."""
    from_bot: bool = False
    media: tuple[NewMedium, ...] = ()
    digest: str | None = None
    """What the message says and holds, in short."""


@dataclass(frozen=True, slots=True)
class NewReply:
    """The model's answer, on its way into the transcript."""

    content: str
    tokens: int
    marked: bool = False
    """Whether the request had cache markers."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or more model requests as the server reported them.

    `input` includes what was `cached`, what was `written` into the cache, `audio` and `image`; `output` includes
    `reasoning`.
    """

    input: int
    cached: int
    output: int
    written: int = 0
    reasoning: int = 0
    audio: int = 0
    image: int = 0
    estimated: int = 0
    """Requests that the server did not report, so that the numbers hold estimates of theirs."""

    def __add__(self, other: "Usage") -> "Usage":
        """Both together."""
        return Usage(*map(add, astuple(self), astuple(other)))


@dataclass(frozen=True, slots=True)
class Report:
    """What the server reported of one answer."""

    usage: Usage
    marked: bool
    """Whether the request had cache markers."""
    at: float
    """When it was asked, in seconds since 1970 (UTC)."""


@dataclass(frozen=True, slots=True)
class DayUsage:
    """What one chat used on one day."""

    day: date
    turns: int
    """Answers to the user; other requests, such as compactions, are in the tokens only."""
    usage: Usage


@dataclass(frozen=True, slots=True)
class Delivery:
    """A finished reply and how much of it has arrived."""

    reply_id: int
    content: str
    end: int
    """Characters of the content that were delivered."""
    begun: int | None
    """The message that shows a preview of what comes next."""
    reply_to: int | None
    rang: bool = False
    """It was heard that it began: its last part rings no more."""
    speaks: bool = False
    """A voice message comes after it, which rings."""
    has_rest: bool = False
    """Notices wait in its chat, or answers that have been replaced are to be deleted."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message; `data` comes back when it is pressed (64 bytes at most)."""

    label: str
    data: str


class FileKind(StrEnum):
    """How a file is sent."""

    PHOTO = "photo"
    VOICE = "voice"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class File:
    """A file of ours: a PNG, an Ogg with Opus, or a document with a name."""

    kind: FileKind
    data: bytes
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A text of our own."""

    key: ChatKey
    private: bool
    text: str
    reply_to: int | None = None
    edits: int | None = None
    """The message that is turned into this one; without a text, only its buttons are."""
    buttons: tuple[Button, ...] = ()
    button_until: float | None = None
    """When the buttons are taken away, in seconds since 1970 (UTC); None: they stay."""
    markdown: bool = False
    """Formatted like an answer, and of any length."""
    file: File | None = None
    """The text is its caption then."""
    quote: bool = False
    """Shown as a quote that can be folded."""
    asks: bool = False
    """The user's next message is to be a reply to it."""
    literals: tuple[str, ...] = ()
    """Words in it that strangers chose: nothing in them becomes a link, a name or a command."""
    about: int | None = None
    """The row of the access list that it asks about: known until some weeks after the decision."""
    broadcast: int | None = None
    points: bool = False
    """It is a reply in a private chat too, where others are none: it leads to that message."""
    placeholder: str | None = None
    """Of what asks: what stands where the answer is typed, 64 characters at most."""
    calls: tuple[int, str] | None = None
    """Someone (id and name) whose name the text begins with: it becomes a mention."""
    receiver: int | None = None
    """In a group: the only one to see it, where Telegram lets us."""
    query: str | None = None
    """The press of a button that it answers, which lets us for some seconds."""
