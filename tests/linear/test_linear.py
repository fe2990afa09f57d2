"""No time grows with the square of a text.

Times are compared with each other only, each as the processor's and the best of some; and what looks quadratic must do
so at two sizes, because a limit that is passed in between looks so at one.
"""

import time
from collections.abc import Callable

import pytest

from bot.conversation import query
from tests.linear.calls import IN_LETTERS
from tests.linear.functions import Run, discovered, functions
from tests.linear.texts import TEXTS
from tests.outbound.nasty import Grower
from tests.selection import some

SIZE = 1200
FLOOR_S = 0.005
"""Too short a time to tell how it grows."""
MOST_GROWTH = 10.0
"""For four times the length: sixteen is quadratic."""
SURE_GROWTH = 6.0
"""So little that one look is enough."""
LONG_S = 0.3
"""So long that noise doesn't matter, and that there is no need to see four times more of it."""
TRIES = 6


def seconds(run: Run, text: str) -> float:
    """Of the processor."""
    began = time.thread_time()
    run(text)
    return time.thread_time() - began


def growth(run: Run, grow: Grower, size: int) -> float:
    """How many times as long this size takes as a quarter of it.

    Both at their best, and in turns: other processes slow down a single look at either.
    """
    long, short = [], []
    for _ in range(TRIES):
        short += [seconds(run, grow(size // 4)) for _ in range(3)]
        long.append(seconds(run, grow(size)))
        if long[-1] > LONG_S:
            break
    return min(long) / max(min(short), FLOOR_S / 16)


def is_quadratic(run: Run, grow: Grower, size: int = SIZE) -> bool:
    once = seconds(run, grow(size))
    if once < FLOOR_S or once < SURE_GROWTH * min(seconds(run, grow(size // 4)) for _ in range(2)):
        return False
    if growth(run, grow, size) < MOST_GROWTH:
        return False
    return seconds(run, grow(size)) > LONG_S or growth(run, grow, 4 * size) > MOST_GROWTH


@pytest.mark.parametrize("name", some(TEXTS, 4))
def test_no_time_is_quadratic(name: str) -> None:
    runs = {called: run for called, run in functions().items() if called not in IN_LETTERS}
    assert [called for called, run in runs.items() if is_quadratic(run, TEXTS[name])] == []


@pytest.mark.parametrize("name", some(TEXTS, 12))
def test_no_time_in_letters_is_quadratic(name: str) -> None:
    assert [called for called in IN_LETTERS if is_quadratic(functions()[called], TEXTS[name])] == []


@pytest.mark.long
@pytest.mark.parametrize("name", TEXTS)
def test_no_time_is_quadratic_at_length(name: str) -> None:
    assert [called for called, run in discovered().items() if is_quadratic(run, TEXTS[name], 40_000)] == []


def _pairs(text: str) -> int:
    return sum(one == other for one in text for other in text)


def _heads(text: str) -> int:
    return max(len(text[:at].split()) for at in range(len(text)))


@pytest.mark.parametrize(("quadratic", "size"), [(_pairs, SIZE), (_heads, 4 * SIZE)])
def test_what_is_quadratic_is_noticed(
    quadratic: Callable[[str], object], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quadratic, "__module__", query.__name__)
    monkeypatch.setattr(query, "planted", quadratic, raising=False)
    run = discovered()[f"{query.__name__}.planted"]
    assert is_quadratic(run, TEXTS["other words"], size)


def test_many_functions_and_texts_are_measured() -> None:
    assert len(TEXTS) > 140
    assert len(functions()) > 220
    assert len(IN_LETTERS) == 6
