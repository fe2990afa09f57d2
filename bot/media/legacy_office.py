"""Rich text (RTF) and office files from before 2007: Excel workbooks are read, others are identified by program."""

import re

from bot.media.media_errors import LockedError, NotSupportedError, OldOfficeError
from bot.media.packages import UNSAID
from bot.media.sheets import sheets

_FOOTNOTE = re.compile(r"\{\s?\\footnote\b")
_PICTURE = re.compile(r"\{\s?\\\*\s?\\shppict\b|(?<!shppict)(?<!shppict\s)(?<!shppict\s\s)\{\s?\\pict\b")
"""A picture for newer programs, which is repeated for older ones; or a single one for all."""
_POWER = re.compile(r"(\\super(?![a-z0-9])(?:\\(?!super)[a-z]{1,20}-?[0-9]{0,6})*(?: |(?=[0-9])))([-+]?[0-9])")
_BYTE = re.compile(r"[\x80-\xff]")
_WORKBOOKS = ("00020810", "00020820")
"""Prefixes of Excel's class identifiers."""
_OTHERS = ("00020900", "00020906", "64818d10", "00021a", "00021201")
"""Those of Word, PowerPoint, Visio and Publisher, whose files may contain an Excel table."""
_STREAMS_OF_WORKBOOKS = ("Workbook", "Book")
_STREAMS_OF_OTHERS = ("WordDocument", "PowerPoint Document", "VisioDocument", "Quill", "HwpSummaryInformation")


def rich_text(data: bytes) -> str:
    """The text of an RTF file, with notes in place and a marker for each power and picture."""
    from striprtf.striprtf import rtf_to_text

    noted = _FOOTNOTE.sub("{ [note] ", _ascii(data))  # the library would drop it
    noted = _PICTURE.sub(lambda found: UNSAID + found[0], _POWER.sub(r"\1^\2", noted))
    text = str(rtf_to_text(noted, errors="replace"))  # type: ignore[no-untyped-call]
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # surrogate pairs arrive as two halves


def _ascii(data: bytes) -> str:
    """RTF should be ASCII; some programs write raw bytes of their encoding, or UTF-8."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _BYTE.sub(lambda found: f"\\'{ord(found[0]):02x}", data.decode("latin-1"))
    return text


def old_office(data: bytes) -> list[str]:
    """The rows of a workbook. Raises MediaError; OldOfficeError if the program could save a readable format."""
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
    """Whether a stream has this name (followed by zeros, as no word of a text is)."""
    return name.encode("utf-16-le") + b"\0\0" in data


def _class(data: bytes) -> str:
    """The first part of the class identifier in the root entry; zeros if there is none."""
    first, size = int.from_bytes(data[48:52], "little"), 1 << min(int.from_bytes(data[30:32], "little"), 16)
    at = (first + 1) * size + 80
    return data[at : at + 4][::-1].hex()
