"""What a PDF holds besides its pages is told, and so are signs of which nobody knows the letters."""

import io
import zlib
from typing import cast

import pytest
from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, NameObject, TextStringObject

import bot.media.document
import bot.media.pdf
from bot.media.document import read_document
from tests.media.files import pdf


def _text(writer: PdfWriter) -> str:
    written = io.BytesIO()
    writer.write(written)
    return read_document(written.getvalue(), "a.pdf", None, most_characters=1000).text


def _writer(*pages: str) -> PdfWriter:
    return PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(*pages))))


def test_attached_files_are_named() -> None:
    writer = _writer("See the table")
    writer.add_attachment("sums of  May.csv", b"a;b")
    assert _text(writer) == "See the table\n[attached files, not read here: sums of May.csv]"


@pytest.mark.parametrize("failure", [ZeroDivisionError(), AssertionError(), RecursionError(), zlib.error()])
def test_whatever_a_page_raises_costs_only_itself(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    read = PageObject.extract_text

    def extract(page: PageObject) -> str:
        if page.page_number == 1:
            raise failure
        return read(page)

    monkeypatch.setattr(PageObject, "extract_text", extract)
    assert _text(_writer("One", "Two", "Three")) == f"One\n[page 2 can't be read: {type(failure).__name__}]\nThree"


def test_pages_over_limit_count_despite_attachments(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (bot.media.document, bot.media.pdf):
        monkeypatch.setattr(module, "MOST_PAGES", 2)
    writer, written = _writer("One", "Two", "Three"), io.BytesIO()
    writer.add_attachment("sums.csv", b"a;b")
    writer.write(written)
    read = read_document(written.getvalue(), "a.pdf", None, most_characters=1000)
    assert (read.cut, read.share) == (True, 2 / 3)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"<a><data><Name>Ann  B</Name><Empty/><Sum>5</Sum></data></a>", "[field Name: Ann B]\n[field Sum: 5]"),
        (b"", "[a form of a kind (XFA) that is not read here]"),
    ],
)
def test_a_form_that_only_adobe_shows(data: bytes, told: str) -> None:
    writer = _writer("Please wait")
    stream = DecodedStreamObject()
    stream.set_data(data)
    parts = ArrayObject([TextStringObject("datasets"), writer._add_object(stream)])
    writer.root_object[NameObject("/AcroForm")] = DictionaryObject({NameObject("/XFA"): parts})
    assert _text(writer) == f"Please wait\n{told}"


def test_signs_without_letters_are_said_to_be_some() -> None:
    writer = _writer("Hello")
    resources = cast("DictionaryObject", writer.pages[0]["/Resources"])
    font = cast("DictionaryObject", cast("DictionaryObject", resources["/Font"])["/F1"])
    font.update({NameObject("/Subtype"): NameObject("/Type0"), NameObject("/Encoding"): NameObject("/Identity-H")})
    system = DictionaryObject({NameObject("/Ordering"): TextStringObject("Identity")})
    descendant = DictionaryObject({NameObject("/CIDSystemInfo"): system})
    font[NameObject("/DescendantFonts")] = ArrayObject([writer._add_object(descendant)])
    assert _text(writer).startswith("[page 1 does not say which letters its signs are: its words may be others]\n")


def test_long_drawing_is_read_as_far_as_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.media.pdf, "MOST_DRAWN", 100)
    writer = _writer("One")
    page = writer.pages[0]
    contents = DecodedStreamObject()
    contents.set_data(b"BT /F1 12 Tf (Begun) Tj ET " + b"(0123456789) Tj " * 20)
    page[NameObject("/Contents")] = contents
    written = io.BytesIO()
    writer.write(written)
    found = read_document(written.getvalue(), "a.pdf", None, most_characters=1000)
    assert found.text.startswith("Begun")
    assert found.text.endswith("[only the beginning of page 1 is read]")
    assert (found.text.count("0123456789"), found.poor) == (4, (1,))
