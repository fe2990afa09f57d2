"""What old office files are: those that can be saved in another form are told apart from the rest."""

import io
import struct
import uuid
import zipfile

import pytest

from bot.media.document import read_document
from bot.media.media_errors import NotSupportedError, OldOfficeError, UnreadableError

WORD, EXCEL, NONE = (
    "00020906-0000-0000-c000-000000000046",
    "00020820-0000-0000-c000-000000000046",
    str(uuid.UUID(int=0)),
)


def _compound(*streams: str, program: str = NONE) -> bytes:
    """As much of such a file as is looked at: its header, and its directory in the first sector."""
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<HH", header, 28, 0xFFFE, 9)
    entries = [_entry("Root Entry", uuid.UUID(program).bytes_le), *(_entry(name) for name in streams)]
    return bytes(header) + b"".join(entries)


def _entry(name: str, program: bytes = bytes(16)) -> bytes:
    return (
        name.encode("utf-16-le").ljust(64, b"\0")
        + struct.pack("<H", 2 * len(name) + 2).ljust(16, b"\0")
        + program
        + (bytes(32))
    )


def _pages() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("Index/Document.iwa", b"\0")
    return written.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        _compound("WordDocument", "1Table"),
        _compound("PowerPoint Document"),
        _compound("WordDocument", "ObjectPool", "Workbook", program=WORD),
        _compound("VisioDocument"),
        _compound("WordDocument") + "The Book of a Workbook".encode("utf-16-le"),
        _pages(),
    ],
    ids=["doc", "ppt", "doc with a table", "vsd", "doc on books", "pages"],
)
def test_what_can_be_saved_otherwise_is_told(data: bytes) -> None:
    with pytest.raises(OldOfficeError):
        read_document(data, "a", None, most_characters=100)


def test_a_workbook_is_one_whatever_it_holds() -> None:
    for data in (_compound("Workbook", "MBD0", "WordDocument", program=EXCEL), _compound("Workbook")):
        with pytest.raises(UnreadableError):  # as a workbook, of which there is no more here
            read_document(data, "a.xls", None, most_characters=100)


def test_other_files_of_their_form_are_not_read() -> None:
    with pytest.raises(NotSupportedError) as raised:
        read_document(_compound("__properties_version1.0"), "a.msg", None, most_characters=100)
    assert not isinstance(raised.value, OldOfficeError)
