"""A damaged part of a package costs no other part, and is named."""

import io
import re
import zipfile
from collections.abc import Callable

import pytest
import xlsxwriter
from pptx import Presentation

from bot.media.document import ExtractedDocument, read_document
from bot.media.media_errors import MediaError
from tests.media.files import word


def _read(data: bytes) -> ExtractedDocument:
    return read_document(data, "a", None, most_characters=10_000)


def _changed(data: bytes, name: str, change: Callable[[bytes], bytes | None]) -> bytes:
    """The package with one part changed; None: without it."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(written, "w") as after:
        for one in before.namelist():
            part = change(before.read(one)) if one == name else before.read(one)
            if part is not None:
                after.writestr(one, part)
    return written.getvalue()


def _slides() -> bytes:
    made, written = Presentation(), io.BytesIO()
    for title in ("One", "Two", "Three"):
        shapes = made.slides.add_slide(made.slide_layouts[5]).shapes
        assert shapes.title is not None
        shapes.title.text = title
    made.save(written)
    return written.getvalue()


def _book() -> bytes:
    written = io.BytesIO()
    with xlsxwriter.Workbook(written) as book:
        for name in ("A", "B", "C"):
            book.add_worksheet(name).write(0, 0, f"text {name}")
    return written.getvalue()


def test_what_is_whole_is_not_damaged() -> None:
    assert [_read(data).damaged for data in (_slides(), _book(), word("Hello"))] == [""] * 3


@pytest.mark.parametrize("change", [lambda _: None, lambda part: part[:200], lambda _: b"<a/>"])
def test_a_slide_that_is_broken_or_missing(change: Callable[[bytes], bytes | None]) -> None:
    read = _read(_changed(_slides(), "ppt/slides/slide2.xml", change))
    assert read.text == "[slide 1]\nOne\n[slide 2]\n[it can't be read]\n[slide 3]\nThree"
    assert read.damaged


@pytest.mark.parametrize(
    ("name", "change", "text"),
    [
        ("worksheets/sheet2.xml", lambda part: part[:300], "A]\ntext A\n[sheet B]\n[sheet C]\ntext C"),
        ("worksheets/sheet2.xml", lambda _: None, "A]\ntext A\n[sheet B]\n[it can't be read]\n[sheet C]\ntext C"),
        ("worksheets/sheet2.xml", lambda part: re.sub(b"<v>1<", b"<v>9<", part), "A]\ntext A\n[sheet B]\n[a text"),
        ("styles.xml", lambda part: part[:99], "A]\ntext A\n[sheet B]\ntext B\n[sheet C]\ntext C"),
        ("sharedStrings.xml", lambda part: part[:-40], "A]\ntext A\n[sheet B]\n"),
    ],
)
def test_a_workbook_with_a_broken_part(name: str, change: Callable[[bytes], bytes | None], text: str) -> None:
    read = _read(_changed(_book(), f"xl/{name}", change))
    assert read.text.startswith(f"[sheet {text}")
    assert read.damaged


def test_a_text_without_its_end() -> None:
    data = _changed(word("Hello", "World"), "word/document.xml", lambda part: part[:-300])
    read = _read(data)
    assert (read.text[:5], read.damaged) == ("Hello", "document.xml")


@pytest.mark.parametrize("place", [0.5, 0.99])
def test_a_bit_that_is_turned_costs_what_follows(place: float) -> None:
    data = bytearray(word(*(f"Paragraph {number} of {number * 7919 % 1009}" for number in range(300))))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        part = archive.getinfo("word/document.xml")
    data[part.header_offset + 30 + len(part.filename) + int(place * part.compress_size)] ^= 0x10
    read = _read(bytes(data))
    assert read.text.startswith("Paragraph 0 of 0\nParagraph 1 of 856\nParagraph 2 of 703\n")
    assert read.damaged == "document.xml"


def test_what_holds_nothing_else_is_damaged() -> None:
    with pytest.raises(MediaError):
        _read(_changed(word("Hello"), "word/document.xml", lambda part: part[:99]))
