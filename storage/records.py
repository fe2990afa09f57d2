"""The values that are stored and read: chats and their keys, turns, media, usage, notices.

Times are in Unix seconds unless stated otherwise.
"""

from dataclasses import astuple, dataclass, field
from datetime import date
from enum import StrEnum
from operator import add
from typing import Literal

ASIDE = 2**53
"""Greater than any id of a topic or user, which have at most 52 bits."""
ONE_MESSAGE = 4096
"""The most characters of a Telegram message; a longer text takes several."""


@dataclass(frozen=True, slots=True)
class ChatKey:
    """Where in Telegram a conversation happens: a chat, or one topic of it (`thread_id` 0: the chat itself)."""

    telegram_id: int
    thread_id: int = 0
    direct: bool = field(default=False, compare=False)
    """Whether the topic is one person's in a channel's direct messages; a chat has only one kind of topics."""

    @classmethod
    def aside(cls, telegram_id: int, user_id: int) -> "ChatKey":
        """The key of one group member's ephemeral conversation with the bot, which no one else sees."""
        return cls(telegram_id, ASIDE + user_id)

    @property
    def alone_with(self) -> int | None:
        """The only user who sees this conversation; None if everyone in the chat does."""
        return self.thread_id - ASIDE if self.thread_id > ASIDE else None


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """A chat's own settings. None means the bot's setting, or for `language`, the user's app language.

    This is the only list of them: columns, moves of groups and exports are derived from it.
    """

    memory_way: Literal["summary", "truncate", "full"] | None = None
    language: str | None = None
    model: str | None = None
    persona: str | None = None
    """A system prompt that replaces the default."""
    recall: bool | None = None
    thinking: bool | None = None
    show_thinking: bool | None = None
    listen: bool | None = None
    voice: bool | None = None
    """Whether answers are spoken."""
    reply_format: Literal["auto", "rich", "text"] | None = None
    """How answers are shown."""


@dataclass(frozen=True, slots=True)
class Chat:
    """One conversation with its own memory."""

    id: int
    key: ChatKey
    private: bool
    stamped_at: float | None
    """The last timestamp written into a turn."""
    reset_turn: int = 0
    """Turns up to this id were reset."""
    epoch: int = 0
    """Incremented when turns are reset, deleted or changed; results computed from an earlier epoch's turns are void."""
    settings: ChatSettings = ChatSettings()
    due_at: float | None = None
    """When to check whether the window should be compacted."""
    compact_failures: int = 0
    """Consecutive failed compactions."""
    heard_language: str | None = None
    """The app language (IETF) of the last speaker."""
    gone: bool = False
    """Whether the bot was removed or blocked, so that nothing can be sent."""
    greeted: bool = False
    indexed_turn: int = 0
    """Turns up to this id are in the search index."""


class Role(StrEnum):
    """Whose turn it is, as in the messages array."""

    USER = "user"
    ASSISTANT = "assistant"


class MediaKind(StrEnum):
    """How a model perceives a medium."""

    IMAGE = "image"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class NewMedium:
    """A picture or a sound to store; `format` is a picture's MIME type, or "mp3" or "wav"."""

    kind: MediaKind
    data: bytes
    format: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Medium:
    """A picture or a sound of a turn; its bytes are stored under the hash."""

    kind: MediaKind
    hash: str
    format: str
    tokens: int
    refused: bool = False
    """Whether the model refused it."""
    size: int = 0
    """In bytes."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One element of the messages array."""

    id: int
    role: Role
    content: str
    separator: str
    tokens: int = 0
    at: float = 0.0
    """When it was stored, or for an answer, begun."""
    asked: bool = True
    """For a user's turn: whether it was addressed to the bot."""
    media: tuple[Medium, ...] = ()
    waiting: bool = False
    """For a user's turn: whether it has no answer yet."""


@dataclass(frozen=True, slots=True)
class HistoryTurn:
    """A turn as it is indexed, found and shown."""

    turn_id: int
    role: Role
    content: str
    speaker: str | None
    """Who sent it; None for the bot."""
    at: float
    """When it was sent."""
    tokens: int = 0
    message_id: int | None = None
    """Its first Telegram message."""
    era: int | None = None
    """The last turn of the reset before it; turns of different eras aren't neighbours."""


@dataclass(frozen=True, slots=True)
class NewTurn:
    """A user's rendered message, to be stored."""

    content: str
    separator: str
    tokens: int
    message_id: int | None
    sender_id: int | None
    speaker: str | None = None
    """The sender's name, even if the content doesn't show it; recall uses it."""
    said_at: float | None = None
    """When it was sent."""
    from_bot: bool = False
    media: tuple[NewMedium, ...] = ()
    digest: str | None = None
    """A digest of the message's text and content."""


@dataclass(frozen=True, slots=True)
class NewReply:
    """The model's answer, to be stored."""

    content: str
    tokens: int
    marked: bool = False
    """Whether the request had cache markers."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or more model requests, as reported by the server.

    `input` includes `cached`, `written` (to the cache), `audio` and `image`; `output` includes `reasoning`.
    """

    input: int
    cached: int
    output: int
    written: int = 0
    reasoning: int = 0
    audio: int = 0
    image: int = 0
    estimated: int = 0
    """The number of requests that the server didn't report, which are included as estimates."""

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*map(add, astuple(self), astuple(other)))


@dataclass(frozen=True, slots=True)
class Report:
    """The server's report on one answer."""

    usage: Usage
    marked: bool
    """Whether the request had cache markers."""
    at: float
    """When the request was made."""


@dataclass(frozen=True, slots=True)
class DayUsage:
    """One chat's usage on one day."""

    day: date
    turns: int
    """Answers to users. Other requests, such as compactions, count only as tokens."""
    usage: Usage


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """What one model was used for in a chat; requests that aren't turns are compactions, titles, tools and the like."""

    model: str
    requests: int
    turns: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class Delivery:
    """A finished reply, and how much of it has been delivered."""

    reply_id: int
    content: str
    end: int
    """The number of characters delivered."""
    begun: int | None
    """The message that shows a preview of the next part."""
    reply_to: int | None
    rang: bool = False
    """Whether its beginning was sent with a notification, so that the last part needs none."""
    speaks: bool = False
    """Whether a voice message follows, which notifies the user."""
    has_rest: bool = False
    """Whether its chat has notices to send, or replaced answers to delete."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button below a message; Telegram returns `data` (at most 64 bytes) when it is pressed."""

    label: str
    data: str


class FileKind(StrEnum):
    """How a file is sent."""

    PHOTO = "photo"
    VOICE = "voice"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class File:
    """A file to send: a PNG, an Ogg with Opus, or a document with a name."""

    kind: FileKind
    data: bytes
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A message of the bot's own, as opposed to an answer by the model."""

    key: ChatKey
    private: bool
    text: str
    reply_to: int | None = None
    edits: int | None = None
    """The message to edit instead of sending a new one; without a text, only its buttons are changed."""
    buttons: tuple[Button, ...] = ()
    button_until: float | None = None
    """When the buttons are removed; None: never."""
    markdown: bool = False
    """Whether the text is Markdown, formatted like an answer and of any length."""
    file: File | None = None
    """A file to send with the text as its caption."""
    quote: bool = False
    """Whether it is shown as a collapsible quote."""
    asks: bool = False
    """Whether Telegram should have the user's next message reply to it (``ForceReply``)."""
    literals: tuple[str, ...] = ()
    """Words in it that strangers chose; nothing in them becomes a link, a mention or a command."""
    about: int | None = None
    """The row of the access list that it asks about; remembered until some weeks after the decision."""
    broadcast: int | None = None
    points: bool = False
    """Whether it is a reply even in a private chat, so that it leads to that message; others aren't."""
    placeholder: str | None = None
    """For a question: the placeholder in the input field, at most 64 characters."""
    calls: tuple[int, str] | None = None
    """A user (id, name) whose name begins the text and becomes a mention."""
    receiver: int | None = None
    """In a group: the only user to see it, if Telegram allows that."""
    query: str | None = None
    """The button press that it answers, which permits that for some seconds."""
