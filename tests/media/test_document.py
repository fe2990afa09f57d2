"""Documents become text, within limits."""

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfWriter
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    IndirectObject,
    NameObject,
    PdfObject,
    StreamObject,
    TextStringObject,
)

from bot.media.document import ExtractedDocument, read_document
from bot.media.media_errors import EmptyError, MediaError, NotSupportedError, TooLargeError, UnreadableError
from tests.media.files import pdf, picture, scan, word


def _read(data: bytes, name: str = "a.txt", mime: str | None = None, most: int = 1000) -> ExtractedDocument:
    return read_document(data, name, mime, most_characters=most)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251", "gb18030"])
def test_a_text_of_any_encoding_is_read(encoding: str) -> None:
    text = "Съешь ещё этих мягких французских булок, да выпей чаю. " * 5
    if encoding == "gb18030":
        text = "今天天气很好。我们去公园散步。你想一起来吗。" * 5
    assert _read(text.encode(encoding)).text.strip() == text.strip()


def test_line_ends_are_unified_and_controls_removed() -> None:
    assert _read(b"one\r\ntwo\rthree" + b" and so on" * 20 + b"\x07").text == "one\ntwo\nthree" + " and so on" * 20


def test_a_pdf_is_read_page_by_page() -> None:
    assert _read(pdf("first page", "second page")) == ExtractedDocument("first page\nsecond page", 2, cut=False)


def test_too_long_text_is_cut_and_marked() -> None:
    assert _read(b"0123456789", most=4) == ExtractedDocument("0123", None, cut=True, share=0.4)
    assert _read(pdf("first page", "second page"), most=10) == ExtractedDocument("first page", 2, cut=True, share=0.5)


def test_pages_without_words_are_counted() -> None:
    assert _read(pdf("words", "", "")) == ExtractedDocument("words", 3, cut=False, wordless=(2, 3))


def test_a_word_file_is_read_with_its_tables() -> None:
    read = _read(word("Dear Ann", "regards", table=(("a", "b"), ("c", "d"))), "letter.docx")
    assert read.text == "Dear Ann\nregards\na | b\nc | d"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (pdf("secret", password="x"), UnreadableError),
        (pdf("text")[:-200], UnreadableError),
        (picture(kind="PNG"), NotSupportedError),
        (bytes(range(256)) * 20, NotSupportedError),
        (word("x")[:300], UnreadableError),
    ],
    ids=["locked", "cut", "picture", "binary", "broken word"],
)
def test_what_can_not_be_read_says_why(data: bytes, error: type[MediaError]) -> None:
    with pytest.raises(error):
        _read(data, "file.docx" if data.startswith(b"PK") else "file")


def test_archive_unpacking_to_too_much_is_refused() -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * 110_000_000)
    with pytest.raises(TooLargeError):
        _read(written.getvalue(), "bomb.docx")


def test_entities_do_not_grow() -> None:
    good = word("x")
    bomb = b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + at, b"&%c;" % (97 + at) * 10) for at in range(9)
    )
    bomb += b'][<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">&j;</w:document>'
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as old, zipfile.ZipFile(written, "w") as new:
        for entry in old.namelist():
            new.writestr(entry, bomb if entry == "word/document.xml" else old.read(entry))
    with pytest.raises(MediaError):
        _read(written.getvalue(), "bomb.docx")


@settings(deadline=None)  # the first call loads libraries
@given(st.binary(max_size=300), st.integers(0, 900))
def test_no_bytes_raise_anything_else(data: bytes, at: int) -> None:
    whole = pdf("hello")
    for attempt in (data, whole[:at] + data + whole[at:], b"PK\x03\x04" + data):
        try:
            _read(attempt, "file.docx")
        except MediaError:
            continue


@pytest.mark.parametrize(
    ("line", "broken"),
    [("Съешь ещё этих мягких французских булок.\n", b"\xff\n"), ("A “quoted” log line — fine\n", b"\x80\n")],
)
def test_a_bad_byte_costs_only_itself(line: str, broken: bytes) -> None:
    assert _text(line.encode() * 50 + broken + line.encode()).count(line.strip()) == 51


def test_terminal_colour_codes_are_removed() -> None:
    log = b"\x1b[32mINFO\x1b[0m \x1b[1mserver\x1b[0m started on port 8080\n"
    assert _text(log * 50).splitlines() == ["INFO server started on port 8080"] * 50


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-16"])
def test_wide_encodings_are_known_without_a_mark_too(encoding: str) -> None:
    assert _text(("the server started on port 8080\n" * 20).encode(encoding)).startswith("the server started")


_BODIES = {
    "content control": "<w:sdt><w:sdtContent><w:p><w:r><w:t>SECRET</w:t></w:r></w:p></w:sdtContent></w:sdt>",
    "tracked insertion": "<w:p><w:ins w:id='1' w:author='x'><w:r><w:t>SECRET</w:t></w:r></w:ins></w:p>",
    "nested table": "<w:tbl><w:tr><w:tc><w:p/><w:tbl><w:tr><w:tc><w:p><w:r><w:t>SECRET</w:t></w:r></w:p></w:tc></w:tr>"
    "</w:tbl><w:p/></w:tc></w:tr></w:tbl>",
}


@pytest.mark.parametrize("body", _BODIES.values(), ids=_BODIES)
def test_all_words_of_a_word_file_are_read(body: str) -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(word("before"))) as old, zipfile.ZipFile(written, "w") as new:
        for entry in old.namelist():
            new.writestr(entry, old.read(entry).replace(b"<w:body>", b"<w:body>" + body.encode()))
    assert "SECRET" in read_document(written.getvalue(), "a.docx", None, most_characters=1000).text


def test_a_broken_page_costs_only_itself() -> None:
    writer = PdfWriter(clone_from=io.BytesIO(pdf("first page", "second page", "third page")))
    bad = StreamObject()
    bad._data = b"xx"
    bad[NameObject("/Filter")] = NameObject("/NoSuchFilter")
    writer.pages[1][NameObject("/Contents")] = writer._add_object(bad)
    written = io.BytesIO()
    writer.write(written)
    text = read_document(written.getvalue(), "a.pdf", None, most_characters=1000).text
    assert "first page" in text
    assert "[page 2 can't be read" in text
    assert "third page" in text


@pytest.mark.parametrize("data", [b"", b"  \n", scan(None)], ids=["empty", "blank", "a blank page"])
def test_a_file_without_words_is_told_apart(data: bytes) -> None:
    with pytest.raises(EmptyError):
        read_document(data, "a.txt", None, most_characters=1000)


def _text(data: bytes) -> str:
    return read_document(data, "a.txt", None, most_characters=60_000).text


@pytest.mark.parametrize(
    "text", ['if data.startswith(b"%PDF-"):\n    return "a PDF"\n', "%PDF-1.7 is how a PDF begins.\n"]
)
def test_a_text_about_pdfs_is_a_text(text: str) -> None:
    assert _text(text.encode()) == text.strip()


@pytest.mark.parametrize("before", [b"\n\n", b"HTTP/1.1 200 OK\r\n\r\n", b"\0" * 300, b"#!junk\n" * 99])
def test_a_pdf_behind_something_else_is_read(before: bytes) -> None:
    assert _text(before + pdf("hello there")) == "hello there"


def test_a_word_file_is_one_whatever_its_name() -> None:
    assert _read(word("Dear Ann"), "letter", "application/octet-stream").text == "Dear Ann"


def test_a_guessed_encoding_is_kept_with_the_text() -> None:
    read = read_document("1;Болт;нет\n".encode("cp1251"), "a.csv", None, most_characters=99, language="ru")
    assert (read.text, read.encoding) == ("1;Болт;нет", "windows-1251")


def test_page_breaks_and_old_file_ends_are_removed() -> None:
    assert _read(b"one\x0ctwo\x0bthree\x1a").text == "one\ntwo\nthree"


def test_pdf_form_fields_and_notes_are_read() -> None:
    """They are read with the page they are on."""
    writer = PdfWriter(clone_from=io.BytesIO(pdf("Form", "end")))

    def added(**told: PdfObject) -> IndirectObject:
        return writer._add_object(DictionaryObject({NameObject(f"/{key}"): value for key, value in told.items()}))

    widget, text, button = NameObject("/Widget"), NameObject("/Tx"), NameObject("/Btn")
    person = added(FT=text, T=TextStringObject("person"), V=TextStringObject("Ann Ågren"))
    writer.pages[0][NameObject("/Annots")] = ArrayObject(
        [
            added(Subtype=widget, T=TextStringObject("name"), Parent=person),
            added(Subtype=widget, FT=text, T=TextStringObject("empty")),
            added(Subtype=widget, FT=button, T=TextStringObject("agreed"), AS=NameObject("/Yes")),
            added(Subtype=widget, FT=button, T=TextStringObject("news"), AS=NameObject("/Off")),
            added(Subtype=NameObject("/Text"), Contents=TextStringObject("wrong date?")),
        ]
    )
    written = io.BytesIO()
    writer.write(written)
    assert _read(written.getvalue()).text.splitlines() == [
        *(
            "Form",
            "[field person.name: Ann Ågren]",
            "[field agreed: ☒]",
            "[field news: ☐]",
            "[note: wrong date?]",
            "end",
        )
    ]
