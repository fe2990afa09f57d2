"""What is refused is found by halves, with few requests."""

import asyncio

import pytest

from bot.conversation import refusal_search
from bot.conversation.refusal_search import MOST_PROBES, _search


class Filter:
    """Refuses every span that holds one of these parts."""

    def __init__(self, *bad: int) -> None:
        self.bad = bad
        self.asked = 0

    async def __call__(self, start: int, end: int) -> bool:
        self.asked += 1
        return not any(start <= at < end for at in self.bad)


@pytest.mark.parametrize("bad", [(0,), (199,), (37,), (0, 199), (5, 6)])
async def test_each_refused_part_is_found(bad: tuple[int, ...]) -> None:
    filtered = Filter(*bad)
    assert await _search(filtered, 200) == list(bad)
    assert filtered.asked <= min(1 + 14 * len(bad), MOST_PROBES)


async def test_nothing_is_found_where_all_passes() -> None:
    filtered = Filter()
    assert await _search(filtered, 200) == []
    assert filtered.asked == 1


async def test_parts_that_are_refused_together_are_innocent() -> None:
    async def passes(start: int, end: int) -> bool:
        return end - start < 2

    assert await _search(passes, 2) == []


async def test_what_is_not_asked_about_stays() -> None:
    filtered = Filter(*range(100, 200))
    found = await _search(filtered, 200)
    assert filtered.asked == MOST_PROBES
    assert set(found) <= set(filtered.bad)
    assert found


async def test_when_time_is_up_the_rest_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(0, 1000, 10))
    monkeypatch.setattr(refusal_search, "SEARCH_S", 95)
    filtered = Filter(0, 150)
    with monkeypatch.context() as patched:
        patched.setattr(asyncio.get_running_loop(), "time", lambda: next(now))
        found = await _search(filtered, 200)
    assert filtered.asked == 9
    assert found == [0]
