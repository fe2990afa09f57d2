"""Splitting of Markdown into messages, each formatted on its own.

Only whitespace is lost at a cut, and no grapheme (accent, emoji sequence, flag) is split. A code block is closed and
reopened with the same fence and language, a table repeats its header, and a list continues without its parents' indent.
The context of a position is determined from the whole source, so a piece can begin at any earlier piece's end, whatever
its size was.

Each piece except the last fills at least half of the room; if the markup has no suitable place, the cut goes through
the markup.

A conversion may be longer than its source; the part is then made smaller. If a form would hold less than half of what
plain text holds, it is given up: a reply of a few thousand characters must not become thousands of messages.
"""

import logging
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bot.outbound.blocks import Frame, Layout, TooDenseError, layout
from bot.outbound.content import Content, Text
from bot.outbound.formatting import (
    RICH_LIMIT,
    TEXT_LIMIT,
    drop_entities,
    limit_share,
    to_plain,
    to_quote,
    to_rich,
    to_text,
)
from bot.outbound.lossless import keeps_everything

_JOINER = "\u200d"
_BLANK_LINE = re.compile(r"\n[ \t>]*\n")
_LINE = re.compile(r"\n")
_SENTENCE = re.compile(r"[.!?…][\"')\]*_]*\s+|[\u3002\uff01\uff1f]+")  # and the full stops of Chinese and Japanese
_WORD = re.compile(r"\s+")
_BETWEEN_WORDS = re.compile(r"(?<![A-Za-z0-9])|(?![A-Za-z0-9])")  # in scripts without spaces
_BLANK_LINES = re.compile(r"(?:[ \t]*\n)*")
_SPACES = re.compile(r" *")
_INK = re.compile(r"\S")
_FRAME_SHARE = 4
"""A frame is omitted if it would take more than one part in this many of a piece."""
_TRIES = 8
"""Sizes to try for one part."""
_CONTEXT = 1000
"""Characters after a part that may affect its end, while the source is still being written."""

log = logging.getLogger(__name__)


def may_cut(text: str, at: int) -> bool:
    """Whether `at` is between two visible characters (accents, emoji sequences and flags stay together)."""
    if not 0 < at < len(text):
        return True
    before, after = text[at - 1], text[at]
    if before == "\r" and after == "\n":
        return False
    return not (_extends(after) or before == _JOINER or (_is_flag_half(after) and _inside_flag(text, at)))


def _extends(character: str) -> bool:
    skin_tone = "\U0001f3fb" <= character <= "\U0001f3ff"
    tag = "\U000e0020" <= character <= "\U000e007f"
    return character == _JOINER or skin_tone or tag or unicodedata.category(character).startswith("M")


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _inside_flag(text: str, at: int) -> bool:
    start = at
    while start > 0 and _is_flag_half(text[start - 1]):
        start -= 1
    return (at - start) % 2 == 1


@dataclass(frozen=True, slots=True)
class Chunk:
    """One piece, and the position in the source up to which it and its predecessors cover."""

    text: str
    end: int


def next_part(source: str, offset: int, limit: int, least: int | None = None) -> Chunk:
    """The piece that begins at `offset`, at most `limit` characters, and at least `least` of the source if possible."""
    least = limit // 2 if least is None else least
    return _Cutter(source, _skip_blanks(source, offset, least), limit, least, layout(source)).chunk()


def next_plain_part(source: str, offset: int, limit: int) -> Chunk:
    """The piece that begins at `offset`, unformatted: no markup is closed or reopened."""
    least = limit // 2
    return _Cutter(source, _skip_blanks(source, offset, least), limit, least, Layout()).chunk()


def _skip_blanks(source: str, offset: int, most: int) -> int:
    """Where a piece begins that must not be blank, since Telegram refuses blank messages."""
    ink = _INK.search(source, offset)
    return offset if ink is None or ink.start() - offset < most else ink.start()


class _Cutter:
    def __init__(self, source: str, offset: int, limit: int, least: int, known: Layout) -> None:
        self._source = source
        self._offset = offset
        self._layout = known
        self._most_frame = limit // _FRAME_SHARE
        self._at_line = offset == 0 or source[offset - 1] == "\n"
        self._frame = self._frame_to_reopen()
        self._opening = self._frame.opening if self._frame else ""
        self._last_place = min(offset + limit - len(self._opening), len(source))
        self._first_place = min(offset + max(least, 1), self._last_place)
        self._indent, self._indent_end = self._indent_to_drop()

    def chunk(self) -> Chunk:
        end = len(self._source)
        if end <= self._last_place:
            return Chunk(self._text(end), end)
        cut = self._best_cut()
        return Chunk(self._text(cut), self._next_start(cut))

    def _frame_to_reopen(self) -> Frame | None:
        frame = self._layout.frame(self._offset)
        if frame is None or self._offset < frame.body or (frame.is_table and not self._at_line):
            return None
        return frame if self._fits(frame) else None

    def _fits(self, frame: Frame) -> bool:
        return len(frame.opening) + len(frame.closing) <= self._most_frame

    def _best_cut(self) -> int:
        """The last position of the best kind; if there is none, the room is filled completely."""
        return (
            self._last(self._blocks())
            or self._last(self._ends(_BLANK_LINE))
            or self._last(self._ends(_LINE))
            or self._last(self._ends(_SENTENCE))
            or self._last(self._ends(_WORD))
            or self._last(self._ends(_WORD), tidy=False)
            or self._last(self._ends(_BETWEEN_WORDS), tidy=False)
            or self._last(range(self._first_place, self._last_place + 1), tidy=False)
            or self._last_place
        )

    def _blocks(self) -> Sequence[int]:
        blocks = self._layout.blocks
        return blocks[bisect_left(blocks, self._first_place) : bisect_right(blocks, self._last_place)]

    def _ends(self, pattern: re.Pattern[str]) -> Iterator[int]:
        end = self._last_place + 1  # one further, to see whether a word ends there
        return (match.end() for match in pattern.finditer(self._source, self._offset, end))

    def _last(self, places: Iterator[int] | Sequence[int], *, tidy: bool = True) -> int | None:
        fitting = [place for place in places if self._first_place <= place <= self._last_place]
        return next((place for place in reversed(fitting) if self._may_cut(place, tidy)), None)

    def _may_cut(self, place: int, tidy: bool) -> bool:
        if tidy and self._layout.in_span(place):
            return False
        frame = self._layout.frame(place)
        if frame is not None and not (frame.is_table and not tidy) and not frame.may_cut(self._source, place):
            return False
        return place + len(self._closing(place)) <= self._last_place and may_cut(self._source, place)

    def _closing(self, cut: int) -> str:
        frame = self._layout.frame(cut)
        if frame is None or not frame.closing or cut < frame.body or not self._fits(frame):
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
        """The indent of the list in which this piece begins, and the end of that list level."""
        if self._offset == 0 or not self._at_line or self._layout == Layout():
            return 0, self._offset
        spaces = _SPACES.match(self._source, self._offset)
        indent = self._frame.indent if self._frame else len(spaces[0] if spaces else "")
        shallower = re.compile(rf"^ {{0,{max(indent - 1, 0)}}}\S", re.MULTILINE)
        start = min(self._frame.end, self._last_place) if self._frame else self._offset
        found = shallower.search(self._source, start, self._last_place + 1)
        return indent, found.start() if found else self._last_place

    def _next_start(self, cut: int) -> int:
        """Where the next piece begins: after blank lines, and after the closing fence of a block closed here."""
        start = self._skip_blank_lines(cut)
        frame = self._layout.frame(start)
        if frame is not None and start >= frame.body_end:
            start = self._skip_blank_lines(frame.end)
        return start if _INK.search(self._source, start) else len(self._source)

    def _skip_blank_lines(self, start: int) -> int:
        match = _BLANK_LINES.match(self._source, start)
        return match.end() if match else start


@dataclass(frozen=True, slots=True)
class Piece:
    """One message's content, and the end of what it covers in the source."""

    content: Content
    end: int


def pieces(source: str, offset: int, *, rich: bool) -> Iterator[Piece]:
    """The part at `offset` in every form that covers it completely; the last one is plain text.

    They are generated one by one, after the previous one was refused, and end at different positions.
    """
    for form in (to_rich, to_text) if rich else (to_text,):
        fitting = _convert(source, offset, form)
        if fitting is not None and keeps_everything(fitting[0].text, fitting[1]):
            yield Piece(fitting[1], fitting[0].end)
    yield plain_piece(source, offset)


def plain_piece(source: str, offset: int) -> Piece:
    """The part at `offset` as plain text."""
    chunk = next_plain_part(source, offset, _room(source, offset))
    return Piece(to_plain(chunk.text), chunk.end)


def quoted_piece(source: str, offset: int) -> Piece:
    """The part at `offset` as an expandable quote of plain text."""
    chunk = next_plain_part(source, offset, _room(source, offset))
    return Piece(to_quote(chunk.text), chunk.end)


def preview_piece(source: str, offset: int, *, rich: bool) -> Piece:
    """The part at `offset` of a source that is still being written."""
    # The first part needs little parsing; the context of later ones is parsed once for all.
    seen = source if offset else source[: (RICH_LIMIT if rich else TEXT_LIMIT) + _CONTEXT]
    fitting = _convert(seen, offset, to_rich if rich else to_text)
    return plain_piece(source, offset) if fitting is None else Piece(fitting[1], fitting[0].end)


def _convert(source: str, offset: int, form: Callable[[str], Content]) -> tuple[Chunk, Content] | None:
    try:
        return _fit(source, offset, form)
    except TooDenseError:
        return None
    except Exception as exc:  # noqa: BLE001  # the reply must arrive, whatever bug the converter has
        log.error("A part could not be converted: %s", type(exc).__name__)
        return None


def _fit(source: str, offset: int, form: Callable[[str], Content]) -> tuple[Chunk, Content] | None:
    """The longest piece that fits, approximately; None if this form holds too little."""
    least = _room(source, offset, TEXT_LIMIT // 2)
    room = RICH_LIMIT if form is to_rich else _room(source, offset)
    for _ in range(_TRIES):
        chunk = next_part(source, offset, room, max(room // 2, min(least, room * 9 // 10)))
        content = form(chunk.text)
        if limit_share(content) > 1 and room <= least and isinstance(content, Text):
            content = drop_entities(content)
        if (full := limit_share(content)) <= 1:
            return chunk, content
        if room <= least:
            break
        room = max(least, int(min(room, len(chunk.text)) / full * 0.95))
    return None


def _room(source: str, offset: int, limit: int = TEXT_LIMIT) -> int:
    """The number of characters from `offset` that fill a text message, which counts UTF-16 units."""
    window = source[offset : offset + limit]
    units = window.encode("utf-16-le", "surrogatepass")[: 2 * limit]
    return len(units.decode("utf-16-le", "ignore"))
