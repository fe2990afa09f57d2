"""The numbers of ordered lists as written.

Markdown numbers a list consecutively from its first number. Here each item keeps its own number, except that a list of
only 1s, a common way to write "number this for me", is numbered consecutively.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from telegramify_markdown.rich import RICH_OPTIONS

from bot.outbound.blocks import events

DELIMITER = "\ufdd2"
"""A noncharacter that follows each item's number until its delimiter replaces it."""
_MARKER = re.compile(rb"[ \t]*(\d{1,9})([.)])")
_TAG = re.compile(r"<(/?)(ol|ul|li)\b[^<>]*+>")
_DELIMITERS = {".": ")", ")": "."}
_NESTING = frozenset({"Start", "End"})


@dataclass(frozen=True, slots=True)
class ListItem:
    """An item of an ordered list; the range covers its number and delimiter, in bytes of UTF-8."""

    start: int
    end: int
    number: int
    delimiter: str


@dataclass(slots=True)
class OrderedList:
    """An ordered list."""

    depth: int
    items: list[ListItem] = field(default_factory=list)

    @property
    def numbers(self) -> list[int]:
        """The numbers to show."""
        written = [item.number for item in self.items]
        return list(range(1, len(written) + 1)) if all(number == 1 for number in written) else written

    @property
    def counts_up(self) -> bool:
        """Whether the parser would number it the same way."""
        return all(after == before + 1 for before, after in pairwise(self.numbers))


def ordered_lists(text: str) -> list[OrderedList]:
    """The ordered lists, outer ones first. Raises TooDenseError."""
    return _ItemRanges(text).lists


def split_lists(text: str) -> str:
    """The text with each non-consecutive item made a list of its own, for a converter that only counts.

    Lists with different delimiters are separate lists, so changing the delimiters is enough.
    """
    lists = ordered_lists(text)
    if all(ordered.counts_up for ordered in lists):
        return text
    data, parts, done = text.encode(), list[bytes](), 0
    for place, delimiter in sorted(_delimiters(lists)):
        parts += (data[done:place], delimiter.encode())
        done = place + 1
    return b"".join((*parts, data[done:])).decode()


def restore_delimiters(converted: str, text: str) -> str:
    """The converted text with each item's original delimiter."""
    if DELIMITER not in converted:
        return converted
    items = sorted((item for ordered in ordered_lists(text) for item in ordered.items), key=lambda item: item.start)
    if converted.count(DELIMITER) != len(items):
        return converted.replace(DELIMITER, ".")
    parts = converted.split(DELIMITER)
    return "".join((*(part + item.delimiter for part, item in zip(parts, items, strict=False)), parts[-1]))


def add_values(html: str, text: str) -> str:
    """The rich HTML of the text, with a number at each item of a list that isn't consecutive."""
    lists = ordered_lists(text)
    if all(ordered.counts_up for ordered in lists):
        return html
    waiting, opened = iter(lists), list[Iterator[int] | None]()

    def numbered(tag: re.Match[str]) -> str:
        closes, name = tag[1], tag[2]
        if closes:
            if name != "li" and opened:
                opened.pop()
        elif name == "li":
            number = next(opened[-1], None) if opened and opened[-1] is not None else None
            return tag[0] if number is None else f'<li value="{number}" type="1">'
        else:
            ordered = next(waiting, None) if name == "ol" else None
            opened.append(iter(ordered.numbers) if ordered is not None and not ordered.counts_up else None)
        return tag[0]

    return _TAG.sub(numbered, html)


def shown_numbers(html: str) -> Iterator[int]:
    """The item numbers that a reader of the rich HTML sees."""
    counts: list[int | None] = []
    for tag in _TAG.finditer(html):
        if tag[1]:
            if tag[2] != "li" and counts:
                counts.pop()
        elif tag[2] == "li":
            if counts and counts[-1] is not None:
                number = _attribute(tag[0], "value") if "type=" in tag[0] else None
                counts[-1] = (counts[-1] if number is None else number) + 1
                yield counts[-1] - 1
        else:
            start = _attribute(tag[0], "start")
            counts.append(None if tag[2] == "ul" else 1 if start is None else start)


def _attribute(tag: str, name: str) -> int | None:
    found = re.search(rf'\b{name}="(\d+)"', tag)
    return int(found[1]) if found else None


def _delimiters(lists: list[OrderedList]) -> Iterator[tuple[int, str]]:
    """The position and the new value of each delimiter: it changes wherever the numbering starts again."""
    last: dict[int, str] = {}
    for ordered in lists:
        before = None
        for item, number in zip(ordered.items, ordered.numbers, strict=True):
            if before is None or number != before + 1:
                last[ordered.depth] = _DELIMITERS[last.get(ordered.depth, ")")]
            before = number
            yield item.end - 1, last[ordered.depth]


class _ItemRanges:
    def __init__(self, text: str) -> None:
        self.lists: list[OrderedList] = []
        self._data = text.encode()
        self._open: list[OrderedList | None] = []
        for event, start, _ in events(text, RICH_OPTIONS, _NESTING):
            match event:
                case {"Start": {"List": first}}:
                    self._begin(ordered=first is not None)
                case {"End": {"List": _}}:
                    self._open.pop()
                case {"Start": "Item"}:
                    self._take(start)

    def _begin(self, *, ordered: bool) -> None:
        opened = OrderedList(depth=len(self._open)) if ordered else None
        self._open.append(opened)
        if opened is not None:
            self.lists.append(opened)

    def _take(self, start: int) -> None:
        current = self._open[-1]
        marker = _MARKER.match(self._data, start)
        if current is not None and marker is not None:
            current.items.append(ListItem(marker.start(1), marker.end(), int(marker[1]), marker[2].decode()))
