"""The words of a Word paragraph: runs and whatever stands between them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

_UNSAID = frozenset(
    {
        *("pPr", "rPr", "sectPr", "tblPr", "tblGrid", "tcPr", "trPr", "sdtPr", "sdtEndPr", "customXmlPr", "smartTagPr"),
        *("del", "moveFrom", "delText", "instrText", "delInstrText", "fldData", "ffData", "softHyphen"),
        *("ctrlPr", "oMathParaPr", "fPr", "naryPr", "dPr", "radPr", "sSupPr", "sSubPr", "sSubSupPr", "mPr", "funcPr"),
    }
)
"""How something looks, how a field is worked out, what was deleted, and where a word may be parted."""
_SIGNS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_REFERENCES = {"footnoteReference": "footnote", "endnoteReference": "endnote", "commentReference": "comment"}
_SYMBOL = dict(
    zip(
        range(0x41, 0x5B),
        "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ",
        strict=True,
    )
)
_SYMBOL |= dict(zip(range(0x61, 0x7B), "αβχδεφγηιϕκλμνοπθρστυϖωξψζ", strict=True))
_SYMBOL |= {0x22: "∀", 0x24: "∃", 0x2D: "-", 0xA3: "≤", 0xA5: "∞", 0xAC: "←", 0xAE: "→", 0xB0: "°", 0xB1: "±"}
_SYMBOL |= {0xB3: "≥", 0xB4: "×", 0xB6: "∂", 0xB7: "•", 0xB8: "÷", 0xB9: "≠", 0xBA: "≡", 0xBB: "≈", 0xCE: "∈"}
_SYMBOL |= {0xC7: "∩", 0xC8: "∪", 0xD1: "∇", 0xD5: "∏", 0xD6: "√", 0xDB: "⇔", 0xDE: "⇒", 0xE5: "∑", 0xF2: "∫"}
_WINGDINGS = {0x4A: "☺", 0x4C: "☹", 0x6C: "●", 0x6E: "■", 0x6F: "□", 0x71: "❑", 0x9F: "•", 0xA7: "▪", 0xA8: "□"}
_WINGDINGS |= {0xD8: "➢", 0xDF: "←", 0xE0: "→", 0xE8: "➔", 0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑"}
_FONTS = {"symbol": _SYMBOL, "wingdings": _WINGDINGS}
"""The pictures of two fonts of symbols as characters."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Reads paragraphs. `links`: addresses by their keys."""

    links: dict[str, str]
    labels: dict[tuple[str, str], int] = field(default_factory=dict)
    """The numbers of notes and comments, by kind and key, as they are referred to."""

    def text(self, node: "_Element") -> str:
        """The words in an element."""
        return "".join(self._parts(node))

    def _parts(self, node: "_Element") -> Iterator[str]:
        for part in node:
            name = tag(part)
            if name in _UNSAID:
                continue
            if name == "t":
                yield part.text or ""
            elif name in _SIGNS:
                yield _SIGNS[name]
            else:
                yield self._special(name, part)

    def _special(self, name: str, part: "_Element") -> str:
        match name:
            case "sym":
                return _symbol(value(part, "font"), value(part, "char"))
            case "footnoteReference" | "endnoteReference" | "commentReference":
                return self._reference(_REFERENCES[name], part)
            case "AlternateContent":
                return next(filter(None, map(self.text, part)), "")  # the same for newer and for older programs
            case "txbxContent":
                return "\n" + "\n".join(self._lines(part)).strip("\n") + "\n"
            case "hyperlink":
                return self._linked(part)
            case "ruby":
                return self._annotated(part)
            case "oMath":
                return self._formula(part)
            case "p" | "tr":  # of a text box
                return self.text(part) + "\n"
            case "tc":
                return " ".join(self.text(part).split()) + " | "
            case _:
                return self.text(part)

    def _reference(self, kind: str, part: "_Element") -> str:
        """Numbers go on over footnotes and endnotes, so that each has its own."""
        notes = sum((of == "comment") == (kind == "comment") for of, _ in self.labels)
        label = self.labels.setdefault((kind, value(part, "id")), notes + 1)
        return f"[comment {label}]" if kind == "comment" else f"[^{label}]"

    def _lines(self, holder: "_Element") -> Iterator[str]:
        for part in holder:
            if tag(part) not in _UNSAID:
                yield self.text(part)

    def _linked(self, part: "_Element") -> str:
        shown, address = self.text(part), self.links.get(value(part, "id"), "")
        plain = address.removeprefix("mailto:")
        return shown if not plain or plain in shown or not shown.strip() else f"{shown} ({plain})"

    def _annotated(self, part: "_Element") -> str:
        base, above = child(part, "rubyBase"), child(part, "rt")
        said = self.text(above) if above is not None else ""
        return (self.text(base) if base is not None else "") + (f"({said})" if said else "")

    def _formula(self, node: "_Element") -> str:
        return "".join(self._term(part) for part in node if tag(part) not in _UNSAID)

    def _term(self, part: "_Element") -> str:
        """A part of a formula on one line, as it would be typed; each of its parts is read once."""
        match tag(part):
            case "r":
                return self.text(part)
            case "f":
                return f"{_grouped(self._inside(part, 'num'))}/{_grouped(self._inside(part, 'den'))}"
            case "sSup" | "sSub" | "sSubSup" | "limLow" | "limUpp":
                return self._inside(part, "e") + self._scripts(part, over=tag(part) == "limUpp")
            case "rad":
                degree = self._inside(part, "deg")
                return f"√{f'[{degree}]' if degree else ''}({self._inside(part, 'e')})"
            case "nary":
                return _of(part, "chr", "∫") + self._scripts(part) + _grouped(self._inside(part, "e"))
            case "d":
                terms = (self._formula(one) for one in part if tag(one) == "e")
                return _of(part, "begChr", "(") + _of(part, "sepChr", "|").join(terms) + _of(part, "endChr", ")")
            case "m" | "eqArr":
                return "; ".join(self._formula(one) for one in part if tag(one) in ("mr", "e"))
            case "mr":
                return ", ".join(self._formula(one) for one in part)
            case _:
                return self._formula(part)

    def _inside(self, part: "_Element", name: str) -> str:
        found = child(part, name)
        return "" if found is None else self._formula(found)

    def _scripts(self, part: "_Element", *, over: bool = False) -> str:
        limit = self._inside(part, "lim")
        low, high = (
            self._inside(part, "sub") + ("" if over else limit),
            self._inside(part, "sup") + (limit if over else ""),
        )
        return (f"_{_grouped(low)}" if low else "") + (f"^{_grouped(high)}" if high else "")


def tag(node: "_Element") -> str:
    """The name of an element without that of its language."""
    return str(node.tag).rpartition("}")[2]


def child(node: "_Element", name: str) -> "_Element | None":
    """The first child of that name."""
    return next((one for one in node if tag(one) == name), None)


def value(node: "_Element", name: str) -> str:
    """An attribute, whatever language its name is from."""
    return next((str(text) for key, text in node.attrib.items() if str(key).rpartition("}")[2] == name), "")


def _symbol(font: str, code: str) -> str:
    """A sign by its place in a font, which is kept in Unicode's private area."""
    try:
        place = int(code, 16)
    except ValueError:
        return ""
    private = 0xF000 <= place <= 0xF0FF
    known = _FONTS.get(font.lower(), {}).get(place & 0xFF if private else place)
    if known is not None or private:
        return known or "�"
    return chr(place) if 0x20 <= place < 0xD800 else "�"


def _grouped(term: str) -> str:
    return term if len(term) < 2 or term.isalnum() else f"({term})"


def _of(part: "_Element", name: str, default: str) -> str:
    """A sign among the properties of a formula's part."""
    for properties in part:
        if tag(properties).endswith("Pr") and (found := child(properties, name)) is not None:
            return value(found, "val")
    return default
