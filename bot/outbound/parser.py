"""The markdown parser's events, in a number that its input bounds.

The parser fills short rows of a wide table with empty cells, so that a few thousand characters can become a quarter of
a million events; nothing that a reader would miss is in them.
"""

from collections.abc import Iterator

import pyromark
from pyromark.event import Event

_EVENTS_PER_CHARACTER = 4
_FEW_EVENTS = 1000


class TooDenseError(ValueError):
    """So short a text must not take so long: it is shown as it was written."""


def events(
    text: str, options: pyromark.Options, kinds: frozenset[str] | None = None
) -> Iterator[tuple[Event, int, int]]:
    """Each event with its range in bytes of the text's UTF-8 form. Raises TooDenseError.

    `kinds`: those with these keys alone; most events are texts and ends, and ``match`` tries case after case on each.
    """
    left = _EVENTS_PER_CHARACTER * len(text) + _FEW_EVENTS
    for event, place in pyromark.events_with_range(text, options=options):
        left -= 1
        if left < 0:
            raise TooDenseError
        if kinds is None or (not isinstance(event, str) and kinds.issuperset(event)):
            yield event, place["start"], place["end"]
