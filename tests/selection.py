"""Which cases of many ``make test`` runs; ``make test-long`` runs them all."""

from collections.abc import Iterable
from typing import Any

import pytest


def some(cases: Iterable[Any], every: int) -> list[Any]:
    """All cases; only the first of so many, and of so many more, is not a long one."""
    return [
        pytest.param(*_values(case), marks=() if number % every == 0 else pytest.mark.long)
        for number, case in enumerate(cases)
    ]


def first(cases: Iterable[Any], most: int = 1) -> list[Any]:
    """All cases; all but the first ones are long."""
    return [
        pytest.param(*_values(case), marks=() if number < most else pytest.mark.long)
        for number, case in enumerate(cases)
    ]


def _values(case: Any) -> tuple[Any, ...]:
    return case if isinstance(case, tuple) else (case,)
