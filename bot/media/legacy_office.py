"""Rich text (RTF) as text.

Files of office programs of before 2007: which program one is of, and the words of those that are read.
"""

import re

from bot.media.media_errors import LockedError, NotSupportedError, OldOfficeError
from bot.media.packages import UNSAID
from bot.media.sheets import sheets

_FOOTNOTE = re.compile(r"\{\s?\\footnote\b")
_PICTURE = re.compile(r"\{\s?\\\*\s?\\shppict\b|(?<!shppict)(?<!shppict\s)(?<!shppict\s\s)\{\s?\\pict\b")
"""A picture for newer programs, which stands there once more for older ones; or one for all."""
_POWER = re.compile(r"(\\super(?![a-z0-9])(?:\\(?!super)[a-z]{1,20}-?[0-9]{0,6})*(?: |(?=[0-9])))([-+]?[0-9])")
_BYTE = re.compile(r"[\x80-\xff]")
_WORKBOOKS = ("00020810", "00020820")
"""What Excel's class identifiers begin with."""
_OTHERS = ("00020900", "00020906", "64818d10", "00021a", "00021201")
"""... and those of Word, PowerPoint, Visio and Publisher, which may hold a table of Excel's."""
_STREAMS_OF_WORKBOOKS = ("Workbook", "Book")
_STREAMS_OF_OTHERS = ("WordDocument", "PowerPoint Document", "VisioDocument", "Quill", "HwpSummaryInformation")


def rich_text(data: bytes) -> str:
    """Its words, with notes where they belong and a sign for each power and picture."""
    from striprtf.striprtf import rtf_to_text

    noted = _FOOTNOTE.sub("{ [note] ", _ascii(data))  # else it is left out
    noted = _PICTURE.sub(lambda found: UNSAID + found[0], _POWER.sub(r"\1^\2", noted))
    text = str(rtf_to_text(noted, errors="replace"))  # type: ignore[no-untyped-call]
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # what needs two halves was told in two


def _ascii(data: bytes) -> str:
    """It is to be in ASCII; programs that know no better write letters in their table, or in UTF-8."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _BYTE.sub(lambda found: f"\\'{ord(found[0]):02x}", data.decode("latin-1"))
    return text


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
