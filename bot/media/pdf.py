"""PDF files as text: the words of each page, what was filled in on it, and the notes that somebody stuck to it."""

import io
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from bot.media.errors import LockedError
from bot.media.pdf_beside import beside, errors, has_large_picture, is_painted, is_unmapped
from bot.media.text import CONTROL

if TYPE_CHECKING:
    from pypdf import PageObject

MOST_PAGES = 500
MOST_FIELDS = 2_000
"""On a page."""
FEW_LETTERS = 120
"""What a program that scans, or a stamp, writes over the picture of a page."""
_DEEPEST = 20
"""Levels of fields within fields."""
_BUTTON = 1 << 16
"""The flag of a field that is a button to press, and nothing to fill in."""
_NOTES = ("/FreeText", "/Text", "/Highlight", "/Underline", "/StrikeOut", "/Squiggly", "/Stamp", "/Caret")


class Pages:
    """The pages of a PDF: how many there are, and which of those whose words were asked for are better seen.

    Raises LockedError.
    """

    def __init__(self, data: bytes) -> None:
        from pypdf import PdfReader

        self._reader = PdfReader(io.BytesIO(data))
        if self._reader.is_encrypted and not self._reader.decrypt(""):
            raise LockedError("a PDF with a password")
        self.count = len(self._reader.pages)
        self.wordless: list[int] = []
        """The numbers of those without a word, but not of blank ones."""
        self.poor: list[int] = []
        """... and of those of which the text says little, or other words than they do."""

    def texts(self) -> Iterator[str]:
        """The words of each page, as they are asked for, and what the file holds besides."""
        return chain((self._text(at) for at in range(min(self.count, MOST_PAGES))), beside(self._reader))

    def _text(self, at: int) -> str:
        """The text of a page; one that is broken costs only itself."""
        try:
            page = self._reader.pages[at]
            text = page.extract_text()
            unmapped = text and is_unmapped(page)
        except errors() as exc:
            self.poor.append(at + 1)
            return f"[page {at + 1} can't be read: {type(exc).__name__}]"
        self._look_at(page, at + 1, text, better_seen=bool(unmapped))
        if unmapped:
            text = f"[page {at + 1} does not say which letters its signs are: its words may be others]\n{text}"
        try:
            added = "\n".join(dict.fromkeys(_annotations(page)))
        except errors() as exc:
            added = f"[what was filled in on page {at + 1} can't be read: {type(exc).__name__}]"
        return f"{text}\n{added}" if added else text

    def _look_at(self, page: "PageObject", number: int, text: str, *, better_seen: bool) -> None:
        letters = len("".join(CONTROL.sub("", text).split()))
        try:
            if not letters and is_painted(page):
                self.wordless.append(number)
            elif better_seen or (0 < letters <= FEW_LETTERS and has_large_picture(page)):
                self.poor.append(number)
        except errors():
            self.poor.append(number)


def _annotations(page: "PageObject") -> Iterator[str]:
    found = page.get("/Annots")
    for reference in list(found.get_object() if found is not None else ())[:MOST_FIELDS]:
        one = reference.get_object()
        if not hasattr(one, "get"):
            continue
        kind = one.get("/Subtype")
        if kind == "/Widget" and (filled := _field(one)):
            yield f"[field {filled}]"
        elif kind in _NOTES and (said := " ".join(str(_value(one.get("/Contents")) or "").split())):
            yield f"[note: {said}]"


def _field(widget: Any) -> str:
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
