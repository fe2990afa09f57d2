"""A whole chat in the form in which it is exported and imported: everything that can't be derived from the rest."""

from dataclasses import dataclass

from storage.records import ChatKey, ChatSettings, MediaKind, Role, Usage
from storage.transcript import TurnState


@dataclass(frozen=True, slots=True)
class ArchivedMedium:
    """A picture or a sound of a turn; its bytes are stored separately, by hash."""

    kind: MediaKind
    hash: str
    format: str
    tokens: int
    refused: bool


@dataclass(frozen=True, slots=True)
class ArchivedMessage:
    """A Telegram message of a turn, and how many characters of a reply were delivered up to it."""

    message_id: int
    delivered_end: int = 0


@dataclass(frozen=True, slots=True)
class ArchivedTurn:
    """One turn with everything that belongs to it; times are in Unix seconds."""

    role: Role
    state: TurnState
    """One of the states of kept turns."""
    content: str
    separator: str
    created_at: float
    tokens: int = 0
    said_at: float | None = None
    sender_id: int | None = None
    speaker: str | None = None
    asked: bool = True
    from_bot: bool = False
    refused: bool = False
    """Whether the model server's content filter refuses it, so that it is left out of prompts."""
    reply_to: int | None = None
    usage: Usage | None = None
    marked: bool = False
    messages: tuple[ArchivedMessage, ...] = ()
    media: tuple[ArchivedMedium, ...] = ()

    @property
    def at(self) -> float:
        """When it was said, or if that is unknown, stored."""
        return self.created_at if self.said_at is None else self.said_at


@dataclass(frozen=True, slots=True)
class ArchivedMemory:
    """The memory that replaces the first `covers` turns of the archive in the prompt."""

    covers: int
    text: str
    tokens: int
    made_at: float


@dataclass(frozen=True, slots=True)
class ArchivedSpeaker:
    """A name taken in the chat, and its owner."""

    name: str
    shown: str
    sender_id: int


@dataclass(frozen=True, slots=True)
class ArchivedUsage:
    """The usage of one model on one day (YYYY-MM-DD)."""

    day: str
    model: str
    requests: int
    turns: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class ArchivedChat:
    """One conversation; `turns` are those that weren't reset, oldest first."""

    key: ChatKey
    private: bool
    created_at: float
    turns: tuple[ArchivedTurn, ...]
    memory: ArchivedMemory | None = None
    settings: ChatSettings | None = None
    """None: the chat's own settings are left unchanged."""
    stamped_at: float | None = None
    heard_language: str | None = None
    gone: bool = False
    greeted: bool = False
    speakers: tuple[ArchivedSpeaker, ...] = ()
    usage: tuple[ArchivedUsage, ...] = ()
