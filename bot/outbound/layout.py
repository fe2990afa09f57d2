"""Where the blocks of a markdown source are, as the parser sees them: what a cut should respect.

Positions are characters of the source.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import pyromark
from pyromark.event import Event
from telegramify_markdown.converter import STANDARD_OPTIONS

from bot.outbound.frames import Frame, code_frame, table_frame

_Edges = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """The parts of one source that matter to a cut."""

    blocks: tuple[int, ...]
    """The lines at which a block, or an item of a list, starts that stands in no other."""
    frames: tuple[Frame, ...]
    spans: tuple[_Edges, ...]
    """Emphasised text, links, inline code: better not cut."""

    def frame(self, position: int) -> Frame | None:
        """The frame that the position is inside of."""
        return next((frame for frame in self.frames if frame.start < position < frame.end), None)

    def in_span(self, position: int) -> bool:
        """Whether a cut there would leave emphasis or a link unclosed."""
        return any(start < position < end for start, end in self.spans)


def layout(source: str) -> Layout:
    """Ask the parser."""
    found = _Found()
    for event, place in pyromark.events_with_range(source, options=STANDARD_OPTIONS):
        found.take(event, (place["start"], place["end"]))
    everything = (*found.blocks, *found.code, *found.tables, *found.spans)
    at = _characters(source, {edge for edges in everything for edge in edges})
    return Layout(
        blocks=tuple(source.rfind("\n", 0, at[start]) + 1 for start, _ in found.blocks),
        frames=tuple(code_frame(source, at[start], at[end]) for start, end in found.code)
        + tuple(table_frame(source, at[start], at[end]) for start, end in found.tables),
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
            ):
                self.spans.append(edges)


def _characters(source: str, offsets: Iterable[int]) -> dict[int, int]:
    """Offsets of the source's UTF-8 form as character positions."""
    data = source.encode()
    positions = {0: 0}
    for before, offset in pairwise(sorted({0, *offsets})):
        positions[offset] = positions[before] + len(data[before:offset].decode())
    return positions
