"""Rich text (RTF) as text."""

import re

from bot.media.pictures import UNSAID

_FOOTNOTE = re.compile(r"\{\s?\\footnote\b")
_PICTURE = re.compile(r"\{\s?\\\*\s?\\shppict\b|(?<!shppict)(?<!shppict\s)(?<!shppict\s\s)\{\s?\\pict\b")
"""A picture for newer programs, which stands there once more for older ones; or one for all."""
_POWER = re.compile(r"(\\super(?![a-z0-9])(?:\\(?!super)[a-z]{1,20}-?[0-9]{0,6})*(?: |(?=[0-9])))([-+]?[0-9])")
_BYTE = re.compile(r"[\x80-\xff]")


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
