"""Which pieces of a prompt came from the provider's cache: a server reports only how many tokens did.

Caches hold prefixes, so these are the first ones. Where a piece begins is estimated: the pieces' counts are scaled so
that they add up to the input that was reported.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.conversation.prompt import PieceKind, PromptPiece
from bot.conversation.tokens import MESSAGE_TOKENS, TokenCounter
from storage.records import Medium, Usage


class CacheState(StrEnum):
    """Where a piece came from."""

    CACHED = "cached"
    PARTLY = "partly cached"
    NEW = "new"
    UNKNOWN = "not reported"


@dataclass(frozen=True, slots=True)
class ShownPiece:
    """A piece with its estimated tokens, media included, and how many of them were cached."""

    kind: PieceKind
    text: str
    tokens: float
    cached: float
    state: CacheState
    turn_id: int | None
    media: tuple[Medium, ...]


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A message of the array."""

    role: str
    pieces: tuple[ShownPiece, ...]

    @property
    def tokens(self) -> float:
        return sum(piece.tokens for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class ShownPrompt:
    """The array, and the tokens of the tools that precede it."""

    messages: tuple[ShownMessage, ...]
    tools: float = 0.0

    @property
    def tokens(self) -> float:
        return self.tools + sum(message.tokens for message in self.messages)

    @property
    def pieces(self) -> Iterator[ShownPiece]:
        """All pieces in order."""
        for message in self.messages:
            yield from message.pieces


def show_cached(
    messages: Sequence[tuple[str, Sequence[PromptPiece]]],
    own: Usage | None,
    count_tokens: TokenCounter,
    tool_tokens: int = 0,
) -> ShownPrompt:
    """Divide the cached tokens among the pieces; `own`: the usage reported for these messages."""
    counted = [[_count(piece, count_tokens) for piece in pieces] for _, pieces in messages]
    total = tool_tokens + sum(map(sum, counted))
    scale = own.input / total if own is not None and total else 1.0
    left = own.cached - tool_tokens * scale if own is not None else 0.0
    shown = []
    for (role, pieces), counts in zip(messages, counted, strict=True):
        made = []
        for piece, count in zip(pieces, counts, strict=True):
            made.append(_shown(piece, count * scale, left if own is not None else None))
            left -= count * scale
        shown.append(ShownMessage(role, tuple(made)))
    return ShownPrompt(tuple(shown), tool_tokens * scale)


def _count(piece: PromptPiece, count_tokens: TokenCounter) -> int:
    if piece.turn is None:
        return count_tokens(piece.text)
    words = piece.turn.tokens or count_tokens(piece.text)
    return words + sum(medium.tokens for medium in piece.turn.media)


def _shown(piece: PromptPiece, tokens: float, left: float | None) -> ShownPiece:
    """`left`: how many cached tokens there are from here on; None: unknown."""
    cached = min(max(left or 0.0, 0.0), tokens)
    state = CacheState.PARTLY
    if left is None:
        state = CacheState.UNKNOWN
    elif cached >= tokens - MESSAGE_TOKENS and cached > 0:  # the counts are no more exact
        state = CacheState.CACHED
    elif cached <= min(MESSAGE_TOKENS, tokens / 2):
        state = CacheState.NEW
    turn = piece.turn
    return ShownPiece(
        piece.kind, piece.text, tokens, cached, state, turn.id if turn else None, turn.media if turn else ()
    )
