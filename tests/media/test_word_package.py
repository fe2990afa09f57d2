"""Word files as packages: with parts that are missing, and with nothing but pictures."""

import io
import zipfile

import pytest

from bot.media.document import read_document
from bot.media.media_errors import EmptyError

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_WORDS = "<w:p><w:r><w:t>words</w:t></w:r></w:p>"
_PICTURE = "<w:p><w:r><w:drawing><a:blip/></w:drawing></w:r></w:p>"


def _relations(*targets: tuple[str, str]) -> str:
    inside = "".join(
        f'<Relationship Id="r{at}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for at, (kind, target) in enumerate(targets)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{inside}</Relationships>'


def _text(body: str, *targets: tuple[str, str]) -> str:
    """What is read of a Word file with nothing but this body, which refers to these parts."""
    kinds = f'<Default Extension="rels" ContentType="x"/><Override PartName="/word/d.xml" ContentType="{_KIND}"/>'
    files = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">{kinds}</Types>',
        "_rels/.rels": _relations(("officeDocument", "word/d.xml")),
        "word/_rels/d.xml.rels": _relations(*targets),
        "word/d.xml": '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:v="urn:schemas-microsoft-com:vml" '
        f'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"><w:body>{body}</w:body></w:document>',
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return read_document(written.getvalue(), "a.docx", None, most_characters=99).text


@pytest.mark.parametrize("target", ["NULL", "media/gone.png", "/word/gone.xml", "../gone.xml"])
def test_a_part_that_is_missing_costs_nothing(target: str) -> None:
    assert _text(_WORDS, ("image", target)) == "words"


def test_pictures_alone_are_no_text() -> None:
    with pytest.raises(EmptyError):
        _text(_PICTURE * 2)
    assert _text(_PICTURE + _WORDS) == "[picture, not shown here]\nwords"


def test_headers_and_footers_are_read_once() -> None:
    from docx import Document

    made, written = Document(), io.BytesIO()
    made.add_paragraph("text")
    made.sections[0].header.paragraphs[0].text = "Secret report"
    made.sections[0].footer.paragraphs[0].text = "page 1"
    made.add_section()
    made.save(written)
    read = read_document(written.getvalue(), "a.docx", None, most_characters=999).text
    assert [line for line in read.split("\n") if line] == ["[header: Secret report]", "text", "[footer: page 1]"]


PARAGRAPHS = {
    "a binomial": (
        '<m:oMath><m:f><m:fPr><m:type m:val="noBar"/></m:fPr><m:num><m:r><m:t>n</m:t></m:r></m:num>'
        "<m:den><m:r><m:t>k</m:t></m:r></m:den></m:f></m:oMath>",
        "(n over k)",
    ),
    "what stands before": (
        "<m:oMath><m:sPre><m:sub><m:r><m:t>6</m:t></m:r></m:sub><m:sup><m:r><m:t>14</m:t></m:r></m:sup>"
        "<m:e><m:r><m:t>C</m:t></m:r></m:e></m:sPre></m:oMath>",
        "_6^14 C",
    ),
    "accents": (
        '<m:oMath><m:acc><m:accPr><m:chr m:val="⃗"/></m:accPr><m:e><m:r><m:t>a</m:t></m:r></m:e></m:acc>'
        '<m:bar><m:barPr><m:pos m:val="top"/></m:barPr><m:e><m:r><m:t>x</m:t></m:r></m:e></m:bar></m:oMath>',
        "a⃗x̅",
    ),
    "a function": (
        "<m:oMath><m:func><m:fName><m:r><m:t>sin</m:t></m:r></m:fName><m:e><m:r><m:t>x</m:t></m:r></m:e></m:func>"
        "</m:oMath>",
        "sin x",
    ),
    "a picture": (
        "<w:r><w:t>A</w:t>"
        '<w:drawing><a:docPr descr="a red cat"/><a:pic><a:blip/></a:pic></w:drawing><w:pict><v:line/></w:pict>'
        "<w:pict><v:shape><v:imagedata/></v:shape></w:pict></w:r>",
        "A[picture, not shown here: a red cat][picture, not shown here]",
    ),
}


@pytest.mark.parametrize(("inside", "text"), PARAGRAPHS.values(), ids=PARAGRAPHS)
def test_what_is_drawn_or_reckoned(inside: str, text: str) -> None:
    assert _text(f"<w:p>{inside}</w:p>") == text
