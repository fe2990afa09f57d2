"""Where the blocks of a markdown source are, as the parser sees them: what a cut should respect.

Positions are characters of the source. The places that a cut asks about are found by bisection: there are thousands of
them, and thousands of blocks.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from pyromark.event import Event
from telegramify_markdown.converter import STANDARD_OPTIONS

from bot.outbound.frames import Frame, code_frame, table_frame
from bot.outbound.parser import TooDenseError, events

_Edges = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """The parts of one source that matter to a cut, each in the order of the source."""

    blocks: tuple[int, ...] = ()
    """The lines at which a block, or an item of a list, starts that stands in no other."""
    frames: tuple[Frame, ...] = ()
    spans: tuple[_Edges, ...] = ()
    """Emphasised text, links, inline code, none inside another: better not cut."""

    def frame(self, position: int) -> Frame | None:
        """The frame that the position is inside of."""
        before = bisect_left(self.frames, position, key=_start_of_frame)
        frame = self.frames[before - 1] if before else None
        return frame if frame is not None and position < frame.end else None

    def in_span(self, position: int) -> bool:
        """Whether a cut there would leave emphasis or a link unclosed."""
        before = bisect_left(self.spans, position, key=_start_of_span)
        return before > 0 and position < self.spans[before - 1][1]


@lru_cache(maxsize=4)  # the parts of an answer ask for the same one
def layout(source: str) -> Layout:
    """Ask the parser."""
    found = _Found()
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
class _Found:
    """Ranges in bytes of the source's UTF-8 form, which is how the parser counts."""

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
    """Offsets of the source's UTF-8 form as character positions."""
    data = source.encode()
    positions = {0: 0}
    for before, offset in pairwise(sorted({0, *offsets})):
        positions[offset] = positions[before] + len(data[before:offset].decode())
    return positions
