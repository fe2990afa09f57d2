"""Books and open documents, which are archives of marked-up files, as text."""

import posixpath
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

from bot.media.errors import LockedError
from bot.media.markup import HTML, OPEN_DOCUMENT, words

if TYPE_CHECKING:
    from lxml.etree import _Element

_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_MANIFEST = "META-INF/manifest.xml"


def epub(archive: zipfile.ZipFile) -> Iterator[str]:
    """The chapters of a book, as they are read one after another."""
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
        missing = f"[a chapter that is missing: {posixpath.basename(path)}]"
        yield html(archive.read(path)) if path in present else missing


def html(data: bytes | str) -> str:
    """The words of a page."""
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
    """The words of a text or of slides."""
    unlocked(archive)
    return words(_xml(archive.read("content.xml")), OPEN_DOCUMENT)


def unlocked(archive: zipfile.ZipFile) -> None:
    """Raises LockedError where an open document has a password."""
    if _MANIFEST in archive.namelist() and b"encryption-data" in archive.read(_MANIFEST):
        raise LockedError("an open document with a password")


def _xml(data: bytes) -> "_Element":
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    return etree.fromstring(data, parser)


def _named(root: "_Element", name: str) -> "Iterator[_Element]":
    return (node for node in root.iter("{*}" + name))
