"""Blocks that need something repeated when they are cut: code keeps its fences, a table its header.

Positions are characters of the source.
"""

import re
from dataclasses import dataclass

_FENCE = re.compile(r"(`{3,}|~{3,})[ \t]*([^\s`,]{0,40})")
_CLOSING = re.compile(r"[ \t>]*(`{3,}|~{3,})[ \t]*")
_NO_QUOTE = re.compile(r"[^>\s]")
_LONGEST_HEADER = 500
"""A longer header row is not repeated: the rows would have no room beside it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A block of code or a table. A cut in its body ends one piece with `closing`, the next begins with `opening`."""

    start: int
    body: int
    body_end: int
    end: int
    opening: str = ""
    closing: str = ""
    indent: int = 0
    """Columns by which its lines are indented, because it stands in a list."""
    is_table: bool = False

    def may_cut(self, source: str, at: int) -> bool:
        """Whether both pieces stay what they are: not inside the fences' lines, the header or a row."""
        if self.is_table:
            return at >= self.body and source[at - 1] == "\n"
        return self.body < at < self.body_end or not self.start < at < self.end


def code_frame(source: str, start: int, end: int) -> Frame:
    """The frame of a code block."""
    fence = _FENCE.match(source, start)
    if fence is None:  # indented code needs nothing but its own indent
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
    """The quote marks before a block, or the width of the indent when there are none."""
    before = _NO_QUOTE.sub(" ", source[source.rfind("\n", 0, start) + 1 : start])
    return (before, 0) if ">" in before else ("", len(before))


def _next_line(source: str, start: int, end: int) -> int:
    newline = source.find("\n", start, end)
    return end if newline < 0 else newline + 1
