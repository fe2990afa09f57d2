"""The block structure of Markdown, as its parser sees it: where a text may be cut, and what to repeat after a cut.

Code repeats its fences after a cut, a table its header. Positions are characters of the source. They are found by
bisection, since there may be thousands of positions and blocks.

The parser fills short rows of wide tables with empty cells, so that a few thousand characters can yield a quarter of a
million events; the number of events is therefore limited by the length of the input.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

import pyromark
from pyromark.event import Event
from telegramify_markdown.converter import STANDARD_OPTIONS

_EVENTS_PER_CHARACTER = 4
_FEW_EVENTS = 1000
_FENCE = re.compile(r"(`{3,}|~{3,})[ \t]*([^\s`,]{0,40})")
_CLOSING = re.compile(r"[ \t>]*(`{3,}|~{3,})[ \t]*")
_NO_QUOTE = re.compile(r"[^>\s]")
_LONGEST_HEADER = 500
"""A longer header row isn't repeated, because it would leave no room for rows."""
_Edges = tuple[int, int]


class TooDenseError(ValueError):
    """The text has too many parser events for its length; it is shown unformatted."""


def events(
    text: str, options: pyromark.Options, kinds: frozenset[str] | None = None
) -> Iterator[tuple[Event, int, int]]:
    """Each event with its byte range in the UTF-8 text. Raises TooDenseError.

    `kinds`: only events with these keys. Most events are text and end events, and ``match`` would try every case on
    each.
    """
    left = _EVENTS_PER_CHARACTER * len(text) + _FEW_EVENTS
    for event, place in pyromark.events_with_range(text, options=options):
        left -= 1
        if left < 0:
            raise TooDenseError
        if kinds is None or (not isinstance(event, str) and kinds.issuperset(event)):
            yield event, place["start"], place["end"]


@dataclass(frozen=True, slots=True)
class Frame:
    """A code block or table. A cut in its body ends one piece with `closing`; the next begins with `opening`."""

    start: int
    body: int
    body_end: int
    end: int
    opening: str = ""
    closing: str = ""
    indent: int = 0
    """The columns by which its lines are indented inside a list."""
    is_table: bool = False

    def may_cut(self, source: str, at: int) -> bool:
        """Whether both pieces stay valid: no cut inside the fence lines, the header or a row."""
        if self.is_table:
            return at >= self.body and source[at - 1] == "\n"
        return self.body < at < self.body_end or not self.start < at < self.end


def code_frame(source: str, start: int, end: int) -> Frame:
    """The frame of a code block."""
    fence = _FENCE.match(source, start)
    if fence is None:  # indented code needs only its indent
        return Frame(start, start, end, end)
    prefix, indent = _prefix(source, start)
    last_line = source.rfind("\n", start, end - 1) + 1
    last = _CLOSING.fullmatch(source, last_line, end) if last_line else None
    closed = last is not None and last[1].startswith(fence[1])
    return Frame(
        start,
        body=_next_line(source, start, end),
        body_end=last_line if closed else end,
        end=end,
        opening=f"{prefix}{fence[0]}\n",
        closing=f"{prefix}{fence[1]}",
        indent=indent,
    )


def table_frame(source: str, start: int, end: int) -> Frame:
    """The frame of a table."""
    prefix, indent = _prefix(source, start)
    body = _next_line(source, _next_line(source, start, end), end)
    header = prefix + source[start:body]
    opening = header if len(header) <= _LONGEST_HEADER else ""
    return Frame(start, body, end, end, opening=opening, indent=indent, is_table=True)


def _prefix(source: str, start: int) -> tuple[str, int]:
    """The quote marks before a block, or the width of its indent if there are none."""
    before = _NO_QUOTE.sub(" ", source[source.rfind("\n", 0, start) + 1 : start])
    return (before, 0) if ">" in before else ("", len(before))


def _next_line(source: str, start: int, end: int) -> int:
    newline = source.find("\n", start, end)
    return end if newline < 0 else newline + 1


@dataclass(frozen=True, slots=True)
class Layout:
    """The parts of a source that matter for cuts, each in source order."""

    blocks: tuple[int, ...] = ()
    """The starts of lines with a top-level block or list item."""
    frames: tuple[Frame, ...] = ()
    spans: tuple[_Edges, ...] = ()
    """Emphasis, links and inline code, not nested: better not cut."""

    def frame(self, position: int) -> Frame | None:
        """The frame that contains the position."""
        before = bisect_left(self.frames, position, key=_start_of_frame)
        frame = self.frames[before - 1] if before else None
        return frame if frame is not None and position < frame.end else None

    def in_span(self, position: int) -> bool:
        """Whether a cut there would leave emphasis or a link open."""
        before = bisect_left(self.spans, position, key=_start_of_span)
        return before > 0 and position < self.spans[before - 1][1]


@lru_cache(maxsize=4)  # the parts of an answer ask for the same one
def layout(source: str) -> Layout:
    """Parse the source."""
    found = _BlockRanges()
    try:
        for event, start, end in events(source, STANDARD_OPTIONS):
            found.take(event, (start, end))
    except TooDenseError:
        return Layout()
    everything = (*found.blocks, *found.code, *found.tables, *found.spans)
    at = _characters(source, {edge for edges in everything for edge in edges})
    frames = [code_frame(source, at[start], at[end]) for start, end in found.code]
    frames += [table_frame(source, at[start], at[end]) for start, end in found.tables]
    return Layout(
        blocks=tuple(source.rfind("\n", 0, at[start]) + 1 for start, _ in found.blocks),
        frames=tuple(sorted(frames, key=_start_of_frame)),
        spans=tuple((at[start], at[end]) for start, end in found.spans),
    )


@dataclass(slots=True)
class _BlockRanges:
    """Byte ranges in the UTF-8 source, as the parser counts."""

    blocks: list[_Edges] = field(default_factory=list)
    code: list[_Edges] = field(default_factory=list)
    tables: list[_Edges] = field(default_factory=list)
    spans: list[_Edges] = field(default_factory=list)
    depth: int = 0

    def take(self, event: Event, edges: _Edges) -> None:
        match event:
            case {"Start": tag}:
                if self.depth == 0 or (self.depth == 1 and tag == "Item"):
                    self.blocks.append(edges)
                self.depth += 1
            case {"End": _}:
                self.depth -= 1
        match event:
            case {"Start": {"CodeBlock": _}}:
                self.code.append(edges)
            case {"Start": {"Table": _}}:
                self.tables.append(edges)
            case (
                {"Start": "Strong" | "Emphasis" | "Strikethrough" | {"Link": _} | {"Image": _}}
                | {"Code": _}
                | {"InlineMath": _}
                | {"DisplayMath": _}
            ) if not self.spans or self.spans[-1][1] <= edges[0]:
                self.spans.append(edges)


def _start_of_frame(frame: Frame) -> int:
    return frame.start


def _start_of_span(span: _Edges) -> int:
    return span[0]


def _characters(source: str, offsets: Iterable[int]) -> dict[int, int]:
    """Byte offsets of the UTF-8 source as character positions."""
    data = source.encode()
    positions = {0: 0}
    for before, offset in pairwise(sorted({0, *offsets})):
        positions[offset] = positions[before] + len(data[before:offset].decode())
    return positions
