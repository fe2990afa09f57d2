"""The first tokens of a prompt are those that came from the cache."""

import pytest

from bot.conversation.prompt import PieceKind, PromptParts, lay_out
from bot.inspector.cached_share import CacheState, ShownPrompt, show_cached
from storage.records import MediaKind, Medium, Role, Turn, Usage

TURNS = (
    Turn(1, Role.USER, "hello", "\n", tokens=100),
    Turn(2, Role.ASSISTANT, "hi", "\n\n", tokens=100),
    Turn(3, Role.USER, "look", "\n", tokens=60, media=(Medium(MediaKind.IMAGE, "ab", "image/png", 40),)),
)


def shown(own: Usage | None, tools: int = 0) -> ShownPrompt:
    parts = PromptParts("system", "", TURNS, recalled="long ago")
    return show_cached(lay_out(parts), own, lambda _: 100, tools)


def states(prompt: ShownPrompt) -> list[CacheState]:
    return [piece.state for piece in prompt.pieces]


NEW, PARTLY, CACHED = CacheState.NEW, CacheState.PARTLY, CacheState.CACHED


@pytest.mark.parametrize(
    ("cached", "expected"),
    [
        (0, [NEW, NEW, NEW, NEW, NEW]),
        (400, [CACHED, CACHED, NEW, NEW, NEW]),
        (500, [CACHED, CACHED, PARTLY, NEW, NEW]),
        (1000, [CACHED, CACHED, CACHED, CACHED, CACHED]),
    ],
)
def test_cached_tokens_are_the_first(cached: int, expected: list[CacheState]) -> None:
    prompt = shown(Usage(1000, cached, 10))
    assert states(prompt) == expected
    assert prompt.tokens == pytest.approx(1000)
    assert sum(piece.cached for piece in prompt.pieces) == pytest.approx(cached)


def test_kinds_and_media_stay_with_their_pieces() -> None:
    pieces = list(shown(Usage(1000, 0, 10)).pieces)
    turn = PieceKind.TURN
    assert [piece.kind for piece in pieces] == [PieceKind.SYSTEM, turn, turn, turn, PieceKind.RECALLED]
    assert [len(piece.media) for piece in pieces] == [0, 0, 0, 1, 0]


def test_tools_precede_the_prompt() -> None:
    prompt = shown(Usage(600, 200, 10), tools=100)
    assert prompt.tools == pytest.approx(100)
    assert states(prompt) == [CACHED, NEW, NEW, NEW, NEW]


def test_nothing_is_claimed_without_a_report() -> None:
    assert set(states(shown(None))) == {CacheState.UNKNOWN}
