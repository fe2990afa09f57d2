"""The values that go into and come out of the storage."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Place:
    """Where in Telegram a conversation happens: a chat, or one topic of it (`thread_id` 0: the chat itself)."""

    telegram_id: int
    thread_id: int = 0


@dataclass(frozen=True, slots=True)
class Chat:
    """One conversation with its own memory."""

    id: int
    place: Place
    private: bool
    stamped_at: float | None
    """When a time was last written into a turn, in seconds since 1970 (UTC)."""
    reset_turn: int = 0
    """Turns up to this id were reset."""
    epoch: int = 0
    """Raised by whatever takes something back; what was made of an earlier epoch's turns is void."""
    memory_way: str | None = None
    """How this chat remembers, where that was chosen."""
    due_at: float | None = None
    """When to look whether its window should be compacted, in seconds since 1970 (UTC)."""
    compact_failures: int = 0
    """In a row."""


class Role(StrEnum):
    """Who speaks."""

    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Turn:
    """One row of the messages array."""

    id: int
    role: Role
    content: str
    glue: str
    tokens: int = 0
    at: float = 0.0
    """When it was stored, or begun, in seconds since 1970 (UTC)."""


@dataclass(frozen=True, slots=True)
class Spoken:
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
class Memory:
    """What stands in the prompt in place of the turns up to `through_turn`."""

    through_turn: int
    text: str
    tokens: int
    made_at: float


@dataclass(frozen=True, slots=True)
class Window:
    """What a chat's prompt is made of: its memory, and the turns since, oldest first."""

    chat: Chat
    memory: Memory | None
    turns: tuple[Turn, ...]

    @property
    def through_turn(self) -> int:
        """Turns up to this id are not in the window."""
        return max(self.chat.reset_turn, self.memory.through_turn if self.memory else 0)


@dataclass(frozen=True, slots=True)
class NewTurn:
    """A user's message, rendered, on its way into the transcript."""

    content: str
    glue: str
    tokens: int
    message_id: int
    sender_id: int | None
    speaker: str | None = None
    """The sender's name, also where the content does not show it: recall finds what somebody said by it."""
    said_at: float | None = None
    """When it was sent, in seconds since 1970 (UTC)."""


@dataclass(frozen=True, slots=True)
class NewReply:
    """The model's answer, on its way into the transcript."""

    content: str
    tokens: int
    marked: bool = False
    """Whether the request had cache markers."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or more model requests as the server reported them; `input` includes the `cached` ones."""

    input: int
    cached: int
    output: int


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


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message; `data` comes back when it is pressed (64 bytes at most)."""

    label: str
    data: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A text of our own."""

    place: Place
    private: bool
    text: str
    reply_to: int | None = None
    edits: int | None = None
    """The message that is turned into this one."""
    buttons: tuple[Button, ...] = ()
    button_until: float | None = None
    """When the buttons are taken away, in seconds since 1970 (UTC); None: they stay."""
    markdown: bool = False
    """Formatted like an answer, and of any length."""
    photo: bytes | None = None
    """A PNG; the text is its caption then."""
    asks: bool = False
    """The user's next message is to be a reply to it."""
