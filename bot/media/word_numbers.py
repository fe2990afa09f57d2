"""List numbers of Word files, which don't store them, only the rules for counting."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.media.word_runs import child, tag, value

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element

LEVELS = 9
MOST_BASES = 20
"""The depth of styles based on one another."""
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl")),
    *((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)


@dataclass(frozen=True, slots=True)
class Level:
    """How a list level counts; in `text`, %1 is the number of the first level."""

    kind: str = "decimal"
    text: str = "%1."
    start: int = 1
    style: str = ""


@dataclass(frozen=True, slots=True)
class Scheme:
    """A list; several may share a counter."""

    counts_with: str
    levels: dict[int, Level]
    restarts: dict[int, int]


class Numbers:
    """Counts paragraphs in order."""

    def __init__(self, numbering: "_Element | None", styles: "_Element | None") -> None:
        self._schemes = _schemes(numbering)
        self._by_style = {
            value(style, "styleId"): style for style in (styles if styles is not None else ()) if tag(style) == "style"
        }
        self._counts: dict[str, list[int]] = {}
        self._begun: set[str] = set()

    def of(self, paragraph: "_Element") -> str:
        """The number or bullet of a paragraph, indented by its level."""
        key, depth = self._place(paragraph)
        scheme = self._schemes.get(key)
        if scheme is None or not 0 <= depth < LEVELS:
            return ""
        counts = self._counted(key, scheme, depth)
        level = scheme.levels.get(depth, Level())
        if level.kind == "none":
            return ""
        shown = "-" if level.kind == "bullet" else _format(level.text, scheme, counts)
        return f"{'  ' * depth}{shown} " if shown else ""

    def _counted(self, key: str, scheme: Scheme, depth: int) -> list[int]:
        counts = self._counts.setdefault(scheme.counts_with, [])
        if key not in self._begun:
            self._begun.add(key)
            for at, start in scheme.restarts.items():
                if at < len(counts):
                    counts[at] = start - 1
        del counts[depth + 1 :]
        while len(counts) <= depth:
            at = len(counts)
            start = scheme.restarts.get(at, scheme.levels.get(at, Level()).start)
            counts.append(start if at < depth else start - 1)
        counts[depth] += 1
        return counts

    def _place(self, paragraph: "_Element") -> tuple[str, int]:
        """The list and level of a paragraph, set directly or by its style."""
        properties = child(paragraph, "pPr")
        if properties is None:
            return "", 0
        style = child(properties, "pStyle")
        name = value(style, "val") if style is not None else ""
        key, depth = _list_level(properties)
        for _ in range(MOST_BASES):
            found = self._by_style.get(name)
            if key or found is None:
                break
            of_style = child(found, "pPr")
            key, deeper = _list_level(of_style) if of_style is not None else ("", None)
            depth = deeper if depth is None else depth
            if key and depth is None:
                depth = self._level_of(key, name)
            base = child(found, "basedOn")
            name = value(base, "val") if base is not None else ""
        return key, depth or 0

    def _level_of(self, key: str, style: str) -> int | None:
        scheme = self._schemes.get(key)
        return next((at for at, level in scheme.levels.items() if level.style == style), None) if scheme else None


def _schemes(numbering: "_Element | None") -> dict[str, Scheme]:
    if numbering is None:
        return {}
    levels = {
        value(element, "abstractNumId"): _levels(element) for element in numbering if tag(element) == "abstractNum"
    }
    found = {}
    for number in numbering:
        if tag(number) != "num":
            continue
        abstract = child(number, "abstractNumId")
        key = value(abstract, "val") if abstract is not None else ""
        overrides = [element for element in number if tag(element) == "lvlOverride"]
        starts = {
            _int_or(value(element, "ilvl"), 0): _int_or(value(start, "val"), 1)
            for element in overrides
            if (start := child(element, "startOverride")) is not None
        }
        changed = {at: level for element in overrides for at, level in _levels(element).items()}
        found[value(number, "numId")] = Scheme(key, levels.get(key, {}) | changed, starts)
    return found


def _levels(holder: "_Element") -> dict[int, Level]:
    found = {}
    for level in holder:
        if tag(level) == "lvl":
            properties = {tag(prop): value(prop, "val") for prop in level}
            found[_int_or(value(level, "ilvl"), 0)] = Level(
                properties.get("numFmt", "decimal"),
                properties.get("lvlText", ""),
                _int_or(properties.get("start"), 0),
                properties.get("pStyle", ""),
            )
    return found


def _list_level(properties: "_Element") -> tuple[str, int | None]:
    numbered = child(properties, "numPr")
    if numbered is None:
        return "", None
    values = {tag(prop): value(prop, "val") for prop in numbered}
    return values.get("numId", ""), _int_or(values["ilvl"], 0) if "ilvl" in values else None


def _format(text: str, scheme: Scheme, counts: list[int]) -> str:
    for at, number in enumerate(counts):
        kind = scheme.levels.get(at, Level()).kind
        text = text.replace(f"%{at + 1}", _FORMS.get(kind, str)(number))
    return text


def _int_or(text: str | None, default: int) -> int:
    try:
        return int(text or "")
    except ValueError:
        return default


def _roman(number: int) -> str:
    if not 0 < number < 4000:
        return str(number)
    written = ""
    for size, sign in _ROMAN:
        written += sign * (number // size)
        number %= size
    return written


def _letter(number: int) -> str:
    """The alphabet, then aa to zz, as Word counts."""
    return chr(97 + (number - 1) % 26) * min(9, 1 + (number - 1) // 26) if number > 0 else str(number)


_RUSSIAN = "абвгдежзиклмнопрстуфхцчшщыэюя"
_CHINESE = "〇一二三四五六七八九"


def _russian(number: int) -> str:
    letters = len(_RUSSIAN)
    return _RUSSIAN[(number - 1) % letters] * min(9, 1 + (number - 1) // letters) if number > 0 else str(number)


def _chinese(number: int) -> str:
    if not 0 < number < 100:
        return str(number)
    tens, ones = divmod(number, 10)
    return (_CHINESE[tens] if tens > 1 else "") + ("十" if tens else "") + (_CHINESE[ones] if ones else "")


def _circled(number: int) -> str:
    return chr(0x245F + number) if 0 < number <= 20 else str(number)


_FORMS: "dict[str, Callable[[int], str]]" = {
    "lowerLetter": _letter,
    "upperLetter": lambda number: _letter(number).upper(),
    "lowerRoman": _roman,
    "upperRoman": lambda number: _roman(number).upper(),
    "decimalZero": lambda number: f"{number:02}",
    "russianLower": _russian,
    "russianUpper": lambda number: _russian(number).upper(),
    **dict.fromkeys(("decimalEnclosedCircle", "decimalEnclosedCircleChinese"), _circled),
    **dict.fromkeys(("chineseCounting", "chineseCountingThousand", "taiwaneseCounting"), _chinese),
    **dict.fromkeys(("taiwaneseCountingThousand", "japaneseCounting"), _chinese),
}
