"""What a text looks like to whoever reads it: letters of other scripts in the shape of Latin ones are those letters.

Unicode's own forms (full width, mathematical, ringed) are left to NFKC, and variants of Latin letters are known by
their names; listed are letters of other scripts, after Unicode's table of confusable signs (UTS 39).

What people typed, told from what we write ourselves into the transcript.

Our own lines (a time, a forward's origin, a quote, what a message holds besides words, the frames of notes and of what
is recalled) have forms that anybody can type. So a typed line that has one of them, or looks as if it had, gets a
backslash before it, and no text of anybody renders to the bytes of ours. All else stays as it was typed.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Characters that show nothing, and are no blanks for Unicode (its "default ignorable" ones, and the empty Braille)."""
QUOTING = frozenset(">\uff1e\ufe65\u203a\u276f\u3009\u232a\u27e9\u02c3\u1433\u227b\U00016f3f\U0001d237")
ANGLES = "<\u02c2\u1438\u2039\u227a\u276e\u2329\u27e8\u3008\ufe64\uff1c"
"""What looks like the beginning of a tag."""
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
"""Which is an s for NFKD, and looks like an f."""
_ROUND = frozenset("(){}\u201a\u201e")
"""Brackets of other shapes, and quotation marks that Unicode takes for opening ones."""
_NOT_SHOWN = frozenset(("Cc", "Cf", "Mn", "Me"))
_EMPHASIS = re.compile("[*_~`|]")
_OTHERWISE = (
    str.maketrans("", ""),
    str.maketrans("01|3@", "ollea"),
    str.maketrans("01|3@", "oiiea"),
)
"""Figures that are read as letters; one of them as either of two."""
_LONGEST = 200
"""Characters of a line that are looked at; ours say what they are before."""
_KINDS = (
    "animation|live photo|photo|round video message|voice message|audio|document|sticker|story|paid media"
    "|live location|location|place|contact|closed poll|closed quiz|poll|quiz|checklist|dice|game|gift|upgrade of a"
    "|unique gift|giveaway|invoice|shared contacts|shared chat|data of the web app|picture of the|task|option"
)
_TIME = re.compile(r"\[\w{2,9}\.? [\doil]{4}-[\doil]{2}-[\doil]{2}\b")
_FRAMES = re.compile(
    r"\[(?:forwarded from|link behind|earlier in this conversation|this comes from the chat program)\b"
)
_OURS = re.compile(
    rf"\[(?:(?:{_KINDS})[\],: ]|video(?: .*)?[,:] ?\w|a message (?:of|in) |a payment was made|sound: not readable"
    r"|file\b.*: \w)"
)
_LINK = re.compile(r"\[[^\[\]]*\][(\[:]")
"""A link of Markdown, which none of ours can be: a bracket of ours ends its line, or a blank follows."""
_JOINT = re.compile("[-_]")
"""Which may stand for a blank."""
_AUTHOR = re.compile(r">\s*[^:]{1,60}:\s+\S")
_EMPHASIS_SIGNS = "*_~`|"
_TAG = re.compile(r"(?=<\s{0,8}/?\s{0,8}memory\b)", re.IGNORECASE)
_ANGLE = re.compile(f"[{ANGLES}]")
_MAY_BE_TAG = re.compile(rf"[{ANGLES}](?:[\W_]{{0,100}}[mM\x80-\U0010ffff]|[\W_]{{100}})")
"""Without one, a line need not be looked at as it looks: most tags of HTML begin with another letter."""


def is_opening(char: str) -> bool:
    """Whether a sign looks like an opening square bracket."""
    return _shape(char) == "["


def is_closing(char: str) -> bool:
    """Whether a sign looks like a closing square bracket."""
    return _shape(char) == "]"


def is_framing(char: str) -> bool:
    """Whether a sign looks like one that gives our lines their form."""
    return _shape(char) in "[]<>:" or char in ANGLES


def is_unseen(char: str) -> bool:
    """Whether a sign shows nothing by itself: a blank, a mark of direction, an accent without its letter."""
    return unicodedata.category(char)[0] in "CZM" or UNSEEN.match(char) is not None


def skeleton(line: str) -> str:
    """How a line looks: without what is not seen, in small letters, with one sort of brackets and of blanks."""
    plain = unicodedata.normalize("NFKD", UNSEEN.sub("", line.translate(_LONG_S)))
    shown = "".join(_shape(char) for char in plain if char.isspace() or unicodedata.category(char) not in _NOT_SHOWN)
    return re.sub(r"\s+", " ", shown.casefold()).replace("[ ", "[")


def readings(line: str) -> Iterator[str]:
    """The ways to read a skeleton: as it is, without emphasis, and with figures and pairs in place of letters."""
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


def typed(text: str, *, quotes: bool = True) -> str:
    """A text of somebody, in which no line is like one of ours.

    `quotes`: a line may pass for a quote or a time of ours too, since nothing stands before it.
    """
    lines = (_untagged(_marked(line, quotes=quotes)) for line in text.splitlines(keepends=True))
    return _TAG.sub(r"\\", "".join(lines))


def _untagged(line: str) -> str:
    """A line in which nothing looks like the tags around our notes; those that are spelled so are marked by `_TAG`."""
    if line.isascii() or _MAY_BE_TAG.search(line) is None or _TAG.search(line) is not None:
        return line
    return _ANGLE.sub(r"\\\g<0>", line) if _TAG.search(skeleton(_ANGLE.sub("<", line))) else line


def _marked(line: str, *, quotes: bool) -> str:
    start = _start(line)
    if start == len(line):
        return line
    if is_opening(line[start]):
        return f"{line[:start]}\\{line[start:]}" if _is_bracket_of_ours(line[start:], times=quotes) else line
    if not quotes or line[start] not in QUOTING:
        return line
    if names_somebody(line[start + 1 :]):
        return f"{line[:start]}\\{line[start:]}"
    # A quote of Markdown needs no blank, and ours always have one.
    return ">" + line[1:].lstrip(" ") if line.startswith("> ") else line


def names_somebody(line: str) -> bool:
    """Whether a quoted line looks as if it named its author."""
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
    return any(_FRAMES.match(one) or _OURS.match(one) for one in readings(shown))


def _start(line: str) -> int:
    """Where a line begins to show something: before a bracket, signs of emphasis are as good as nothing."""
    start = next((at for at, char in enumerate(line) if not is_unseen(char)), len(line))
    bare = next(
        (at for at in range(start, len(line)) if not (line[at] in _EMPHASIS_SIGNS or is_unseen(line[at]))), start
    )
    return bare if is_opening(line[bare : bare + 1] or " ") else start


def _skeleton(line: str) -> str:
    return skeleton(line[:_LONGEST])
