"""Documents as text: plain text of any encoding, PDF and Word."""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.media.errors import NotSupportedError, TooLargeError, UnreadableError

MOST_PAGES = 500
MOST_UNPACKED = 100 * 1024 * 1024
"""Bytes that a Word file may unpack to."""
MOST_STRANGE = 0.02
"""A text with a larger share of control characters is none."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a document; `cut`: there is more of it."""

    text: str
    pages: int | None
    cut: bool


def document(data: bytes, name: str, mime: str | None, *, most_characters: int) -> Document:
    """Read a document, so many characters of it at most. Raises MediaError."""
    if data.startswith(b"%PDF-") or b"%PDF-" in data[:1024]:
        return _pdf(data, most_characters)
    if data.startswith(b"PK\x03\x04"):
        if name.lower().endswith(".docx") or "wordprocessingml" in (mime or ""):
            return _word(data, most_characters)
        raise NotSupportedError(f"an archive: {mime}")
    return _gathered([_decoded(data)], most_characters, None)


def _pdf(data: bytes, most: int) -> Document:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnreadableError("a PDF with a password")
        count = len(reader.pages)
        texts = (reader.pages[at].extract_text() for at in range(min(count, MOST_PAGES)))
        read = _gathered(texts, most, count)
    except (PyPdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, OSError) as exc:
        raise UnreadableError(f"{type(exc).__name__}: {exc}") from exc  # whatever pypdf stumbles over
    except (RecursionError, MemoryError) as exc:
        raise TooLargeError(type(exc).__name__) from exc
    if not read.text:
        raise UnreadableError("a PDF without text: pictures of pages")
    return Document(read.text, count, read.cut or count > MOST_PAGES)


def _word(data: bytes, most: int) -> Document:
    from docx import Document as Word
    from docx.opc.exceptions import OpcError
    from lxml.etree import LxmlError

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MOST_UNPACKED:
                raise TooLargeError("a Word file that unpacks to too much")
        paragraphs = (block for block in Word(io.BytesIO(data)).iter_inner_content())
        return _gathered(map(_block, paragraphs), most, None)
    except (zipfile.BadZipFile, OpcError, LxmlError, ValueError, KeyError, TypeError, AttributeError, OSError) as exc:
        raise UnreadableError(f"{type(exc).__name__}: {exc}") from exc
    except (RecursionError, MemoryError) as exc:
        raise TooLargeError(type(exc).__name__) from exc


def _block(block: object) -> str:
    """A paragraph, or a table with a line for each row."""
    rows = getattr(block, "rows", None)
    if rows is None:
        return str(getattr(block, "text", ""))
    return "\n".join(" | ".join(cell.text.strip() for cell in row.cells) for row in rows)


def _gathered(texts: Iterable[str], most: int, pages: int | None) -> Document:
    kept: list[str] = []
    room = most
    for text in _clean(texts):
        if room <= 0:
            return Document("\n".join(kept).strip(), pages, cut=True)
        kept.append(text[:room])
        if len(text) > room:
            return Document("\n".join(kept).strip(), pages, cut=True)
        room -= len(text) + 1
    return Document("\n".join(kept).strip(), pages, cut=False)


def _clean(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        lines = text.replace("\r\n", "\n").replace("\r", "\n")
        yield _CONTROL.sub("", lines).encode("utf-8", "replace").decode()


def _decoded(data: bytes) -> str:
    """A text in whatever encoding it is. Raises NotSupportedError when it is none."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = _guessed(data)
    if len(_CONTROL.findall(text)) > MOST_STRANGE * len(text):
        raise NotSupportedError("no text")
    return text


def _guessed(data: bytes) -> str:
    from charset_normalizer import from_bytes

    if b"\0" in data:
        raise NotSupportedError("no text")
    best = from_bytes(data).best()
    if best is None:
        raise NotSupportedError("no text of a known encoding")
    return str(best)
