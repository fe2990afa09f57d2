"""Protection against spoofed framing: typed text that looks like the bot's own lines in the transcript.

The bot's lines (a timestamp, a forward's origin, a quote, notes of other content, the frames of the memory and of
recalled text) have forms that anyone can type. A typed line that has such a form, or looks as if it did, gets a
backslash in front, so user text never renders to the same bytes. All other text stays as typed.

What a line looks like is determined by its skeleton: letters of other scripts that look Latin become Latin. Unicode's
own variants (full width, mathematical, circled) are handled by NFKC, and variants of Latin letters are recognized by
their character names; the tables list lookalikes in other scripts, after Unicode's confusables (UTS 39).
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Invisible characters that Unicode doesn't class as spaces ("default ignorable", and the blank Braille pattern).
"""
QUOTING = frozenset(">\uff1e\ufe65\u203a\u276f\u3009\u232a\u27e9\u02c3\u1433\u227b\U00016f3f\U0001d237")
ANGLES = "<\u02c2\u1438\u2039\u227a\u276e\u2329\u27e8\u3008\ufe64\uff1c"
"""Characters that look like the beginning of a tag."""
_SHAPES = {
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαβγεϵηικνορςστυχω": "abezhikmnoptyxabyeenikvopsotuxw",
    "АВЕЅІЈКМНОРСТУХԌԚԜавеѕіјкмнорстухһԁԛԝпгиьүѵ": "abesijkmhopctyxgqwabesijkmhopctyxhdqwnrubyv",
    "օոսհռզցլյտա": "onuhnqgljsw",
    "ᎠᎡᎢᎥᎩᎪᎫᎬᎮᎳᎷᎻᏀᏉᏃᏏᏒᏕᏚᏞᏟᏢᏦᏧᏂᏴᎾᏔ": "drtiyajepwmhgvzbrsslcpkdhbow",
    "ꓮꓐꓑꓒꓓꓔꓖꓗꓙꓚꓜꓝꓟꓠꓡꓢꓣꓦꓧꓪꓫꓬꓰꓲꓳꓴ": "abpddtgkjczfmnlsrvhwxyeiou",  # noqa: RUF001
    "ⲁⲉⲏⲓⲕⲙⲛⲟⲣⲥⲧⲩⲭ": "aehikmnopctyx",
    "\u2010\u2012\u2013\u2014\u2015\u2212\u02d7\u2043": "--------",
    "\u2236\ua789\u02d0\u0589\u05c3\u02f8": "::::::",
    "\u23a1\u23a3\u23a4\u23a6": "[[]]",
    "\u2044\u2215\u29f8\u2571": "////",
    "\u0251\u0269\u028b\u026f": "aivw",
}
_TABLE = {char: sign for chars, signs in _SHAPES.items() for char, sign in zip(chars, signs, strict=True)}
_LATIN = re.compile(
    r"(?:(?:NEGATIVE (?:SQUARED|CIRCLED) )?LATIN (?:LETTER SMALL CAPITAL|(?:SMALL|CAPITAL) LETTER(?: DOTLESS| SCRIPT"
    r"| OPEN)?)|REGIONAL INDICATOR SYMBOL LETTER) ([A-Z])\b"
)
_LONG_S = {0x17F: "f"}
"""NFKD turns it into an s, but it looks like an f."""
_ROUND = frozenset("(){}\u201a\u201e")
"""Brackets of other shapes, and quotation marks that Unicode classes as opening."""
_NOT_SHOWN = frozenset(("Cc", "Cf", "Mn", "Me"))
_EMPHASIS = re.compile("[*_~`|]")
_OTHERWISE = (
    str.maketrans("", ""),
    str.maketrans("01|3@", "ollea"),
    str.maketrans("01|3@", "oiiea"),
)
"""Digits that read as letters; 1 may be either of two."""
_LONGEST = 200
"""Characters of a line that are examined; the bot's own lines are recognizable before that."""
_KINDS = (
    "animation|live photo|photo|round video message|voice message|audio|document|sticker|story|paid media"
    "|live location|location|place|contact|closed poll|closed quiz|poll|quiz|checklist|dice|game|gift|upgrade of a"
    "|unique gift|giveaway|invoice|shared contacts|shared chat|data of the web app|picture of the|task|option"
)
_TIME = re.compile(r"\[\w{2,9}\.? [\doil]{4}-[\doil]{2}-[\doil]{2}\b")
_FRAMES = re.compile(
    r"\[(?:forwarded from|link behind|earlier in this conversation|this comes from the chat program|text of the file"
    r"|end of the file|end of what was forwarded)\b"
)
_OURS = re.compile(
    rf"\[(?:(?:{_KINDS})[\],: ]|video(?: .*)?[,:] ?\w|a message (?:of|in) |a payment was made|sound: not readable"
    r"|file\b.*: \w)"
)
_LINK = re.compile(r"\[[^\[\]]*\][(\[:]")
"""A Markdown link. The bot's own lines never look like one: their brackets end the line or precede a space."""
_JOINT = re.compile("[-_]")
"""Characters that may stand in for a space."""
_AUTHOR = re.compile(r">\s*[^:]{1,60}:\s+\S")
_EMPHASIS_SIGNS = "*_~`|"
_TAG = re.compile(r"(?=<\s{0,8}/?\s{0,8}memory\b)", re.IGNORECASE)
_ANGLE = re.compile(f"[{ANGLES}]")
_MAY_BE_TAG = re.compile(rf"[{ANGLES}](?:[\W_]{{0,100}}[mM\x80-\U0010ffff]|[\W_]{{100}})")
"""A quick test: most HTML tags begin with another letter, and need no skeleton."""


def is_opening(char: str) -> bool:
    """Whether a character looks like an opening square bracket."""
    return _shape(char) == "["


def is_closing(char: str) -> bool:
    """Whether a character looks like a closing square bracket."""
    return _shape(char) == "]"


def is_framing(char: str) -> bool:
    """Whether a character looks like one used for framing."""
    return _shape(char) in "[]<>:" or char in ANGLES


def is_unseen(char: str) -> bool:
    """Whether a character is invisible on its own: whitespace, a direction mark, a combining accent."""
    return unicodedata.category(char)[0] in "CZM" or UNSEEN.match(char) is not None


def skeleton(line: str) -> str:
    """What a line looks like: without invisible characters, in lower case, with uniform brackets and spaces."""
    plain = unicodedata.normalize("NFKD", UNSEEN.sub("", line.translate(_LONG_S)))
    shown = "".join(_shape(char) for char in plain if char.isspace() or unicodedata.category(char) not in _NOT_SHOWN)
    return re.sub(r"\s+", " ", shown.casefold()).replace("[ ", "[")


def readings(line: str) -> Iterator[str]:
    """The ways to read a skeleton: as is, without emphasis, and with lookalike digits and letter pairs replaced."""
    bare = _EMPHASIS.sub("", line)
    yield line
    yield bare
    for table in _OTHERWISE[1:]:
        yield bare.translate(table)
    yield bare.replace("rn", "m").replace("vv", "w")


@lru_cache(maxsize=4096)
def _shape(char: str) -> str:
    if char.isascii():
        return char
    if (sign := _TABLE.get(char)) is not None:
        return sign
    if char in QUOTING:
        return ">"
    category = unicodedata.category(char)
    if category in ("Ps", "Pe"):
        plain = unicodedata.normalize("NFKC", char)[:1]
        return char if plain in _ROUND else "[" if category == "Ps" else "]"
    latin = _LATIN.match(unicodedata.name(char, ""))
    if latin is not None:
        return latin[1].lower()
    folded = char.casefold()
    return _TABLE.get(folded, char)


def escape_framing(text: str, *, quotes: bool = True) -> str:
    """User text in which no line can be taken for the bot's framing.

    `quotes`: quotes and timestamps are escaped too, because nothing precedes the line.
    """
    lines = (escape_tags(_escape_line(line, quotes=quotes)) for line in text.splitlines(keepends=True))
    return _TAG.sub(r"\\", "".join(lines))


def escape_tags(line: str) -> str:
    """Escape what looks like a memory tag; tags in plain spelling are escaped by `_TAG`."""
    if line.isascii() or _MAY_BE_TAG.search(line) is None or _TAG.search(line) is not None:
        return line
    return _ANGLE.sub(r"\\\g<0>", line) if _TAG.search(skeleton(_ANGLE.sub("<", line))) else line


def _escape_line(line: str, *, quotes: bool) -> str:
    start = _start(line)
    if start == len(line):
        return line
    if is_opening(line[start]):
        return f"{line[:start]}\\{line[start:]}" if _is_bracket_of_ours(line[start:], times=quotes) else line
    if not quotes or line[start] not in QUOTING:
        return line
    if names_somebody(line[start + 1 :]):
        return f"{line[:start]}\\{line[start:]}"
    # A Markdown quote doesn't need the space that the bot's quotes always have.
    return ">" + line[1:].lstrip(" ") if line.startswith("> ") else line


def names_somebody(line: str) -> bool:
    """Whether a quoted line looks as if it named an author."""
    return _AUTHOR.match("> " + _skeleton(line)) is not None


def _is_bracket_of_ours(line: str, *, times: bool) -> bool:
    if not any(map(is_closing, line)):
        return False
    shown = _skeleton(line)
    if times and _TIME.match(shown) is not None:
        return True
    if _LINK.match(shown) is not None:
        return _FRAMES.match(shown) is not None
    if _FRAMES.match(_JOINT.sub(" ", shown)) is not None:
        return True
    return any(_FRAMES.match(reading) or _OURS.match(reading) for reading in readings(shown))


def _start(line: str) -> int:
    """The index of the first visible character; emphasis characters before a bracket are skipped."""
    start = next((at for at, char in enumerate(line) if not is_unseen(char)), len(line))
    bare = next(
        (at for at in range(start, len(line)) if not (line[at] in _EMPHASIS_SIGNS or is_unseen(line[at]))), start
    )
    return bare if is_opening(line[bare : bare + 1] or " ") else start


def _skeleton(line: str) -> str:
    return skeleton(line[:_LONGEST])
