"""Emphasis in scripts without blanks between words, where Markdown asks for a blank beside a sign: ``**「字」**字``.

A mark between a sign and a letter is no mark for the parser. So an invisible letter is put between the sign and the
mark, and taken out of what the converter makes of it.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator

from telegram import MessageEntity

from bot.outbound.breaks import MARK
from bot.outbound.content import Text

JOINT = "\ufdd1"
"""No character, and neither a sign nor a blank to the parser."""
UNSPACED = r"\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
"""Thai, Lao, Tibetan, Burmese, Khmer, Chinese, Japanese, Korean, for a class of a pattern."""
_VOWELS = "".join(chr(code) for code in range(0xE00, 0x1800) if unicodedata.category(chr(code))[0] == "M")
"""Those that are written around a letter, as marks."""
_SIGN = r"[^\w\s*~\\]"
_LETTER = rf"(?:(?=[{UNSPACED}])[^\W_]|[{_VOWELS}{MARK}])"  # or a break in its place
_MARKS = r"(?:\*{1,3}|~~)"
_MAY_NEED_ONE = re.compile(rf"{_SIGN}{_MARKS}{_LETTER}|{_LETTER}{_MARKS}{_SIGN}")
_PAIRS = (
    re.compile(r"(?<![*\\])(\*{1,3})(?![\s*])([^*\n]+)(?<![\s\\])\1(?!\*)"),
    re.compile(r"(?<![~\\])(~~)(?![\s~])([^~\n]+)(?<![\s\\])~~(?!~)"),
)
_OPENS, _CLOSES = re.compile(rf"{_LETTER}{_MARKS}{_SIGN}"), re.compile(rf"{_SIGN}{_MARKS}{_LETTER}")


def needs_joints(source: str) -> bool:
    """Whether there may be such a mark."""
    return JOINT not in source and _MAY_NEED_ONE.search(source) is not None


def joints(masked: str) -> list[int]:
    """Where to put them in a text whose code is masked by signs, in order."""
    return sorted({place for pattern in _PAIRS for place in _places(pattern, masked)})


def _places(pattern: re.Pattern[str], masked: str) -> Iterator[int]:
    for pair in pattern.finditer(masked):
        begin, end = pair.span(2)
        if _OPENS.match(masked, pair.start() - 1):
            yield begin
        if _CLOSES.match(masked, end - 1):
            yield end


def without_joints(content: Text) -> Text:
    """The text as it is to be shown."""
    if JOINT not in content.text:
        return content
    units, sign = content.text.encode("utf-16-le"), JOINT.encode("utf-16-le")
    places = [at // 2 for at in range(0, len(units), 2) if units[at : at + 2] == sign]
    moved = []
    for one in content.entities:
        begin, end = (at - bisect_left(places, at) for at in (one.offset, one.offset + one.length))
        moved.append(MessageEntity(one.type, begin, end - begin, url=one.url, language=one.language))
    return Text(content.text.replace(JOINT, ""), tuple(moved))
