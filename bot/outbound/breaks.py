"""``<br>``, which models write where Markdown can't break a line: in a table's cells above all.

Each becomes one sign that is no character and stands in no text, as long in UTF-16 as the line break that is put in its
place in the end.

Emphasis in scripts without blanks between words, where Markdown asks for a blank beside a sign: ``**「字」**字``.

A mark between a sign and a letter is no mark for the parser. So an invisible letter is put between the sign and the
mark, and taken out of what the converter makes of it.
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
"""That one row of a table may become."""
_Edit = tuple[int, int, str]
JOINT = "\ufdd1"
"""No character, and neither a sign nor a blank to the parser."""
UNSPACED = r"\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
"""Thai, Lao, Tibetan, Burmese, Khmer, Chinese, Japanese, Korean, for a class of a pattern."""
_VOWELS = "".join(chr(code) for code in range(0xE00, 0x1800) if unicodedata.category(chr(code))[0] == "M")
"""Those that are written around a letter, as marks."""
_SIGN = r"[^\w\s*~\\]"
_LETTER = rf"(?:(?=[{UNSPACED}])[^\W_]|[{_VOWELS}{MARK}])"  # or a break in its place
_MARKS = r"(?:\*{1,3}|~~)"
_MAY_NEED_ONE = re.compile(rf"{_SIGN}{_MARKS}{_LETTER}|{_LETTER}{_MARKS}{_SIGN}")
_PAIRS = (
    re.compile(r"(?<![*\\])(\*{1,3})(?![\s*])([^*\n]+)(?<![\s\\])\1(?!\*)"),
    re.compile(r"(?<![~\\])(~~)(?![\s~])([^~\n]+)(?<![\s\\])~~(?!~)"),
)
_OPENS, _CLOSES = re.compile(rf"{_LETTER}{_MARKS}{_SIGN}"), re.compile(rf"{_SIGN}{_MARKS}{_LETTER}")


def with_marks(source: str) -> str:
    """The markdown with breaks, but those in code, as signs; a line's end needs none. Raises TooDenseError."""
    if MARK in source or not _MAY_BREAK.search(source):
        return source
    data = source.encode()
    return applied(data, _marks(data, source))


def with_rows(text: str) -> str:
    """The markdown with rows in place of the breaks in a table's cells: what a table of fixed width can show."""
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
    return applied(data, edits)


def applied(data: bytes, edits: Iterator[_Edit] | list[_Edit]) -> str:
    """The text with each range of bytes replaced; of two that overlap the first holds."""
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
    """One row as so many as its highest cell has lines."""
    lines = [[line.strip() for line in cell.decode().strip(_AT_EDGES).split(MARK)] for cell in cells]
    height = max(map(len, lines))
    if height * len(lines) > _MOST_CELLS:
        return [_row([" ".join(cell) for cell in lines])]
    return [_row([cell[at] if at < len(cell) else "" for cell in lines]) for at in range(height)]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def needs_joints(source: str) -> bool:
    """Whether there may be such a mark."""
    return JOINT not in source and _MAY_NEED_ONE.search(source) is not None


def joints(masked: str) -> list[int]:
    """Where to put them in a text whose code is masked by signs, in order."""
    return sorted({place for pattern in _PAIRS for place in _places(pattern, masked)})


def _places(pattern: re.Pattern[str], masked: str) -> Iterator[int]:
    for pair in pattern.finditer(masked):
        begin, end = pair.span(2)
        if _OPENS.match(masked, pair.start() - 1):
            yield begin
        if _CLOSES.match(masked, end - 1):
            yield end


def without_joints(content: Text) -> Text:
    """The text as it is to be shown."""
    if JOINT not in content.text:
        return content
    units, sign = content.text.encode("utf-16-le"), JOINT.encode("utf-16-le")
    places = [at // 2 for at in range(0, len(units), 2) if units[at : at + 2] == sign]
    moved = []
    for one in content.entities:
        begin, end = (at - bisect_left(places, at) for at in (one.offset, one.offset + one.length))
        moved.append(MessageEntity(one.type, begin, end - begin, url=one.url, language=one.language))
    return Text(content.text.replace(JOINT, ""), tuple(moved))
