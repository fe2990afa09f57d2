"""One chat as it is taken out of a database and put into another one: all that can't be made again from it."""

from dataclasses import dataclass

from storage.records import ChatKey, ChatSettings, MediaKind, Role, Usage
from storage.transcript import TurnState


@dataclass(frozen=True, slots=True)
class ArchivedMedium:
    """A picture or a sound of a turn; its bytes travel by their hash."""

    kind: MediaKind
    hash: str
    format: str
    tokens: int
    refused: bool


@dataclass(frozen=True, slots=True)
class ArchivedMessage:
    """A Telegram message of a turn, and how much of a reply was delivered with it."""

    message_id: int
    delivered_end: int = 0


@dataclass(frozen=True, slots=True)
class ArchivedTurn:
    """One row of the messages array, with everything that hangs on it; times are in seconds since 1970 (UTC)."""

    role: Role
    state: TurnState
    """One of those of what is kept."""
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
    """The model server's content filter refuses it: it stands in no prompt."""
    reply_to: int | None = None
    usage: Usage | None = None
    marked: bool = False
    messages: tuple[ArchivedMessage, ...] = ()
    media: tuple[ArchivedMedium, ...] = ()

    @property
    def at(self) -> float:
        """When it was said, or else stored."""
        return self.created_at if self.said_at is None else self.said_at


@dataclass(frozen=True, slots=True)
class ArchivedMemory:
    """What stands in the prompt in place of the first `covers` turns of the archive."""

    covers: int
    text: str
    tokens: int
    made_at: float


@dataclass(frozen=True, slots=True)
class ArchivedSpeaker:
    """A name that is taken in the chat, and by whom."""

    name: str
    shown: str
    sender_id: int


@dataclass(frozen=True, slots=True)
class ArchivedUsage:
    """What one model used on one day (YYYY-MM-DD)."""

    day: str
    model: str
    requests: int
    turns: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class ArchivedChat:
    """One conversation; `turns` are those that were not reset, oldest first."""

    key: ChatKey
    private: bool
    created_at: float
    turns: tuple[ArchivedTurn, ...]
    memory: ArchivedMemory | None = None
    settings: ChatSettings | None = None
    """None: those of the chat stay as they are."""
    stamped_at: float | None = None
    heard_language: str | None = None
    gone: bool = False
    greeted: bool = False
    speakers: tuple[ArchivedSpeaker, ...] = ()
    usage: tuple[ArchivedUsage, ...] = ()
