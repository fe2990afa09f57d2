"""Excel and LibreOffice workbooks as text: one line per row.

Excel's files are preprocessed for the reader, which drops errors and formulas without a stored result, and allocates
all cells between the first and the last.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from bot.media.media_errors import LockedError, SwollenError, UnreadableError

MOST_CELLS = 5_000_000
"""The most cells between the first and the last of a sheet, including empty ones: each takes 32 bytes."""
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_PLACE = re.compile(rb'(<(?:\w+:)?c\s(?:[^<>]*?\s)?r=")([A-Z]{1,3})([0-9]{1,7})("[^<>]*?(?<!/)>)')
_COLUMN, _NUMBER = re.compile(rb'\sr="([A-Z]{1,3})[0-9]'), re.compile(rb'\sr="[A-Z]{1,3}([0-9]{1,7})"')
_ROW = re.compile(rb'(<(?:\w+:)?row\s(?:[^<>]*?\s)?r=")([0-9]{1,7})(")')
_ERROR = re.compile(rb'(<(?:\w+:)?c\s[^<>]*?)\bt="e"')
_UNDONE = re.compile(
    rb"<((?:\w+:)?)c(\s[^<>]*?|)(?<!/)>\s*<(?:\w+:)?f(?:\s[^<>]*?)?(?:/>|>([^<]*)</(?:\w+:)?f>)"
    rb"\s*+(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")
_TYPE = re.compile(rb'\st="[^"]*"')


def sheets(data: bytes, *, damaged: bool = False) -> list[str]:
    """The rows of all sheets, each sheet after its name; empty rows are dropped.

    `damaged`: unreadable sheets are skipped.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum, ZipError

    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            rows: list[str] = []
            for metadata in book.sheets_metadata:
                hidden = "" if metadata.visible is SheetVisibleEnum.Visible else ", hidden"
                rows.append(f"[sheet {metadata.name}{hidden}]")
                try:
                    rows += _rows(book.get_sheet_by_name(metadata.name).iter_rows())
                except CalamineError:
                    if not damaged:
                        raise
                    rows.append("[it can't be read]")
    except PasswordError as exc:
        raise LockedError("a workbook with a password") from exc
    except (CalamineError, ZipError) as exc:
        raise UnreadableError(f"{type(exc).__name__}: {exc}") from exc
    return rows


def _rows(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    for row in rows:
        cells = [_cell(value) for value in row]
        if any(cells):
            yield " | ".join(cells).rstrip(" |")


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return f"{value:.15g}"
    return " ".join(str(value).split())


def preprocess_workbook(data: bytes) -> bytes:
    """The workbook with errors and unevaluated formulas as text, and cells together. Raises TooLargeError."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(written, "w") as after:
        for name in dict.fromkeys(before.namelist()):
            part = before.read(name)
            after.writestr(name, _move_together(_spell_out(part)) if _SHEET.fullmatch(name) else part)
    return written.getvalue()


def _spell_out(sheet: bytes) -> bytes:
    sheet = _ERROR.sub(rb'\1t="str"', sheet) if b't="e"' in sheet else sheet
    return _UNDONE.sub(_formula, sheet) if _FORMULA.search(sheet) else sheet


def _formula(found: re.Match[bytes]) -> bytes:
    """The formula itself, if it has no result; an empty text is a result."""
    prefix, attributes, formula = found[1], found[2], found[3] or "…".encode()
    if b't="str"' in attributes:
        return found[0]
    other_attributes = _TYPE.sub(b"", attributes)
    return b'<%bc%b t="inlineStr"><%bis><%bt>=%b</%bt></%bis></%bc>' % (
        *(prefix, other_attributes, prefix, prefix, formula, prefix, prefix, prefix),
    )


def _move_together(sheet: bytes) -> bytes:
    """Remove empty rows and columns if one cell is far from all others."""
    if not _is_wide(sheet):
        return sheet
    places = [(_number(found[2]), int(found[3])) for found in _PLACE.finditer(sheet)]
    columns, rows = sorted({column for column, _ in places}), sorted({row for _, row in places})
    if _area(columns, rows) <= MOST_CELLS:
        return sheet
    if len(columns) * len(rows) > MOST_CELLS:
        raise SwollenError(f"a sheet of {len(columns)} columns and {len(rows)} rows")
    new_columns, new_rows = _enumerate(columns), _enumerate(rows)
    moved = _PLACE.sub(partial(_move, new_columns, new_rows), sheet)
    return _ROW.sub(lambda found: b"%b%d%b" % (found[1], new_rows.get(int(found[2]), 1), found[3]), moved)


def _is_wide(sheet: bytes) -> bool:
    """Whether the range of cells may be too large; a cheap test."""
    columns = sorted({_number(letters) for letters in set(_COLUMN.findall(sheet))})
    rows = sorted({int(number) for number in set(_NUMBER.findall(sheet))})
    return _area(columns, rows) > MOST_CELLS


def _area(columns: Sequence[int], rows: Sequence[int]) -> int:
    return (columns[-1] - columns[0] + 1) * (rows[-1] - rows[0] + 1) if columns and rows else 0


def _move(columns: dict[int, int], rows: dict[int, int], found: re.Match[bytes]) -> bytes:
    letters = _letters(columns[_number(found[2])])
    return b"%b%b%d%b" % (found[1], letters, rows[int(found[3])], found[4])


def _enumerate(numbers: Iterable[int]) -> dict[int, int]:
    return {number: at for at, number in enumerate(numbers, 1)}


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _letters(number: int) -> bytes:
    letters = b""
    while number:
        number, last = divmod(number - 1, 26)
        letters = bytes([65 + last]) + letters
    return letters
