"""Text of markup formats: HTML, EPUB and OpenDocument, however deeply nested."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from bot.media.packages import picture_note

if TYPE_CHECKING:
    from lxml.etree import _Element
import posixpath
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from urllib.parse import unquote

from bot.media.media_errors import LockedError

_NUMBER = re.compile(r"-?[0-9]{1,6}")
_POWER = re.compile(r"[-+\u2212]?[0-9]|[a-z]$")
"""Superscripts that would read as part of the number before them."""
MOST_TEXTS = 3
"""Text nodes that are examined to recognize a superscript."""
_BLANKS = re.compile(r"[ \t\r\n]+")
_ITEMS = frozenset({"list-item", "li"})
_CELLS = frozenset({"note", "annotation", "table-cell", "td", "th"})
_INLINE = _ITEMS | _CELLS
"""Elements that keep their text on one line even if it contains blocks; a list item may contain other items."""
_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_MANIFEST = "META-INF/manifest.xml"


@dataclass(frozen=True, slots=True)
class Rules:
    """The element names of a format, by their role."""

    unsaid: frozenset[str]
    blocks: frozenset[str]
    """Elements on lines of their own."""
    signs: Mapping[str, str]
    """Elements that represent a character, such as a line break."""
    before: Mapping[str, str]
    after: Mapping[str, str]
    blanks: str = ""
    """The element that represents a number of spaces."""


HTML = Rules(
    unsaid=frozenset({"head", "script", "style", "template", "noscript", "svg", "object", "iframe", "rp", "select"}),
    blocks=frozenset(
        {
            *("p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd", "table", "tr"),
            *("caption", "blockquote", "pre", "section", "article", "aside", "header", "footer", "nav", "main", "body"),
            *("figure", "figcaption", "form", "fieldset", "address", "details", "summary", "hr"),
        }
    ),
    signs={"br": "\n"},
    before={"li": "- ", "rt": "("},
    after={"td": " | ", "th": " | ", "rt": ")"},
)


OPEN_DOCUMENT = Rules(
    unsaid=frozenset({"tracked-changes", "forms", "sequence-decls", "note-citation", "date-string", "ruby-base-none"}),
    blocks=frozenset({"p", "h", "list-item", "table", "table-row", "section", "text-box", "page"}),
    signs={"line-break": "\n", "tab": "\t"},
    before={"list-item": "- ", "note": " [note: ", "annotation": " [comment: ", "ruby-text": "("},
    blanks="s",
    after={"table-cell": " | ", "covered-table-cell": " | ", "note": "]", "annotation": "]", "ruby-text": ")"},
)


def words(root: "_Element", rules: Rules) -> str:
    """The text of a document, one line per block."""
    from lxml import etree

    parts: list[str] = []
    within = cells = 0
    marks = _Marks(_raised_styles(root))
    walker = etree.iterwalk(root, events=("start", "end"))
    for event, node in walker:
        name = etree.QName(node).localname
        inline = name in _INLINE
        if event == "start":
            within, cells = within + inline, cells + (name in _CELLS)
            if name in rules.unsaid:
                walker.skip_subtree()
                continue
            if name in rules.blocks:
                parts.append("\n" if within <= inline or (name in _ITEMS and not cells) else " ")
            parts += (
                marks.before(node, name) or rules.before.get(name, ""),
                _sign(node, name, rules),
                _blank(node.text),
            )
            continue
        if name not in rules.unsaid:
            marks.after(name)
            within_before = within - inline
            parts.append(rules.after.get(name, ""))
            if name in rules.blocks:
                parts.append("\n" if within_before <= 0 or (name in _ITEMS and not cells) else " ")
        within, cells = within - inline, cells - (name in _CELLS)
        if node is not root:
            parts.append(_blank(node.tail))
    return _tidy("".join(parts))


class _Marks:
    """Prefixes that depend on the element: list numbers, superscripts, pictures."""

    def __init__(self, raised: frozenset[str]) -> None:
        self._raised = raised
        """OpenDocument styles that raise text above the line."""
        self._lists: list[int | None] = []
        """The next number of each open list; None for bullets."""

    def before(self, node: "_Element", name: str) -> str:
        """The prefix of an element; "" for the format's default."""
        if name in ("ol", "ul"):
            start = node.get("start", "1")
            self._lists.append((int(start) if _NUMBER.fullmatch(start) else 1) if name == "ol" else None)
        elif name == "li" and self._lists and (number := self._lists[-1]) is not None:
            value = node.get("value", "")
            number = int(value) if _NUMBER.fullmatch(value) else number
            self._lists[-1] = number + 1
            return f"{number}. "
        elif name == "sup" or (name == "span" and _styled(node) in self._raised):
            said = "".join(islice(node.itertext(), MOST_TEXTS)).strip()
            return "^" if _POWER.match(said) else ""
        elif name in ("img", "image"):
            said = node.get("alt")
            return "" if said == "" else picture_note(said or "")
        return ""

    def after(self, name: str) -> None:
        """End an element."""
        if name in ("ol", "ul") and self._lists:
            self._lists.pop()


def _raised_styles(root: "_Element") -> frozenset[str]:
    return frozenset(
        _styled(style, "name")
        for style in root.iter("{*}style")
        if any(
            str(of).startswith("super")
            for element in style
            for key, of in element.items()
            if key.endswith("}text-position")
        )
    )


def _styled(node: "_Element", name: str = "style-name") -> str:
    return next((str(of) for key, of in node.items() if str(key).endswith("}" + name)), "")


def _sign(node: "_Element", name: str, rules: Rules) -> str:
    if name == rules.blanks:
        count = next((text for key, text in node.attrib.items() if str(key).endswith("}c")), "1")
        return "\xa0" * (min(int(count), 100) if count.isdecimal() else 1)
    return rules.signs.get(name, "")


def _blank(text: str | None) -> str:
    return _BLANKS.sub(" ", text) if text else ""


def _tidy(text: str) -> str:
    """The text without empty lines and trailing cell separators."""
    lines = (_BLANKS.sub(" ", line).strip(" ") for line in text.split("\n"))
    kept = (line.rstrip(" |") if line.endswith(" |") else line for line in lines)
    return "\n".join(line.replace("\xa0", " ") for line in kept if line).strip()


def epub(archive: zipfile.ZipFile) -> Iterator[Callable[[], str]]:
    """The chapters of a book in reading order, each as a function that reads it: a book may list one many times."""
    container = _xml(archive.read(_CONTAINER))
    [package, *_] = [node.get("full-path", "") for node in _named(container, "rootfile")]
    opened = _xml(archive.read(package))
    files = {node.get("id"): node.get("href", "") for node in _named(opened, "item")}
    locked = archive.read(_ENCRYPTION).decode("utf-8", "replace") if _ENCRYPTION in archive.namelist() else ""
    present = set(archive.namelist())
    for reference in _named(opened, "itemref"):
        href = files.get(reference.get("idref"), "")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(package), unquote(href)))
        if href and href in locked:
            raise LockedError("a book that only its seller's programs open")
        if path.endswith((".jpg", ".png", ".svg")):
            continue
        yield partial(_chapter, archive, path, exists=path in present)


def _chapter(archive: zipfile.ZipFile, path: str, *, exists: bool) -> str:
    return html(archive.read(path)) if exists else f"[a chapter that is missing: {posixpath.basename(path)}]"


def html(data: bytes | str) -> str:
    """The text of a page."""
    from lxml import etree

    if isinstance(data, bytes) and data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.decode("utf-16", "replace")
    parser = etree.HTMLParser(
        remove_comments=True, remove_pis=True, no_network=True, encoding="utf-8" if isinstance(data, str) else None
    )
    if isinstance(data, bytes) and (data.startswith(b"<?xml") or b"charset" not in data[:1024].lower()):
        parser = etree.HTMLParser(remove_comments=True, remove_pis=True, no_network=True, encoding="utf-8")
    root = etree.fromstring(data.encode() if isinstance(data, str) else data, parser)
    return "" if root is None else words(root, HTML)


def open_document(archive: zipfile.ZipFile) -> str:
    """The text of an OpenDocument text or presentation."""
    check_unlocked(archive)
    return words(_xml(archive.read("content.xml")), OPEN_DOCUMENT)


def check_unlocked(archive: zipfile.ZipFile) -> None:
    """Raise LockedError if an OpenDocument file has a password."""
    if _MANIFEST in archive.namelist() and b"encryption-data" in archive.read(_MANIFEST):
        raise LockedError("an open document with a password")


def _xml(data: bytes) -> "_Element":
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    return etree.fromstring(data, parser)


def _named(root: "_Element", name: str) -> "Iterator[_Element]":
    return (node for node in root.iter("{*}" + name))
