"""Which stretches of a conversation its notes are made of: said by us with the notes, not by the model in them."""

from collections.abc import Sequence
from datetime import datetime, tzinfo

from storage.noted import Span

MOST_SPANS = 4
"""Stretches that are told apart; of more, those that lie closest together are told as one."""
_ALL = "They are made of what was said {spans}."
_PARTS = _ALL + " What was said between these times and since left your view unnoted: searching finds it."


def added(spans: Sequence[Span], after_turn: int, new: Span) -> tuple[Span, ...]:
    """The stretches with one more; it goes on with the last one where that ends at `after_turn`."""
    if spans and spans[-1].through_turn == after_turn:
        new = Span(new.through_turn, min(spans[-1].since, new.since), new.until)
        spans = spans[:-1]
    joined = [*spans, new]
    while len(joined) > MOST_SPANS:
        at = min(range(1, len(joined)), key=lambda one: joined[one].since - joined[one - 1].until)
        first, second = joined[at - 1 : at + 1]
        joined[at - 1 : at + 1] = [Span(second.through_turn, first.since, second.until)]
    return tuple(joined)


def told(spans: Sequence[Span], zone: tzinfo) -> str:
    """The stretches in words for the model; nothing where they are not known."""
    if not spans:
        return ""
    form = _PARTS if len(spans) > 1 else _ALL
    return form.format(spans=", and ".join(f"from {since} to {until}" for since, until in times(spans, zone)))


def times(spans: Sequence[Span], zone: tzinfo) -> list[tuple[str, str]]:
    """The first and the last time of each stretch."""
    return [(_time(span.since, zone), _time(span.until, zone)) for span in spans]


def _time(at: float, zone: tzinfo) -> str:
    return f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M}"
