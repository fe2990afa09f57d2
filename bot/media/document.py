"""Documents as text: plain text in any encoding, PDF, Word, and other office and publishing formats."""

import io
import re
import time
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from bot.media.legacy_office import old_office, rich_text
from bot.media.mail import is_email, read_email
from bot.media.markup import check_unlocked, epub, html, open_document
from bot.media.media_errors import (
    BlankError,
    EmptyError,
    LockedError,
    MediaError,
    NotSupportedError,
    OldOfficeError,
    SwollenError,
    TooLargeError,
    UnreadableError,
)
from bot.media.packages import is_wordless, repair
from bot.media.pdf import MOST_PAGES, Pages
from bot.media.sheets import preprocess_workbook, sheets
from bot.media.signatures import is_binary, is_old_office, is_pdf, is_plain
from bot.media.slides import slides
from bot.media.text import CONTROL, decode_text
from bot.media.word import words

MOST_UNPACKED = 100 * 1024 * 1024
"""The most bytes that a file may unpack to."""
MOST_GATHER_S = 10.0
"""For how long further pages or chapters are read; the whole job may take twice as long."""
LONG_PAGE = 20_000
"""A longer web page is reduced to its words; a shorter one may be someone's own work, and is shown as source."""

_PAGE = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,2000}?-->\s*)?<(?:!doctype html|html)\b", re.IGNORECASE | re.DOTALL
)
_PACKED = re.compile(
    r"""("(?:image|audio|video)/[\w.+-]{2,40}":\s{0,20}\[?\s{0,20}"|data:[\w-]{2,20}/[\w.+-]{2,80};base64,"""
    r"""|<binary\b[^<>]{0,200}>)([A-Za-z0-9+/=\s\\]{1500,})"""
)
"""Base64 pictures in notebooks, pages and books, which nobody reads."""
_OBJECT = re.compile(rb"\d \d+ obj\b")


@dataclass(frozen=True, slots=True)
class ExtractedDocument:
    """The text of a document; `cut`: it has more."""

    text: str
    pages: int | None
    cut: bool
    share: float = 1.0
    """The share of the document that the text covers."""
    damaged: str = ""
    """The names of damaged parts, which are missing from the text."""
    encoding: str | None = None
    """The encoding of a plain text if it is a guess."""
    wordless: tuple[int, ...] = ()
    """Pages without words, possibly scans."""
    poor: tuple[int, ...] = ()
    """Pages whose text is incomplete or may be wrong."""

    @property
    def unread(self) -> tuple[int, ...]:
        """The numbers of all pages that are better shown as pictures."""
        return tuple(sorted((*self.wordless, *self.poor)))


def read_document(
    data: bytes, name: str, mime: str | None, *, most_characters: int, language: str | None = None
) -> ExtractedDocument:
    """Read at most `most_characters` of a document; `language` is its sender's. Raises MediaError."""
    read = _read(data, name, mime, most_characters, language)
    if is_wordless(read.text) and not read.unread:
        if read.text or read.pages:
            raise EmptyError("no text in it")
        raise BlankError("nothing in it")
    return read


def _read(data: bytes, name: str, mime: str | None, most: int, language: str | None) -> ExtractedDocument:
    if is_pdf(data):
        try:
            with _libraries():
                return _pdf(data, most)
        except UnreadableError:
            if not is_plain(data) or _OBJECT.search(data):
                raise  # not a text that merely begins like a PDF
    with _libraries():
        if data.startswith(b"PK\x03\x04"):
            return _read_damaged_package(data, name, mime, most)
        if is_old_office(data):
            rows = old_office(data)
            return _gather(rows, most, len(rows))
        if is_binary(data):
            raise NotSupportedError("no text")
        if data.startswith(b"{\\rtf"):
            return _gather([rich_text(data)], most, 1)
        if is_email(data):
            with suppress(LookupError, ValueError, TypeError, AttributeError, RecursionError):  # else it is plain text
                return _gather([read_email(data, language)], most, 1)
        text, encoding = _read_text(data, language, most)
    return replace(_gather([text], most, 1), encoding=encoding)


def _pdf(data: bytes, most: int) -> ExtractedDocument:
    read = Pages(data)
    gathered = _gather(read.texts(), most, read.count)
    if not gathered.cut and read.count > MOST_PAGES:
        gathered = replace(gathered, cut=True, share=MOST_PAGES / read.count)
    return replace(gathered, pages=read.count, wordless=tuple(read.wordless), poor=tuple(read.poor))


def _read_damaged_package(data: bytes, name: str, mime: str | None, most: int) -> ExtractedDocument:
    """Read a zip-based format; from a damaged one whatever is readable."""
    try:
        return _read_package(data, name, mime, most)
    except (LockedError, NotSupportedError, TooLargeError, RecursionError, MemoryError):
        raise
    except Exception:
        with suppress(Exception):
            rest, lost = repair(data)
            read = _read_package(rest, name, mime, most, damaged=True)
            if not is_wordless(read.text):
                return replace(read, damaged=lost or "some of its parts")
        raise


def _read_package(data: bytes, name: str, mime: str | None, most: int, *, damaged: bool = False) -> ExtractedDocument:
    """Read a zip-based format, identified by its files."""
    named_word = name.lower().endswith(".docx") or "wordprocessingml" in (mime or "")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MOST_UNPACKED:
            raise SwollenError("a file that unpacks to too much")
        names = archive.namelist()
        kind = archive.read("mimetype")[:99].decode("ascii", "replace").strip() if "mimetype" in names else ""
        if named_word or any(entry.startswith("word/document") for entry in names):
            texts = words(io.BytesIO(data))
        elif "ppt/presentation.xml" in names:
            texts = slides(io.BytesIO(data), damaged=damaged)
            return replace(_gather(texts, most, len(texts)), pages=len(texts))
        elif "xl/workbook.xml" in names:
            texts = sheets(preprocess_workbook(data), damaged=damaged)
        elif "xl/workbook.bin" in names or kind.endswith("opendocument.spreadsheet"):
            check_unlocked(archive)
            texts = sheets(data)
        elif kind == "application/epub+zip":
            chapters = list(epub(archive))
            return _gather((read() for read in chapters), most, len(chapters))
        elif "opendocument" in kind and "content.xml" in names:
            texts = open_document(archive).split("\n")
        elif any(entry.endswith(".iwa") for entry in names):
            raise OldOfficeError("a file of Pages, Numbers or Keynote")
        else:
            raise NotSupportedError(f"an archive: {mime}")
    return _gather(texts, most, len(texts))


def _read_text(data: bytes, language: str | None, most: int) -> tuple[str, str | None]:
    """A plain text and its encoding if that is a guess; a long web page is reduced to its words."""
    read = decode_text(data, language)
    text = _PACKED.sub(_left_out, read.words)
    if len(text) > min(most, LONG_PAGE) and _PAGE.match(text):
        return html(text), read.encoding
    return text, read.encoding


def _left_out(packed: re.Match[str]) -> str:
    return f"{packed[1]}[{3 * len(packed[2]) // 4096} KB, left out here]"


@contextmanager
def _libraries() -> Iterator[None]:
    """Convert whatever the libraries raise to a MediaError."""
    try:
        yield
    except MediaError:
        raise
    except (RecursionError, MemoryError) as exc:
        raise SwollenError(type(exc).__name__) from exc
    except Exception as exc:
        raise UnreadableError(f"{type(exc).__name__}: {exc}") from exc


def _gather(texts: Iterable[str], most: int, count: int) -> ExtractedDocument:
    """The first of `count` texts, as far as they fit and can be read in time."""
    kept: list[str] = []
    room, share, cut = most, 1.0, False
    until = time.monotonic() + MOST_GATHER_S
    for at, text in enumerate(_clean(texts)):
        if at and time.monotonic() > until:
            share, cut = min(1.0, at / count), True
            break
        kept.append(text[: max(0, room)])
        if len(text) > room:
            share, cut = min(1.0, (at + max(0, room) / len(text)) / count), True
            break
        room -= len(text) + 1
    return ExtractedDocument("\n".join(kept).strip(), None, cut=cut, share=share)


def _clean(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        lines = text.replace("\r\n", "\n").replace("\r", "\n")
        yield CONTROL.sub("", lines).encode("utf-8", "replace").decode()
