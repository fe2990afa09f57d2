"""Cutting markdown into pieces that each stand for themselves.

Nothing but blank space is lost at a cut. A block of code is closed, and opened again with the same fence and language;
a table repeats its header; a list goes on without the indent that its parents gave it. What surrounds a position is
asked of the whole source, so a piece can begin at any earlier piece's end, whatever its size was.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.outbound.frames import Frame
from bot.outbound.graphemes import may_cut
from bot.outbound.layout import layout

_BLANK_LINE = re.compile(r"\n[ \t>]*\n")
_LINE = re.compile(r"\n")
_SENTENCE = re.compile(r"[.!?…][\"')\]*_]*\s+|[\u3002\uff01\uff1f]+")  # and the full stops of Chinese and Japanese
_WORD = re.compile(r"\s+")
_BETWEEN_WORDS = re.compile(r"(?<![A-Za-z0-9])|(?![A-Za-z0-9])")  # in a script that writes no spaces
_BLANK_LINES = re.compile(r"(?:[ \t]*\n)*")


@dataclass(frozen=True, slots=True)
class Chunk:
    """One piece, and the position in the source up to which everything is told by it and those before it."""

    text: str
    end: int


def next_part(source: str, offset: int, limit: int) -> Chunk:
    """The piece that begins at `offset`, at most `limit` characters long."""
    return _Cutter(source, offset, limit).chunk()


class _Cutter:
    def __init__(self, source: str, offset: int, limit: int) -> None:
        self._source = source
        self._offset = offset
        self._layout = layout(source)
        self._at_line = offset == 0 or source[offset - 1] == "\n"
        self._frame = self._frame_to_reopen()
        self._opening = self._frame.opening if self._frame and 2 * len(self._frame.opening) <= limit else ""
        self._room = limit - len(self._opening)
        self._indent, self._indent_end = self._indent_to_drop()

    def chunk(self) -> Chunk:
        end = len(self._source)
        if end - self._offset <= self._room:
            return Chunk(self._text(end), end)
        cut = self._best_cut()
        return Chunk(self._text(cut), self._next_start(cut))

    def _frame_to_reopen(self) -> Frame | None:
        frame = self._layout.frame(self._offset)
        if frame is None or self._offset < frame.body or (frame.is_table and not self._at_line):
            return None
        return frame

    def _best_cut(self) -> int:
        """The last place of the best kind; a worse kind is taken rather than a piece that is nearly empty."""
        third, half = self._offset + self._room // 3, self._offset + self._room // 2
        return (
            self._last(self._layout.blocks, third)
            or self._last(self._ends(_BLANK_LINE), third)
            or self._last(self._ends(_LINE), half)
            or self._last(self._ends(_SENTENCE), half)
            or self._last(self._ends(_WORD), self._offset + 1)
            or self._last(self._ends(_WORD), half, tidy=False)
            or self._last(self._ends(_BETWEEN_WORDS), half, tidy=False)
            or self._last(range(self._offset + 1, self._offset + self._room + 1), self._offset + 1, tidy=False)
            or self._offset + 1
        )

    def _ends(self, pattern: re.Pattern[str]) -> list[int]:
        end = self._offset + self._room + 1  # one further, to see whether a word ends there
        return [match.end() for match in pattern.finditer(self._source, self._offset, end)]

    def _last(self, places: Iterable[int], least: int, *, tidy: bool = True) -> int | None:
        fitting = [place for place in places if least <= place <= self._offset + self._room]
        return next((place for place in reversed(fitting) if self._may_cut(place, tidy)), None)

    def _may_cut(self, place: int, tidy: bool) -> bool:
        frame = self._layout.frame(place)
        if place - self._offset + len(self._closing(place)) > self._room or not may_cut(self._source, place):
            return False
        if tidy and self._layout.in_span(place):
            return False
        return frame is None or (frame.is_table and not tidy) or frame.may_cut(self._source, place)

    def _closing(self, cut: int) -> str:
        frame = self._layout.frame(cut)
        if frame is None or not frame.closing:
            return ""
        dedented = self._indent if frame.start < self._indent_end else 0
        indent = 0 if frame == self._frame else max(0, frame.indent - dedented)
        return f"\n{' ' * indent}{frame.closing}"

    def _text(self, cut: int) -> str:
        body = self._source[self._offset : cut].rstrip()
        indented = self._indent_end - self._offset
        if self._indent:
            body = re.sub(rf"(?m)^ {{1,{self._indent}}}", "", body[:indented]) + body[indented:]
        return self._opening + body + self._closing(cut)

    def _indent_to_drop(self) -> tuple[int, int]:
        """The indent of the list that this piece begins in, and where that level of the list ends."""
        if self._offset == 0 or not self._at_line:
            return 0, self._offset
        rest = self._source[self._offset :]
        indent = self._frame.indent if self._frame else len(rest) - len(rest.lstrip(" "))
        shallower = re.compile(rf"^ {{0,{max(indent - 1, 0)}}}\S", re.MULTILINE)
        found = shallower.search(self._source, self._frame.end if self._frame else self._offset)
        return indent, found.start() if found else len(self._source)

    def _next_start(self, cut: int) -> int:
        """Where the next piece begins: blank lines, and the fence of a block that this piece closes, are done with."""
        start = self._skip_blank_lines(cut)
        frame = self._layout.frame(start)
        if frame is not None and start >= frame.body_end:
            start = self._skip_blank_lines(frame.end)
        return start if self._source[start:].strip() else len(self._source)

    def _skip_blank_lines(self, start: int) -> int:
        match = _BLANK_LINES.match(self._source, start)
        return match.end() if match else start
