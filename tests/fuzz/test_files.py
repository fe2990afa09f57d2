"""A file of any kind, damaged in any way, is read or refused by an error of its own."""

import contextlib
import io
import zipfile
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from bot.media.document import read_document
from bot.media.image import convert_image
from bot.media.media_errors import MediaError
from bot.media.sound import convert_sound
from tests.fuzz.mutations import changed_bytes, fuzzed
from tests.media.files import heic, pdf, picture, recorded, scan, wav, word
from tests.media.test_sheets import zipped

XML = st.sampled_from(
    [b"<", b">", b"&#x0;", b"&#99999999;", b"<!DOCTYPE a>", b"</w:p>", b"<w:p>" * 9, b"9" * 40, b"\xff"]
)


@cache
def documents() -> dict[str, bytes]:
    packages = {"a.docx": word("one", "two", table=(("a", "b"),)), "a.xlsx": workbook(), "a.pptx": deck()}
    packages |= {"a.odt": open_document(), "a.ods": open_document("spreadsheet"), "a.epub": book()}
    letter = b"From: a@b.c\r\nSubject: =?utf-8?b?aGk=?=\r\nContent-Type: text/html\r\n\r\n<p>hi</p>"
    page = b"<html><body><p>hi<table><tr><td>x</table>"
    texts = {"a.eml": letter, "a.html": page, "a.rtf": rb"{\rtf1\ansi hi \'e4\par}"}
    return {"a.pdf": pdf("one", "two"), "scan.pdf": scan("one", None)} | packages | texts


def workbook() -> bytes:
    import xlsxwriter

    made = io.BytesIO()
    with xlsxwriter.Workbook(made) as book:
        book.add_worksheet("Plans").write_row(0, 0, ["a", 1, 2.5, True])
    return made.getvalue()


def deck() -> bytes:
    from pptx import Presentation

    made, written = Presentation(), io.BytesIO()
    made.slides.add_slide(made.slide_layouts[5]).shapes.title.text = "Plans"
    made.save(written)
    return written.getvalue()


def open_document(kind: str = "text") -> bytes:
    names = " ".join(
        f'xmlns:{one}="urn:oasis:names:tc:opendocument:xmlns:{one}:1.0"' for one in ("office", "text", "table")
    )
    cell = "<table:table-cell office:value-type='string'><text:p>two</text:p></table:table-cell>"
    rows = f"<table:table table:name='Plans'><table:table-row>{cell}</table:table-row></table:table>"
    body = f"<office:{kind}><text:h>one</text:h>{rows}<text:p>a<text:s/>b</text:p></office:{kind}>"
    content = f"<office:document-content {names}><office:body>{body}</office:body></office:document-content>"
    manifest = "<manifest:manifest xmlns:manifest='urn:oasis:names:tc:opendocument:xmlns:manifest:1.0'/>"
    files = {"mimetype": f"application/vnd.oasis.opendocument.{kind}", "META-INF/manifest.xml": manifest}
    return zipped(files | {"content.xml": content})


def book() -> bytes:
    container = "<container><rootfiles><rootfile full-path='OPS/a.opf'/></rootfiles></container>"
    items = "<item id='1' href='1.xhtml'/><item id='2' href='two%20.xhtml'/>"
    package = f"<package><manifest>{items}</manifest><spine><itemref idref='1'/><itemref idref='2'/></spine></package>"
    page = "<html><body><h1>one</h1><ol start='5'><li>a</ol></body></html>"
    files = {"mimetype": "application/epub+zip", "META-INF/container.xml": container, "OPS/a.opf": package}
    return zipped(files | {"OPS/1.xhtml": page, "OPS/two .xhtml": page})


@cache
def pictures() -> list[bytes]:
    return [*(picture(kind=kind) for kind in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP")), heic()]


@cache
def sounds() -> list[bytes]:
    return [wav(0.2), recorded("ogg", "libopus", 0.2), recorded("mp3", "libmp3lame", 0.2), recorded("mp4", "aac", 0.2)]


@st.composite
def changed_package(draw: st.DrawFn) -> tuple[str, bytes]:
    """A package in which one of its files is changed."""
    name = draw(st.sampled_from(["a.docx", "a.xlsx", "a.pptx", "a.odt", "a.ods", "a.epub"]))
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(documents()[name])) as old, zipfile.ZipFile(written, "w") as new:
        names = old.namelist()
        changed = draw(st.sampled_from([one for one in names if one.endswith((".xml", ".rels", ".opf", ".xhtml"))]))
        for one in names:
            data = old.read(one)
            if one == changed:
                at, inserted = draw(st.integers(0, len(data))), draw(XML | st.none())
                data = draw(changed_bytes(st.just(data))) if inserted is None else data[:at] + inserted + data[at:]
            new.writestr(one, data)
    return name, written.getvalue()


@fuzzed(40)
@given(st.sampled_from(sorted(documents())), st.data())
def test_damaged_document_is_read_or_refused(name: str, drawn: st.DataObject) -> None:
    _read(drawn.draw(changed_bytes(st.just(documents()[name]))), name)


@fuzzed(30)
@given(changed_package())
def test_package_with_damaged_part_is_read_or_refused(package: tuple[str, bytes]) -> None:
    name, data = package
    _read(data, name)


@fuzzed(30)
@given(changed_bytes(st.sampled_from(pictures())))
def test_damaged_picture_is_converted_or_refused(data: bytes) -> None:
    with contextlib.suppress(MediaError):
        assert convert_image(data).data


@fuzzed(25)
@given(changed_bytes(st.sampled_from(sounds())))
def test_damaged_sound_is_converted_or_refused(data: bytes) -> None:
    with contextlib.suppress(MediaError):
        assert convert_sound(data, most_seconds=9).data


def _read(data: bytes, name: str) -> None:
    with contextlib.suppress(MediaError):
        read = read_document(data, name, None, most_characters=10_000)
        assert len(read.text) <= 10_000
        read.text.encode()
