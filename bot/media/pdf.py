"""PDF files as text: the words of each page, what was filled in on it, and the notes that somebody stuck to it."""

import io
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from bot.media.errors import LockedError
from bot.media.pdf_beside import beside, is_unmapped

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

MOST_PAGES = 500
MOST_FIELDS = 2_000
"""On a page."""
_DEEPEST = 20
"""Levels of fields within fields."""
_BUTTON = 1 << 16
"""The flag of a field that is a button to press, and nothing to fill in."""
_NOTES = ("/FreeText", "/Text", "/Highlight", "/Underline", "/StrikeOut", "/Squiggly", "/Stamp", "/Caret")


def pages(data: bytes) -> tuple[Iterator[str], int]:
    """The words of each page, as they are asked for, and how many pages there are. Raises LockedError."""
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise LockedError("a PDF with a password")
    count = len(reader.pages)
    return chain((_page(reader, at) for at in range(min(count, MOST_PAGES))), beside(reader)), count


def _page(reader: "PdfReader", at: int) -> str:
    """The text of a page; one that is broken costs only itself."""
    from pypdf.errors import PyPdfError

    try:
        page = reader.pages[at]
        text = page.extract_text()
        unmapped = text and is_unmapped(page)
    except (PyPdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, NotImplementedError) as exc:
        return f"[page {at + 1} can't be read: {type(exc).__name__}]"
    if unmapped:
        text = f"[page {at + 1} does not say which letters its signs are: its words may be others]\n{text}"
    try:
        added = "\n".join(dict.fromkeys(_beside(page)))
    except (PyPdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, NotImplementedError) as exc:
        added = f"[what was filled in on page {at + 1} can't be read: {type(exc).__name__}]"
    return f"{text}\n{added}" if added else text


def _beside(page: "PageObject") -> Iterator[str]:
    found = page.get("/Annots")
    for reference in list(found.get_object() if found is not None else ())[:MOST_FIELDS]:
        one = reference.get_object()
        if not hasattr(one, "get"):
            continue
        kind = one.get("/Subtype")
        if kind == "/Widget" and (filled := _filled_in(one)):
            yield f"[field {filled}]"
        elif kind in _NOTES and (said := " ".join(str(_value(one.get("/Contents")) or "").split())):
            yield f"[note: {said}]"


def _filled_in(widget: Any) -> str:
    """The name of a field and its value; nothing where nothing was filled in."""
    field, names, told = widget, [], dict[str, Any]()
    for _ in range(_DEEPEST):
        if (name := _value(field.get("/T"))) is not None:
            names.append(str(name))
        for key in ("/FT", "/V", "/TU", "/Ff"):
            if key not in told and field.get(key) is not None:
                told[key] = _value(field.get(key))
        if (parent := field.get("/Parent")) is None:
            break
        field = parent.get_object()
    label = " ".join(str(told.get("/TU") or ".".join(reversed(names))).split())
    if told.get("/FT") == "/Btn":
        if int(told.get("/Ff") or 0) & _BUTTON:
            return ""
        state = str(_value(widget.get("/AS")) or told.get("/V") or "/Off")
        named = "" if state in ("/Yes", "/On", "/1", "/Off") else f" ({state.removeprefix('/')})"
        return f"{label}: {'☐' if state == '/Off' else '☒'}{named}"
    value = told.get("/V")
    if told.get("/FT") == "/Sig":
        return f"{label}: signed" if value is not None else ""
    chosen = ", ".join(str(_value(one)) for one in value) if isinstance(value, list) else str(value or "")
    return f"{label}: {chosen.strip()}" if chosen.strip() else ""


def _value(found: Any) -> Any:
    return found.get_object() if found is not None else None
