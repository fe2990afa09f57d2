"""Documents as text: plain text of any encoding, PDF and Word."""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.media.errors import EmptyError, LockedError, NotSupportedError, TooLargeError, UnreadableError
from bot.media.signatures import is_binary, is_pdf, is_plain
from bot.media.text import CONTROL, text_of
from bot.media.word import words

if TYPE_CHECKING:
    from pypdf import PdfReader

MOST_PAGES = 500
MOST_UNPACKED = 100 * 1024 * 1024
"""Bytes that a Word file may unpack to."""

_OBJECT = re.compile(rb"\d \d+ obj\b")


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a document; `cut`: there is more of it."""

    text: str
    pages: int | None
    cut: bool
    share: float = 1.0
    """How much of it the text is."""
    wordless: int = 0
    """Pages without a word, perhaps pictures of pages."""
    encoding: str | None = None
    """The encoding of a text where that is a guess."""


def document(
    data: bytes, name: str, mime: str | None, *, most_characters: int, language: str | None = None
) -> Document:
    """Read a document, so many characters of it at most; `language` is its sender's. Raises MediaError."""
    read = _read(data, name, mime, most_characters, language)
    if not read.text:  # or pictures of pages
        raise EmptyError("no text in it")
    return read


def _read(data: bytes, name: str, mime: str | None, most: int, language: str | None) -> Document:
    if is_pdf(data):
        try:
            return _pdf(data, most)
        except UnreadableError:
            if not is_plain(data) or _OBJECT.search(data):
                raise  # it is no text that begins so
    if data.startswith(b"PK\x03\x04"):
        if name.lower().endswith(".docx") or "wordprocessingml" in (mime or "") or b"word/document" in data:
            return _word(data, most)
        raise NotSupportedError(f"an archive: {mime}")
    if is_binary(data):
        raise NotSupportedError("no text")
    read = text_of(data, language)
    return replace(_gathered([read.words], most, 1), encoding=read.encoding)


def _pdf(data: bytes, most: int) -> Document:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise LockedError("a PDF with a password")
        count = len(reader.pages)
        texts = (_page(reader, at) for at in range(min(count, MOST_PAGES)))
        read = _gathered(texts, most, count)
    except (PyPdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, OSError) as exc:
        raise UnreadableError(f"{type(exc).__name__}: {exc}") from exc  # whatever pypdf stumbles over
    except (RecursionError, MemoryError) as exc:
        raise TooLargeError(type(exc).__name__) from exc
    return replace(read, pages=count)


def _page(reader: "PdfReader", at: int) -> str:
    """The text of a page; one that is broken costs only itself."""
    from pypdf.errors import PyPdfError

    try:
        return reader.pages[at].extract_text()
    except (PyPdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, NotImplementedError) as exc:
        return f"[page {at + 1} can't be read: {type(exc).__name__}]"


def _word(data: bytes, most: int) -> Document:
    from docx.opc.exceptions import OpcError
    from lxml.etree import LxmlError

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MOST_UNPACKED:
                raise TooLargeError("a Word file that unpacks to too much")
        blocks = words(io.BytesIO(data))
        return replace(_gathered(blocks, most, len(blocks)), wordless=0)
    except (zipfile.BadZipFile, OpcError, LxmlError, ValueError, KeyError, TypeError, AttributeError, OSError) as exc:
        raise UnreadableError(f"{type(exc).__name__}: {exc}") from exc
    except (RecursionError, MemoryError) as exc:
        raise TooLargeError(type(exc).__name__) from exc


def _gathered(texts: Iterable[str], most: int, count: int) -> Document:
    """The first of so many texts, as far as there is room."""
    kept: list[str] = []
    room, wordless = most, 0
    for at, text in enumerate(_clean(texts)):
        kept.append(text[: max(0, room)])
        if len(text) > room:
            share = (at + max(0, room) / len(text)) / count
            return Document("\n".join(kept).strip(), None, cut=True, share=share, wordless=wordless)
        wordless += not text.strip()
        room -= len(text) + 1
    missing = count > len(kept)
    share = len(kept) / count if missing else 1.0
    return Document("\n".join(kept).strip(), None, cut=missing, share=share, wordless=wordless)


def _clean(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        lines = text.replace("\r\n", "\n").replace("\r", "\n")
        yield CONTROL.sub("", lines).encode("utf-8", "replace").decode()
