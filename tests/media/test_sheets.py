"""Workbooks: errors, formulas without results, and cells far from all others are told as they are."""

import io
import zipfile

import pytest
import xlsxwriter

from bot.media.document import read_document
from bot.media.media_errors import LockedError


def zipped(files: dict[str, str]) -> bytes:
    """An archive of these files."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return written.getvalue()


def _book(rows: str, prefix: str = "") -> bytes:
    """A workbook with one sheet, written by hand."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    space = f'xmlns:{prefix.rstrip(":")}="{main}"' if prefix else f'xmlns="{main}"'
    return zipped(
        {
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
            "_rels/.rels": f'<Relationships xmlns="{package}"><Relationship Id="a" Type="{office}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
            '<sheet name="S" sheetId="1" r:id="a"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}"><Relationship Id="a" '
            f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f"<{prefix}worksheet {space}><{prefix}sheetData>{rows}</{prefix}sheetData>"
            f"</{prefix}worksheet>",
        }
    )


def _text(data: bytes) -> str:
    return read_document(data, "a.xlsx", None, most_characters=1000).text


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        ('<c r="A1" t="e"><v>#N/A</v></c><c r="B1" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "#N/A | #DIV/0!"),
        (
            '<c r="A1"><v>2</v></c><c r="B1" s="3"><f>A1*2</f></c><c r="C1"><f>SUM(A1:B1)</f><v/></c>',
            "2 | =A1*2 | =SUM(A1:B1)",
        ),
        ('<c r="A1"><f>1+1</f><v>2</v></c><c r="B1" t="str"><f>T(A1)</f><v></v></c><c r="C1"><v>3</v></c>', "2 |  | 3"),
        ('<c r="A1"><f t="shared" si="0"/></c><c r="B1"><f>A2&gt;1</f></c>', "=… | =A2>1"),
    ],
)
def test_errors_and_what_was_not_worked_out(cells: str, text: str) -> None:
    assert _text(_book(f'<row r="1">{cells}</row>')) == f"[sheet S]\n{text}"


def test_an_error_in_a_sheet_with_prefixes() -> None:
    cells = '<x:c r="A1" t="e"><x:v>#REF!</x:v></x:c><x:c r="B1"><x:f>A1</x:f></x:c>'
    assert _text(_book(f'<x:row r="1">{cells}</x:row>', "x:")) == "[sheet S]\n#REF! | =A1"


def test_a_cell_far_from_all_others() -> None:
    written = io.BytesIO()
    with xlsxwriter.Workbook(written) as book:
        sheet = book.add_worksheet("S")
        sheet.write(0, 0, "near")
        sheet.write_formula(4, 2, "=1+1", None, "two")
        sheet.write(1_048_575, 16_383, "far")
    assert _text(written.getvalue()) == "[sheet S]\nnear\n | two\n |  | far"


def test_an_open_workbook_with_a_password() -> None:
    files = {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "content.xml": "?",
        "META-INF/manifest.xml": "<manifest><file-entry><encryption-data/></file-entry></manifest>",
    }
    with pytest.raises(LockedError):
        _text(zipped(files))
