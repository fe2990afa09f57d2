"""Line breaks and emphasis that Markdown can't express: ``<br>`` in tables, and marks in scripts without spaces.

Models write ``<br>`` above all in table cells. Each becomes a noncharacter that occurs in no text and is as long in
UTF-16 as the line break that finally replaces it.

In ``**「字」**字`` the parser doesn't accept the closing mark, because it is between punctuation and a letter without a
space. An invisible letter is inserted between the punctuation and the mark, and removed after the conversion.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator

from telegram import MessageEntity
from telegramify_markdown.rich import RICH_OPTIONS

from bot.outbound.blocks import events
from bot.outbound.content import Text

MARK = "\ufdd0"
_MAY_BREAK = re.compile(r"<br\b", re.IGNORECASE)
_BREAK = re.compile(rb"\s*(<br[ \t]*/?>)\s*", re.IGNORECASE)
_LINE_END = re.compile(rb"[ \t]*(?:\n|$)")
_HTML = frozenset({"Html", "InlineHtml"})
_ROWS = frozenset({"Start"})
_AT_EDGES = f" \t{MARK}"
_MOST_CELLS = 1000
"""The most cells that one table row may be expanded to."""
_Edit = tuple[int, int, str]
JOINT = "\ufdd1"
"""A noncharacter that is neither punctuation nor whitespace to the parser."""
UNSPACED = r"\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
"""Thai, Lao, Tibetan, Burmese, Khmer, Chinese, Japanese and Korean, for a character class."""
_VOWELS = "".join(chr(code) for code in range(0xE00, 0x1800) if unicodedata.category(chr(code))[0] == "M")
"""Vowels that are written around a consonant, as combining marks."""
_SIGN = r"[^\w\s*~\\]"
_LETTER = rf"(?:(?=[{UNSPACED}])[^\W_]|[{_VOWELS}{MARK}])"  # or a break in its place
_MARKS = r"(?:\*{1,3}|~~)"
_MAY_NEED_ONE = re.compile(rf"{_SIGN}{_MARKS}{_LETTER}|{_LETTER}{_MARKS}{_SIGN}")
_PAIRS = (
    re.compile(r"(?<![*\\])(\*{1,3})(?![\s*])([^*\n]+)(?<![\s\\])\1(?!\*)"),
    re.compile(r"(?<![~\\])(~~)(?![\s~])([^~\n]+)(?<![\s\\])~~(?!~)"),
)
_OPENS, _CLOSES = re.compile(rf"{_LETTER}{_MARKS}{_SIGN}"), re.compile(rf"{_SIGN}{_MARKS}{_LETTER}")


def mark_breaks(source: str) -> str:
    """Replace breaks outside code by marks; one at the end of a line is dropped. Raises TooDenseError."""
    if MARK in source or not _MAY_BREAK.search(source):
        return source
    data = source.encode()
    return apply_edits(data, _marks(data, source))


def expand_rows(text: str) -> str:
    """Turn breaks in table cells into extra rows, which a fixed-width table can show."""
    if MARK not in text:
        return text
    data, sign = text.encode(), MARK.encode()
    edits, cells, row = list[_Edit](), list[bytes](), (0, 0)

    def end_row() -> None:
        if any(sign in cell for cell in cells):
            begin = data.rfind(b"\n", 0, row[0]) + 1
            edits.append((*row, f"\n{data[begin : row[0]].decode()}".join(_rows(cells))))
        cells.clear()

    for event, start, end in events(text, RICH_OPTIONS, _ROWS):
        match event:
            case {"Start": "TableHead"}:
                end_row()
                head = data[start:end]
                edits += [(start, end, head.decode().replace(MARK, " "))] if sign in head else []
                row = (0, 0)
            case {"Start": "TableRow"}:
                end_row()
                row = (start, start + len(data[start:end].rstrip()))
            case {"Start": "TableCell"} if row[0] <= start < row[1]:
                cells.append(data[start:end])
    end_row()
    return apply_edits(data, edits)


def apply_edits(data: bytes, edits: Iterator[_Edit] | list[_Edit]) -> str:
    """Replace byte ranges of the text; of two that overlap, the first applies."""
    parts: list[bytes] = []
    done = 0
    for start, end, replacement in edits:
        if start >= done:
            parts += (data[done:start], replacement.encode())
            done = end
    return b"".join((*parts, data[done:])).decode()


def _marks(data: bytes, source: str) -> Iterator[_Edit]:
    for _, start, end in events(source, RICH_OPTIONS, _HTML):
        if found := _BREAK.fullmatch(data, start, end):
            yield *found.span(1), "" if _LINE_END.match(data, found.end(1)) else MARK


def _rows(cells: list[bytes]) -> list[str]:
    """One row as several, as many as its tallest cell has lines."""
    lines = [[line.strip() for line in cell.decode().strip(_AT_EDGES).split(MARK)] for cell in cells]
    height = max(map(len, lines))
    if height * len(lines) > _MOST_CELLS:
        return [_row([" ".join(cell) for cell in lines])]
    return [_row([cell[at] if at < len(cell) else "" for cell in lines]) for at in range(height)]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def needs_joints(source: str) -> bool:
    """Whether the text may contain such a mark."""
    return JOINT not in source and _MAY_NEED_ONE.search(source) is not None


def joint_positions(masked: str) -> list[int]:
    """Where to insert joints, in order; code in the text is masked."""
    return sorted({place for pattern in _PAIRS for place in _places(pattern, masked)})


def _places(pattern: re.Pattern[str], masked: str) -> Iterator[int]:
    for pair in pattern.finditer(masked):
        begin, end = pair.span(2)
        if _OPENS.match(masked, pair.start() - 1):
            yield begin
        if _CLOSES.match(masked, end - 1):
            yield end


def strip_joints(content: Text) -> Text:
    """The text without joints, its entities shifted accordingly."""
    if JOINT not in content.text:
        return content
    units, sign = content.text.encode("utf-16-le"), JOINT.encode("utf-16-le")
    places = [at // 2 for at in range(0, len(units), 2) if units[at : at + 2] == sign]
    moved = []
    for entity in content.entities:
        begin, end = (at - bisect_left(places, at) for at in (entity.offset, entity.offset + entity.length))
        moved.append(MessageEntity(entity.type, begin, end - begin, url=entity.url, language=entity.language))
    return Text(content.text.replace(JOINT, ""), tuple(moved))
