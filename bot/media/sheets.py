"""Workbooks of Excel and LibreOffice as text: a line for each row."""

import io
from collections.abc import Iterable, Iterator

from bot.media.errors import LockedError, UnreadableError


def sheets(data: bytes, *, damaged: bool = False) -> list[str]:
    """The rows of all sheets, each behind its name; rows without anything are left out.

    `damaged`: a sheet that can't be read costs only itself.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum, ZipError

    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            rows: list[str] = []
            for told in book.sheets_metadata:
                hidden = "" if told.visible is SheetVisibleEnum.Visible else ", hidden"
                rows.append(f"[sheet {told.name}{hidden}]")
                try:
                    rows += _rows(book.get_sheet_by_name(told.name).iter_rows())
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
