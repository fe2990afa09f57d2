"""When a window is compacted is the optimum of the cost, within bounds that keep the memory and end every loop."""

from dataclasses import replace
from math import inf

import pytest

from bot.conversation.thresholds import (
    MemoryMode,
    WindowPolicy,
    WindowSizes,
    count_tail,
    pays_while_warm,
    round_starts,
    rounds_to_cut,
    thresholds,
)
from storage.records import Role, Turn

POLICY = WindowPolicy(
    context_window=32768,
    mode=MemoryMode.SUMMARY,
    compact_at=None,
    keep_rounds=20,
    memory_tokens=800,
    cached_price=0.2,
    output_price=3,
)


def _sizes(rounds: int, size: float = 75.0, memory: float = 800.0, system: float = 50.0) -> WindowSizes:
    return WindowSizes(system, memory, (size,) * rounds)


def _cost_per_round(growth: float, sizes: WindowSizes, kept: float, size: float) -> float:
    """DESIGN's f, term by term."""
    c, o = POLICY.cached_price, POLICY.output_price
    a = kept + sizes.memory * (1 + o) + c * sizes.system
    return c * (sizes.system + sizes.memory + kept) + size * (1 + c) + c * growth / 2 + size * a / growth


def test_high_threshold_is_where_round_costs_least() -> None:
    sizes = _sizes(60)
    found = thresholds(POLICY, MemoryMode.SUMMARY, sizes)
    kept = 20 * 75.0
    assert found.high == pytest.approx(sizes.system + sizes.memory + kept + found.growth)
    best = min(range(100, 20_000), key=lambda growth: _cost_per_round(growth, sizes, kept, 75.0))
    assert found.growth == pytest.approx(best, abs=2)


def test_kept_tail_is_twelve_rounds_or_1500_tokens() -> None:
    """Whichever is more."""
    assert count_tail([75.0] * 60, 12, 1500, inf) == 20
    assert count_tail([400.0] * 60, 12, 1500, inf) == 12


def test_pending_question_is_kept_with_the_tail() -> None:
    rounds = (75.0,) * 60
    answered, waiting = (WindowSizes(50, 800, (*rounds, *more), waiting=bool(more)) for more in ((), (9000.0,)))
    assert 60 - thresholds(POLICY, MemoryMode.SUMMARY, answered).cut == 20
    assert 61 - thresholds(POLICY, MemoryMode.SUMMARY, waiting).cut == 21
    assert 61 - thresholds(replace(POLICY, keep_rounds=3), MemoryMode.TRUNCATE, waiting).cut == 4


def test_kept_tail_is_limited_but_includes_last_round() -> None:
    """It takes a third of the window at most, and always has the last round."""
    small = replace(POLICY, context_window=4096)
    found = thresholds(small, MemoryMode.SUMMARY, _sizes(30, size=300.0))
    assert 30 - found.cut == 4
    assert thresholds(small, MemoryMode.SUMMARY, _sizes(3, size=3000.0)).cut == 2


def test_optimum_never_exceeds_seven_tenths_of_window() -> None:
    small = replace(POLICY, context_window=4096)
    assert thresholds(small, MemoryMode.SUMMARY, _sizes(10, memory=100)).high <= 0.7 * 4096
    free = replace(POLICY, cached_price=0.0)
    assert thresholds(free, MemoryMode.SUMMARY, _sizes(10)).high == 0.7 * 32768


def test_configured_share_of_window_is_used_exactly() -> None:
    assert thresholds(replace(POLICY, compact_at=0.5), MemoryMode.SUMMARY, _sizes(60)).high == 0.5 * 32768


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1])
@pytest.mark.parametrize("window", [1024, 4096, 32768])
@pytest.mark.parametrize("size", [20.0, 75.0, 300.0])
def test_high_threshold_is_above_the_low_one(share: float, window: int, size: float) -> None:
    """Otherwise one compaction would call for the next."""
    policy = replace(POLICY, compact_at=share, context_window=window)
    found = thresholds(policy, MemoryMode.SUMMARY, _sizes(100, size=size, memory=policy.most_memory))
    assert found.high > found.low


@pytest.mark.parametrize("over", [1.0, 1.25])
@pytest.mark.parametrize("window", [4096, 32768, 131_072])
@pytest.mark.parametrize("memory", [800, 8000])
def test_compacted_window_is_below_high_threshold(over: float, window: int, memory: int) -> None:
    """Even if its memory is longer than asked for; otherwise each round would pay for a compaction."""
    policy = replace(POLICY, compact_at=0.01, context_window=window, memory_tokens=memory)
    sizes = _sizes(100, memory=over * policy.most_memory)
    kept = sizes.rounds[thresholds(policy, MemoryMode.SUMMARY, sizes).cut :]
    after = replace(sizes, rounds=(*kept, 75.0))
    assert after.total < thresholds(policy, MemoryMode.SUMMARY, after).high


def test_truncating_keeps_last_rounds_and_drops_many() -> None:
    policy = replace(POLICY, keep_rounds=20)
    rounds = 20
    while _sizes(rounds, memory=0).total < thresholds(policy, MemoryMode.TRUNCATE, _sizes(rounds, memory=0)).high:
        rounds += 1
    found = thresholds(policy, MemoryMode.TRUNCATE, _sizes(rounds, memory=0))
    assert rounds - found.cut == 20
    assert found.cut >= 5


def test_full_mode_drops_half_only_at_cap() -> None:
    found = thresholds(POLICY, MemoryMode.FULL, _sizes(400))
    assert found.high == inf
    assert sum(_sizes(400).rounds[found.cut :]) <= POLICY.cap / 2


def test_cutting_to_length_keeps_the_last_round() -> None:
    """However long it is."""
    assert rounds_to_cut([100.0, 100.0, 100.0], 250) == 1
    assert rounds_to_cut([100.0, 9000.0], 250) == 1
    assert rounds_to_cut([9000.0], 250) == 0


def test_idle_chat_is_compacted_when_that_saves() -> None:
    """When compacting warm costs less than reading the window cold."""
    long, short = _sizes(43), _sizes(25)
    assert pays_while_warm(POLICY, MemoryMode.SUMMARY, long, thresholds(POLICY, MemoryMode.SUMMARY, long))
    assert not pays_while_warm(POLICY, MemoryMode.SUMMARY, short, thresholds(POLICY, MemoryMode.SUMMARY, short))
    assert not pays_while_warm(POLICY, MemoryMode.FULL, long, thresholds(POLICY, MemoryMode.FULL, long))


def test_nothing_pays_at_low_threshold_or_without_cut() -> None:
    sizes = _sizes(43)
    found = thresholds(POLICY, MemoryMode.SUMMARY, sizes)
    for mode in (MemoryMode.SUMMARY, MemoryMode.TRUNCATE):
        assert pays_while_warm(POLICY, mode, sizes, replace(found, low=sizes.total - 1))
        assert not pays_while_warm(POLICY, mode, sizes, replace(found, low=sizes.total))
        assert not pays_while_warm(POLICY, mode, sizes, replace(found, cut=0, low=sizes.total - 1))


@pytest.mark.parametrize("mode", list(MemoryMode))
@pytest.mark.parametrize(("rounds", "waiting"), [((), False), ((75.0,), True), ((75.0,), False)])
def test_empty_window_and_lone_round_have_no_cut(mode: MemoryMode, rounds: tuple[float, ...], waiting: bool) -> None:
    assert thresholds(POLICY, mode, WindowSizes(50, 0, rounds, waiting)).cut == 0


@pytest.mark.parametrize(("window", "asked", "most"), [(32768, 800, 800), (6400, 800, 800), (6392, 800, 799)])
def test_memory_has_an_eighth_of_window_at_most(window: int, asked: int, most: int) -> None:
    assert replace(POLICY, context_window=window, memory_tokens=asked).most_memory == most


@pytest.mark.parametrize(
    ("tokens", "asked", "starts"),
    [
        ((100, 100, 10), (), [0, 2]),
        ((100, 99, 10), (), [0]),
        ((200, 200, 200), (), [0, 1, 2]),
        ((100, 100, 10), (1,), [0]),
        ((100, 100, 10), (2,), [0, 2]),
    ],
    ids=["long talk", "one token less", "each is long", "after a question", "before a question"],
)
def test_long_unaddressed_talk_has_several_rounds(
    tokens: tuple[int, ...], asked: tuple[int, ...], starts: list[int]
) -> None:
    """At 200 tokens; what follows a question belongs to it until it is answered."""
    turns = [Turn(at, Role.USER, "x", "", size, asked=at in asked) for at, size in enumerate(tokens)]
    assert round_starts(turns) == starts


def test_round_begins_where_user_speaks_after_answer() -> None:
    roles = "uuauaau"
    turns = [Turn(n, Role.USER if role == "u" else Role.ASSISTANT, "x", "") for n, role in enumerate(roles)]
    assert round_starts(turns) == [0, 3, 6]
    assert round_starts(turns[2:]) == [0, 4]
    assert round_starts(turns[2:3]) == [0]
    assert round_starts([]) == []
