"""What a PDF holds besides its pages, and how far the words on these can be told at all."""

import re
import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

_PAINTS = re.compile(rb"(?<![^\s\])>])(?:Do|BI|Tj|TJ|'|\"|sh|[fFSsBb]\*?)(?![^\s\[(</])")
"""Operators that leave something on a page."""
LARGE_PICTURE = 400_000
"""Pixels; a page as a fax has it has two millions."""
MOST_PICTURES = 500
"""Of a page that are looked at."""
MOST_ATTACHED, MOST_FIELDS, MOST_FORM = 100, 2_000, 5_000_000


def beside(reader: "PdfReader") -> Iterator[str]:
    """The names of the files that are attached to it, and what was filled in where only Adobe's programs show it."""
    for read in (_attached, _filled_in):
        try:
            said = read(reader)
        except errors():
            said = ""  # damaged
        if said:
            yield said


def errors() -> tuple[type[Exception], ...]:
    """What pypdf raises over something that is damaged; its parts are read apart, so that it costs only itself."""
    from pypdf.errors import PyPdfError

    of_python = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError)
    return PyPdfError, *of_python, NotImplementedError, RecursionError, zlib.error, struct.error


def is_unmapped(page: "PageObject") -> bool:
    """Whether a font on a page has numbers for its letters, and does not say which letters these are."""
    resources = _of(page, "/Resources")
    fonts = _of(resources, "/Font") if resources is not None else None
    return any(_is_unmapped(font.get_object()) for font in (fonts or {}).values())


def is_painted(page: "PageObject") -> bool:
    """Whether a page is anything but blank paper."""
    contents = page.get_contents()
    return contents is not None and _PAINTS.search(contents.get_data()) is not None


def has_large_picture(page: "PageObject") -> bool:
    """Whether there is a picture on it that may be one of a page."""
    return any(map(_is_large, _pictures(_of(page, "/Resources"), 2)))


def _pictures(resources: Any, depth: int) -> Iterator[Any]:
    objects = _of(resources, "/XObject") if resources is not None else None
    for one in islice((objects or {}).values(), MOST_PICTURES):
        found = one.get_object()
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


def _attached(reader: "PdfReader") -> str:
    names = [
        " ".join(str(one.alternative_name or one.name).split()) for one in islice(reader.attachment_list, MOST_ATTACHED)
    ]
    return f"[attached files, not read here: {', '.join(names)}]" if names else ""


def _filled_in(reader: "PdfReader") -> str:
    """A form of another kind (XFA), of which the pages say nothing."""
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
    told = [
        f"[field {etree.QName(leaf).localname}: {' '.join(str(leaf.text).split())}]"
        for leaf in islice(leaves, MOST_FIELDS)
    ]
    return "\n".join(told)


def _of(holder: Any, key: str) -> Any:
    found = holder.get(key)
    return found.get_object() if found is not None else None
