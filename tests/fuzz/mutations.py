"""How often fuzz tests try, and how they change good inputs.

``make test`` tries the same examples each time. ``make fuzz`` sets ``FUZZ``, and tries so many times more, others each
time; what fails is printed with the input.
"""

import json
import os
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

FACTOR = int(os.environ.get("FUZZ", "1"))
SLOW = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large)

Drawn = TypeVar("Drawn")
Json = Any

ODD_TEXTS = ("", " ", "\x00", "\ud83d", "\u202e", "/stop", "/start x", "0" * 50, "a" * 5000, "[" * 300, "nan", "🎈" * 9)
ODD_NUMBERS = (0, -1, 1, 2**31, 2**53, 2**62, 2**63, -(2**63) - 1, 10**50, 0.5, 1e308)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.sampled_from(ODD_NUMBERS), st.sampled_from(ODD_TEXTS), st.text(max_size=20)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def fuzzed(examples: int) -> settings:
    """The settings of a test that tries so many examples in ``make test``."""
    return settings(
        max_examples=examples * FACTOR,
        deadline=None,
        database=None,
        derandomize=FACTOR == 1,
        suppress_health_check=SLOW,
    )


@st.composite
def changed_json(draw: st.DrawFn, good: st.SearchStrategy[Json], *, typed: bool = False) -> Json:
    """Good JSON in which up to four places are another value (if `typed`, of the same type), missing or double."""
    value = json.loads(json.dumps(draw(good)))
    for _ in range(draw(st.integers(1, 4))):
        paths = list(_paths(value))
        if paths:
            _change(draw, value, draw(st.sampled_from(paths)), typed=typed)
    return value


@st.composite
def changed_bytes(draw: st.DrawFn, good: st.SearchStrategy[bytes]) -> bytes:
    """Good bytes that are cut, or in which something is other, missing, double or inserted."""
    data = draw(good)
    for _ in range(draw(st.integers(1, 4))):
        at, until = sorted((draw(st.integers(0, len(data))), draw(st.integers(0, len(data)))))
        until = min(until, at + draw(st.sampled_from([0, 1, 4, 64, 4096])))
        new = draw(st.sampled_from([b"", b"\x00", b"\xff" * 4, data[at:until] * 2]) | st.binary(max_size=8))
        data = data[:at] + new + data[until:]
    return data[: draw(st.sampled_from([None, None, len(data) // 2, 100]))]


def _paths(value: Json, before: tuple[Json, ...] = ()) -> Any:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*before, key)
        yield from _paths(item, (*before, key))


def _change(draw: st.DrawFn, value: Json, path: tuple[Json, ...], *, typed: bool) -> None:
    for key in path[:-1]:
        value = value[key]
    match draw(st.sampled_from(["other", "missing", "double"])):
        case "other":
            value[path[-1]] = draw(_like(value[path[-1]]) if typed else VALUES)
        case "missing":
            del value[path[-1]]
        case _ if isinstance(value, list):
            value.append(value[path[-1]])
        case _ if not typed:
            value[draw(st.sampled_from(["id", "text", "from", "chat", "date", "type"]))] = value[path[-1]]


def _like(value: Json) -> st.SearchStrategy[Json]:
    match value:
        case bool():
            return st.booleans()
        case int():
            return st.sampled_from([-(2**53), -1, 0, 1, 2**31, 2**53])
        case str():
            return st.sampled_from(ODD_TEXTS) | st.text(max_size=20)
        case list():
            return st.just([])
        case _:
            return st.just(value)
