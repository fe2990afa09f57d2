"""PDF files: the text, form fields and annotations of each page, and pages as pictures.

Pages that are better seen than read are recorded: scans, and pages with fonts that don't say which letters they draw.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader
import io
from itertools import chain

from bot.media.media_errors import LockedError
from bot.media.text import CONTROL

if TYPE_CHECKING:
    from pypdf import PageObject
from math import sqrt
from typing import TYPE_CHECKING

from bot.media.image import ConvertedImage
from bot.media.media_errors import EmptyError, SwollenError, UnreadableError

if TYPE_CHECKING:
    from PIL.Image import Image as Pillow

_PAINTS = re.compile(rb"(?<![^\s\])>])(?:Do|BI|Tj|TJ|'|\"|sh|[fFSsBb]\*?)(?![^\s\[(</])")
"""Operators that draw something."""
_TEXT_ENDS = re.compile(rb"(?<=[\s)\]>])(?:Tj|TJ|ET)(?=\s)")
"""Operators after which a page can be cut."""
MOST_DRAWN = 3_000_000
"""The most bytes of drawing that are read of a page; reading two million takes a few seconds."""
LARGE_PICTURE = 400_000
"""In pixels; a page scanned for fax has two million."""
MOST_PICTURES = 500
"""The most pictures examined per page."""
MOST_ATTACHED, MOST_FORM_FIELDS, MOST_FORM = 100, 2_000, 5_000_000
MOST_PAGES = 500
MOST_FIELDS = 2_000
"""The most fields per page."""
FEW_LETTERS = 120
"""Text that a scanning program or a stamp puts over the picture of a page."""
_DEEPEST = 20
"""The depth of nested fields."""
_BUTTON = 1 << 16
"""The flag of a push button, which can't be filled in."""
_NOTES = ("/FreeText", "/Text", "/Highlight", "/Underline", "/StrikeOut", "/Squiggly", "/Stamp", "/Caret")
MOST_PIXELS, LONGEST_SIDE, MOST_SCALE = 1_800_000, 2048, 4.0
"""For a page as a picture: 136 dpi for A4; small pages are enlarged to at most 288 dpi."""
MOST_DATA = 400_000
"""The size limit in bytes, so that several pages take as much as one photo."""
QUALITIES = (80, 60, 40)


def attachments_and_forms(reader: "PdfReader") -> Iterator[str]:
    """The names of attachments, and form data that only Adobe's programs show."""
    for read in (_attachments, _xfa_data):
        try:
            said = read(reader)
        except errors():
            said = ""  # damaged
        if said:
            yield said


def errors() -> tuple[type[Exception], ...]:
    """What pypdf raises for damaged data; parts are read separately, so that the rest is kept."""
    from pypdf.errors import PyPdfError

    of_python = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError)
    return PyPdfError, *of_python, NotImplementedError, RecursionError, zlib.error, struct.error


def is_unmapped(page: "PageObject") -> bool:
    """Whether a font on the page numbers its glyphs without saying which letters they are."""
    resources = _of(page, "/Resources")
    fonts = _of(resources, "/Font") if resources is not None else None
    return any(_is_unmapped(font.get_object()) for font in (fonts or {}).values())


def shorten(page: "PageObject") -> bool:
    """Drop what a page draws after MOST_DRAWN bytes, at the end of a text; whether there was any."""
    from pypdf.generic import DecodedStreamObject, NameObject

    contents = page.get_contents()
    data = contents.get_data() if contents is not None else b""
    if len(data) <= MOST_DRAWN:
        return False
    ends = [found.end() for found in _TEXT_ENDS.finditer(data, 0, MOST_DRAWN)]
    beginning = DecodedStreamObject()
    beginning.set_data(data[: ends[-1] if ends else MOST_DRAWN])
    page[NameObject("/Contents")] = beginning
    return True


def is_painted(page: "PageObject") -> bool:
    """Whether anything is drawn on the page."""
    contents = page.get_contents()
    return contents is not None and _PAINTS.search(contents.get_data()) is not None


def has_large_picture(page: "PageObject") -> bool:
    """Whether the page contains a picture that may be a scan of it."""
    return any(map(_is_large, _pictures(_of(page, "/Resources"), 2)))


def _pictures(resources: Any, depth: int) -> Iterator[Any]:
    objects = _of(resources, "/XObject") if resources is not None else None
    for entry in islice((objects or {}).values(), MOST_PICTURES):
        found = entry.get_object()
        if found.get("/Subtype") == "/Image":
            yield found
        elif found.get("/Subtype") == "/Form" and depth:
            yield from _pictures(_of(found, "/Resources"), depth - 1)


def _is_large(picture: Any) -> bool:
    return int(_of(picture, "/Width") or 0) * int(_of(picture, "/Height") or 0) >= LARGE_PICTURE


def _is_unmapped(font: Any) -> bool:
    if (
        font.get("/Subtype") != "/Type0"
        or "/ToUnicode" in font
        or not str(font.get("/Encoding")).startswith("/Identity")
    ):
        return False
    [descendant, *_] = _of(font, "/DescendantFonts")
    system = _of(descendant.get_object(), "/CIDSystemInfo")
    return system is None or str(system.get("/Ordering")) == "Identity"


def _attachments(reader: "PdfReader") -> str:
    names = [
        " ".join(str(attachment.alternative_name or attachment.name).split())
        for attachment in islice(reader.attachment_list, MOST_ATTACHED)
    ]
    return f"[attached files, not read here: {', '.join(names)}]" if names else ""


def _xfa_data(reader: "PdfReader") -> str:
    """The data of an XFA form, which the pages don't show."""
    from lxml import etree

    form = _of(reader.root_object, "/AcroForm")
    if form is None or "/XFA" not in form or (_of(form, "/Fields") and not reader.root_object.get("/NeedsRendering")):
        return ""
    data = (reader.xfa or {}).get("datasets", b"")[:MOST_FORM]
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    root = etree.fromstring(data, parser) if data else None
    if root is None:
        return "[a form of a kind (XFA) that is not read here]"
    leaves = (node for node in root.iter("{*}*") if not len(node) and (node.text or "").strip())
    values = [
        f"[field {etree.QName(leaf).localname}: {' '.join(str(leaf.text).split())}]"
        for leaf in islice(leaves, MOST_FORM_FIELDS)
    ]
    return "\n".join(values)


def _of(holder: Any, key: str) -> Any:
    found = holder.get(key)
    return found.get_object() if found is not None else None


class Pages:
    """The pages of a PDF; reading their text records which are better seen.

    Raises LockedError.
    """

    def __init__(self, data: bytes) -> None:
        from pypdf import PdfReader

        self._reader = PdfReader(io.BytesIO(data))
        if self._reader.is_encrypted and not self._reader.decrypt(""):
            raise LockedError("a PDF with a password")
        self.count = len(self._reader.pages)
        self.wordless: list[int] = []
        """Pages without text that aren't blank."""
        self.poor: list[int] = []
        """Pages whose text is incomplete or may be wrong."""

    def texts(self) -> Iterator[str]:
        """The text of each page, lazily, then attachments and form data."""
        return chain((self._text(at) for at in range(min(self.count, MOST_PAGES))), attachments_and_forms(self._reader))

    def _text(self, at: int) -> str:
        """The text of a page; a damaged page doesn't affect the others."""
        try:
            page = self._reader.pages[at]
            is_cut = shorten(page)
            text = page.extract_text()
            unmapped = text and is_unmapped(page)
        except errors() as exc:
            self.poor.append(at + 1)
            return f"[page {at + 1} can't be read: {type(exc).__name__}]"
        self._look_at(page, at + 1, text, better_seen=bool(unmapped) or is_cut)
        if is_cut:
            text = f"{text}\n[only the beginning of page {at + 1} is read]"
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
        annotation = reference.get_object()
        if not hasattr(annotation, "get"):
            continue
        kind = annotation.get("/Subtype")
        if kind == "/Widget" and (filled := _field(annotation)):
            yield f"[field {filled}]"
        elif kind in _NOTES and (said := " ".join(str(_value(annotation.get("/Contents")) or "").split())):
            yield f"[note: {said}]"


def _field(widget: Any) -> str:
    """The name and value of a field; "" if it isn't filled in."""
    field, names, inherited = widget, [], dict[str, Any]()
    for _ in range(_DEEPEST):
        if (name := _value(field.get("/T"))) is not None:
            names.append(str(name))
        for key in ("/FT", "/V", "/TU", "/Ff"):
            if key not in inherited and field.get(key) is not None:
                inherited[key] = _value(field.get(key))
        if (parent := field.get("/Parent")) is None:
            break
        field = parent.get_object()
    label = " ".join(str(inherited.get("/TU") or ".".join(reversed(names))).split())
    if inherited.get("/FT") == "/Btn":
        if int(inherited.get("/Ff") or 0) & _BUTTON:
            return ""
        state = str(_value(widget.get("/AS")) or inherited.get("/V") or "/Off")
        named = "" if state in ("/Yes", "/On", "/1", "/Off") else f" ({state.removeprefix('/')})"
        return f"{label}: {'☐' if state == '/Off' else '☒'}{named}"
    value = inherited.get("/V")
    if inherited.get("/FT") == "/Sig":
        return f"{label}: signed" if value is not None else ""
    chosen = ", ".join(str(_value(choice)) for choice in value) if isinstance(value, list) else str(value or "")
    return f"{label}: {chosen.strip()}" if chosen.strip() else ""


def _value(found: Any) -> Any:
    return found.get_object() if found is not None else None


def page_picture(data: bytes, number: int) -> ConvertedImage:
    """Render a page, counted from 1; deterministic. Raises MediaError; EmptyError if it is blank."""
    import pypdfium2

    try:
        with pypdfium2.PdfDocument(data) as opened:
            opened.init_forms()
            page = opened[number - 1]
            width, height = page.get_size()
            scale = min(sqrt(MOST_PIXELS / (width * height)), LONGEST_SIDE / max(width, height), MOST_SCALE)
            picture = page.render(scale=scale).to_pil().convert("RGB")
    except pypdfium2.PdfiumError as exc:
        raise (LockedError if "password" in str(exc).lower() else UnreadableError)(str(exc)) from exc
    except (OSError, ValueError, IndexError, ZeroDivisionError) as exc:
        raise UnreadableError(f"{type(exc).__name__}: {exc}") from exc
    except MemoryError as exc:
        raise SwollenError("a page that takes too much memory") from exc
    if all(low == high for low, high in picture.getextrema()):
        raise EmptyError("a blank page")
    return _light(picture)


def _light(picture: "Pillow") -> ConvertedImage:
    while True:
        for quality in QUALITIES:
            written = io.BytesIO()
            picture.save(written, "JPEG", quality=quality)
            if written.tell() <= MOST_DATA:
                return ConvertedImage(written.getvalue(), "image/jpeg", *picture.size)
        picture = picture.reduce(2)
