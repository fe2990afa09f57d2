"""Files of office programs of before 2007: which program one is of, and the words of those that are read."""

from bot.media.errors import LockedError, NotSupportedError, OldOfficeError
from bot.media.sheets import sheets

_WORKBOOKS = ("00020810", "00020820")
"""What Excel's class identifiers begin with."""
_OTHERS = ("00020900", "00020906", "64818d10", "00021a", "00021201")
"""... and those of Word, PowerPoint, Visio and Publisher, which may hold a table of Excel's."""
_STREAMS_OF_WORKBOOKS = ("Workbook", "Book")
_STREAMS_OF_OTHERS = ("WordDocument", "PowerPoint Document", "VisioDocument", "Quill", "HwpSummaryInformation")


def old_office(data: bytes) -> list[str]:
    """The rows of a workbook. Raises MediaError, OldOfficeError for what can be saved in a form that is read."""
    if _holds(data, "EncryptedPackage"):
        raise LockedError("a file with a password")
    program = _class(data)
    is_workbook = any(_holds(data, name) for name in _STREAMS_OF_WORKBOOKS)
    if program.startswith(_OTHERS) or not (is_workbook or program.startswith(_WORKBOOKS)):
        if program.startswith(_OTHERS) or any(_holds(data, name) for name in _STREAMS_OF_OTHERS):
            raise OldOfficeError("an old file of an office program")
        raise NotSupportedError("an old file of some program")
    return sheets(data)


def _holds(data: bytes, name: str) -> bool:
    """Whether there is a stream of this name: one that ends so, as no word of a text does."""
    return name.encode("utf-16-le") + b"\0\0" in data


def _class(data: bytes) -> str:
    """The first part of the identifier of the program that a file is of, in its root entry; zeros where it has none."""
    first, size = int.from_bytes(data[48:52], "little"), 1 << min(int.from_bytes(data[30:32], "little"), 16)
    at = (first + 1) * size + 80
    return data[at : at + 4][::-1].hex()
