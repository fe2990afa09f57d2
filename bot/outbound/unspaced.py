"""Emphasis in scripts without blanks between words, where Markdown asks for a blank beside a sign: ``**「字」**字``.

A mark between a sign and a letter is no mark for the parser. So an invisible letter is put between the sign and the
mark, and taken out of what the converter makes of it.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator

from telegram import MessageEntity

from bot.outbound.breaks import MARK
from bot.outbound.content import Text

JOINT = "\ufdd1"
"""No character, and neither a sign nor a blank to the parser."""
_SIGN = r"[^\w\s*\\]"
_UNSPACED = r"(?=[\u0e00-\u0eff\u1780-\u17ff\u2e80-\ud7ff\uf900-\ufaff\uff66-\uffdc])[^\W_]"
_LETTER = rf"(?:{_UNSPACED}|[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e{MARK}])"  # Thai vowels, and a break in its place
_MAY_NEED_ONE = re.compile(rf"{_SIGN}\*{{1,3}}{_LETTER}|{_LETTER}\*{{1,3}}{_SIGN}")
_PAIR = re.compile(r"(?<![*\\])(\*{1,3})(?![\s*])([^*\n]+)(?<![\s\\])\1(?!\*)")
_OPENS, _CLOSES = re.compile(rf"{_LETTER}\*+{_SIGN}"), re.compile(rf"{_SIGN}\*+{_LETTER}")


def needs_joints(source: str) -> bool:
    """Whether there may be such a mark."""
    return JOINT not in source and _MAY_NEED_ONE.search(source) is not None


def joints(masked: str) -> Iterator[int]:
    """Where to put them in a text whose code is masked by signs, in order."""
    for pair in _PAIR.finditer(masked):
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
