"""No pattern takes a time that grows with the square of a text."""

import re
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from tests.patterns import growers, patterns, runs, seconds

LENGTH = 6400
NOTICED_S = 0.0025
MOST_GROWTH = 8.0
"""For four times the length: sixteen is quadratic."""
TRIES = 4
"""A machine that is busy with others makes one measurement look so, and not each."""
BOUNDED = {
    "bot.conversation.ranking._PIECE": "no blanks at an end: they are cut before",
    "bot.llm.failures._WORDS": "a server's words: 2,000 characters, none of them 200 long",
    "bot.llm.failures._NO_CREDIT": "as above",
    "bot.llm.failures._QUOTED": "as above",
    "bot.llm.failures._MODEL_STUDIO": "the name of a host",
    "bot.llm.media_wordings._AFTER": "forty characters",
    "bot.llm.profiles._LOCAL": "the name of a model",
}
"""Those that see nothing long."""


def _grown(pattern: re.Pattern[Any], start: str, unit: str, end: str, length: int) -> str | bytes:
    text = start + (unit * (length // len(unit) + 1))[:length] + end
    return text.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else text


def _grows(pattern: re.Pattern[Any], run: Callable[[Any], object], start: str, unit: str, end: str) -> bool:
    took, quarter = (
        min(seconds(run, _grown(pattern, start, unit, end, length)) for _ in range(3))
        for length in (LENGTH, LENGTH // 4)
    )
    return took > MOST_GROWTH * max(quarter, NOTICED_S / 16)


def _quadratic(place: str, pattern: re.Pattern[Any], pairs: list[tuple[str, str]], end: str) -> list[str]:
    found = []
    for (start, unit), run in product(pairs, runs(place, pattern)):
        text = _grown(pattern, start, unit, end, LENGTH)
        if seconds(run, text) < NOTICED_S:
            continue
        if all(_grows(pattern, run, start, unit, end) for _ in range(TRIES)):
            found.append(f"{place}: {start!r}, then {unit!r} ...")
    return found


def test_what_is_quadratic_is_noticed() -> None:
    pattern = re.compile(r"\[.*\]")
    assert _quadratic("here", pattern, growers(pattern), "\0")


def test_no_pattern_is_quadratic() -> None:
    found = {place: pattern for place, pattern in patterns().items() if place not in BOUNDED}
    assert len(found) > 250
    assert [one for place, pattern in found.items() for one in _quadratic(place, pattern, growers(pattern), "\0")] == []


@pytest.mark.long
@pytest.mark.parametrize("end", ["", "\n", "x", "\n\0", " \0"])
def test_no_pattern_is_quadratic_before(end: str) -> None:
    wide = []
    for place, pattern in patterns().items():
        if place not in BOUNDED:
            pairs = growers(pattern)
            units = [unit for _, unit in pairs][:5]
            pairs += [("", one + other) for one, other in product(units, units)]
            wide += _quadratic(place, pattern, pairs, end)
    assert wide == []
