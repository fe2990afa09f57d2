"""What a text looks like to whoever reads it: letters of other scripts in the shape of Latin ones are those letters.

Unicode's own forms (full width, mathematical, ringed) are left to NFKC, and variants of Latin letters are known by
their names; listed are letters of other scripts, after Unicode's table of confusable signs (UTS 39).
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
