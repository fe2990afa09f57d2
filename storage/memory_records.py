"""The notes of a conversation, as values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a conversation: up to which turn, and its times in seconds since 1970 (UTC)."""

    through_turn: int
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Memory:
    """What stands in the prompt in place of the turns up to `through_turn`."""

    through_turn: int
    text: str
    tokens: int
    made_at: float
    covers: tuple[Span, ...] = ()
    """What of them its text was made of; the rest left without a trace in it."""


@dataclass(frozen=True, slots=True)
class NotesVersion:
    """Notes that a chat has or had."""

    id: int
    text: str
    tokens: int
    covers: tuple[Span, ...]
    made_at: float
