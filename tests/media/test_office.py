"""Slides, workbooks, books, open documents and rich text become text."""

import io
import zipfile

import pytest
import xlsxwriter
from pptx import Presentation
from pptx.oxml import parse_xml

from bot.media import document, markup
from bot.media.document import LONG_PAGE, ExtractedDocument, read_document
from bot.media.media_errors import LockedError, MediaError, NotSupportedError
from tests.media.files import picture

OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OPF = "http://www.idpf.org/2007/opf"


def _read(data: bytes, name: str = "a") -> ExtractedDocument:
    return read_document(data, name, None, most_characters=100_000)


def _zipped(**files: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return written.getvalue()


def _odt(body: str, **more: str) -> bytes:
    names = "".join(
        f' xmlns:{one}="urn:oasis:names:tc:opendocument:xmlns:{one}:1.0"' for one in ("office", "text", "table")
    )
    inside = f"<office:body><office:text>{body}</office:text></office:body>"
    content = f"<office:document-content{names}>{inside}</office:document-content>"
    return _zipped(**{"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content} | more)


def _epub(*chapters: tuple[str, str], **more: str) -> bytes:
    items = "".join(f'<item id="c{at}" href="{name.replace(" ", "%20")}"/>' for at, (name, _) in enumerate(chapters))
    spine = "".join(f'<itemref idref="c{at}"/>' for at in reversed(range(len(chapters))))
    package = f'<package xmlns="{OPF}"><manifest>{items}</manifest><spine>{spine}</spine></package>'
    container = '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    files = {
        f"OEBPS/{name}": f"<html><head><style>p{{}}</style></head><body>{text}</body></html>" for name, text in chapters
    }
    known = {"mimetype": "application/epub+zip", "META-INF/container.xml": container, "OEBPS/book.opf": package}
    return _zipped(**known | files | more)


def test_slides_are_read_with_tables_groups_and_notes() -> None:
    made = Presentation()
    slide = made.slides.add_slide(made.slide_layouts[5])
    slide.shapes.title.text = "Plans"
    slide.notes_slide.notes_text_frame.text = "say hello"
    cells = slide.shapes.add_table(1, 2, 0, 0, 9, 9).table.cell
    cells(0, 0).text, cells(0, 1).text = "left", "right"
    slide.shapes.add_group_shape().shapes.add_textbox(0, 0, 9, 9).text_frame.text = "within"
    made.slides.add_slide(made.slide_layouts[5]).shapes.title.text = "End"
    written = io.BytesIO()
    made.save(written)
    assert _read(written.getvalue()) == ExtractedDocument(
        "[slide 1]\nPlans\nleft | right\nwithin\n[notes: say hello]\n[slide 2]\nEnd", 2, cut=False
    )


_FRACTION = """<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"
xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main"
xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"
xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"><mc:Choice Requires="a14"><a14:m><m:oMath><m:f>
<m:num><m:r><m:t>1</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f></m:oMath></a14:m></mc:Choice>
<mc:Fallback><a:r><a:t>[a picture of it]</a:t></a:r></mc:Fallback></mc:AlternateContent>"""


@pytest.mark.parametrize("kind", ["presentation", "slideshow", "template"])
def test_powers_formulas_and_pictures_on_slides(kind: str) -> None:
    made = Presentation()
    slide = made.slides.add_slide(made.slide_layouts[6])
    paragraph = slide.shapes.add_textbox(0, 0, 9, 9).text_frame.paragraphs[0]
    for text, height in (("5", ""), ("2", "30000"), (" H", "0"), ("2", "-25000"), ("O ", "")):
        run = paragraph.add_run()
        run.text = text
        run.font._element.set("baseline", height or "0")
    paragraph._p.append(parse_xml(_FRACTION))
    shown = slide.shapes.add_picture(io.BytesIO(picture()), 0, 0)
    shown._element.nvPicPr.cNvPr.set("descr", "a red cat")
    written, named = io.BytesIO(), io.BytesIO()
    made.save(written)
    with zipfile.ZipFile(written) as old, zipfile.ZipFile(named, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"presentation.main+xml", f"{kind}.main+xml".encode()))
    assert _read(named.getvalue()).text == "[slide 1]\n5² H₂O 1/2\n[picture, not shown here: a red cat]"


def test_a_workbook_is_read_sheet_by_sheet() -> None:
    written = io.BytesIO()
    with xlsxwriter.Workbook(written) as book:
        sheet = book.add_worksheet("Prices")
        sheet.write_row(0, 0, ["Болт", 3, 1.5, True])
        sheet.write_formula(4, 2, "=B1*2", None, 6)
        book.add_worksheet("Secret").hide()
    assert _read(written.getvalue()).text == "[sheet Prices]\nБолт | 3 | 1.5 | TRUE\n |  | 6\n[sheet Secret, hidden]"


def test_an_open_document_is_read() -> None:
    body = (
        "<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>"
        "<text:h>Title</text:h><text:p>a<text:s text:c='2'/>b<text:line-break/>c<text:note>"
        "<text:note-citation>1</text:note-citation><text:note-body><text:p>see there</text:p></text:note-body>"
        "</text:note></text:p>"
        "<text:list><text:list-item><text:p>milk</text:p></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>x</text:p></table:table-cell>"
        "<table:table-cell><text:p>y</text:p></table:table-cell></table:table-row></table:table>"
    )
    assert _read(_odt(body)).text.splitlines() == ["Title", "a  b", "c [note: see there ]", "- milk", "x | y"]


def test_a_book_is_read_in_its_order() -> None:
    book = _epub(
        ("last one.xhtml", "<p>The end.</p>"), ("first.xhtml", "<h1>One</h1><p>Dark <i>and</i> caf&#233;.</p>")
    )
    assert _read(book).text == "One\nDark and café.\nThe end."


def test_book_is_read_no_further_than_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []

    def html(data: bytes) -> str:
        read.append(data)
        return "A chapter"

    monkeypatch.setattr(markup, "html", html)
    book = _epub(*((f"{at:02}.xhtml", f"<p>{at}</p>") for at in range(40)))
    found = read_document(book, "a.epub", None, most_characters=15)
    assert (found.text, found.cut, len(read)) == ("A chapter\nA cha", True, 2)
    assert 0 < found.share < 0.1


def test_book_that_takes_long_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MOST_GATHER_S", -1.0)
    book = _epub(*((f"{at}.xhtml", f"<p>Number {at}</p>") for at in range(4)))
    found = read_document(book, "a.epub", None, most_characters=1000)
    assert (found.text, found.cut, found.share) == ("Number 3", True, 0.25)


def test_a_missing_chapter_is_told() -> None:
    book = _epub(("b.xhtml", "<p>Two</p>"), ("a.xhtml", "<p>One</p>"))
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        rest = {name: archive.read(name).decode() for name in archive.namelist() if not name.endswith("/b.xhtml")}
    assert _read(_zipped(**rest)).text == "One\n[a chapter that is missing: b.xhtml]"


@pytest.mark.parametrize(
    "text",
    [
        '{"cells": [{"data": {"image/png": "%s"}}, "end"]}',
        "<FictionBook><binary id='a'>%s</binary><p>end</p>",
        "![a](data:image/png;base64,%s) end",
    ],
)
def test_pictures_within_texts_take_no_room(text: str) -> None:
    read = _read((text % ("iVBORw0K" * 512)).encode()).text
    assert read == text % "[3 KB, left out here]"


def test_rtf_is_read_in_its_code_page() -> None:
    """Its notes are read too."""
    read = _read(rb"{\rtf1\ansi\ansicpg1251 \'cf\'f0\'e8\'e2\'e5\'f2 \u8364?{\footnote below}\par two}")
    assert read.text == "Привет € [note]  below\ntwo"


def test_of_a_long_page_the_words_are_read() -> None:
    page = "<!DOCTYPE html><html><head><style>p{}</style></head><body><p>One &amp; two<br>three<script>x()</script></p>"
    assert _read(page.encode()).text == page
    assert _read((page + "<!-- -->" * LONG_PAGE).encode()).text == "One & two\nthree"


@pytest.mark.parametrize(
    "data",
    [
        OLD + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(600),
        _odt("", **{"META-INF/manifest.xml": "<m><encryption-data/></m>"}),
        _epub(("a.xhtml", "secret"), **{"META-INF/encryption.xml": '<x URI="OEBPS/a.xhtml"/>'}),
    ],
    ids=["office", "open document", "book"],
)
def test_a_password_is_told(data: bytes) -> None:
    with pytest.raises(LockedError):
        _read(data)


@pytest.mark.parametrize("data", [OLD + bytes(900), _zipped(a="x"), _zipped(mimetype="application/x")])
def test_what_is_none_of_them_is_told(data: bytes) -> None:
    with pytest.raises(NotSupportedError):
        _read(data)


@pytest.mark.parametrize("name", ["ppt/presentation.xml", "xl/workbook.xml", "word/document.xml"])
def test_what_is_broken_is_told(name: str) -> None:
    with pytest.raises(MediaError):
        _read(_zipped(**{name: "<a"}))


def test_deep_nesting_is_no_matter() -> None:
    assert "deep" in _read(_odt("<text:p>a<text:span>" * 60 + "deep" + "</text:span></text:p>" * 60)).text


def test_many_empty_cells_take_no_long_time() -> None:
    row = b"<tr>" + b"<td></td>" * 20_000 + b"<td>x</td></tr>"
    page = b"<html><body><table>" + row + b"<tr>" + b"<td></td>" * 20_000 + b"</tr></table>"
    assert _read(page).text.endswith(" | x")
