"""The text of Word paragraphs: runs and what is between them."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bot.media.packages import picture_note

if TYPE_CHECKING:
    from lxml.etree import _Element

_UNSAID = frozenset(
    {
        *("pPr", "rPr", "sectPr", "tblPr", "tblGrid", "tcPr", "trPr", "sdtPr", "sdtEndPr", "customXmlPr", "smartTagPr"),
        *("del", "moveFrom", "delText", "instrText", "delInstrText", "fldData", "softHyphen"),
        *("ctrlPr", "oMathParaPr", "fPr", "naryPr", "dPr", "radPr", "sSupPr", "sSubPr", "sSubSupPr", "mPr", "funcPr"),
    }
)
"""Formatting, field codes, deleted text, and soft hyphens."""
_SIGNS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_REFERENCES = {"footnoteReference": "footnote", "endnoteReference": "endnote", "commentReference": "comment"}
_SYMBOL = {code: chr(code) for code in range(0x20, 0x40)} | {0x22: "∀", 0x24: "∃", 0x27: "∍", 0x2A: "∗", 0x2D: "-"}
_SYMBOL |= dict(enumerate("≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}~", 0x40))
_SYMBOL |= dict(enumerate("€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…|—↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊⟨®©™∑", 0xA0))
_SYMBOL |= {0xF1: "⟩", 0xF2: "∫"}
_WINGDINGS = {0x4A: "☺", 0x4C: "☹", 0x6C: "●", 0x6E: "■", 0x6F: "□", 0x71: "❑", 0x9F: "•", 0xA7: "▪", 0xA8: "□"}
_WINGDINGS |= {0xD8: "➢", 0xDF: "←", 0xE0: "→", 0xE8: "➔", 0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑"}
_DIGITS = re.compile(r"[-−+]?[0-9]+|[0-9]*[-−+]")
_RAISED = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")
_LOWERED = str.maketrans("0123456789+-−", "₀₁₂₃₄₅₆₇₈₉₊₋₋")
_POWERS = frozenset("bcdfghijklmnpqrstuvwxyz")
"""Other letters that can be powers, rather than ordinal endings: 1o, 2e, 1st."""
_RECKONED = re.compile(r"[0-9=×·/*]|[+−-]")
"""Superscripts and subscripts that would read as part of the number before them."""
_DRAWN = frozenset({"blip", "imagedata"})
"""Elements with a drawing's picture."""
_FONTS = {"symbol": _SYMBOL, "wingdings": _WINGDINGS}
"""The glyphs of two symbol fonts as characters."""


class Runs:
    """Reads paragraphs. `links` maps relationship ids to addresses."""

    def __init__(self, links: dict[str, str]) -> None:
        self._links = links
        self._labels: dict[tuple[str, str], int] = {}
        """The numbers of notes and comments, by kind and id, in order of reference."""

    def text(self, node: "_Element") -> str:
        """The text of an element."""
        return "".join(self._parts(node))

    def references(self, kind: str) -> list[tuple[str, int]]:
        """The keys of the notes or comments that were referred to so far, and their numbers."""
        return [(key, label) for (of, key), label in self._labels.items() if of == kind]

    def _parts(self, node: "_Element") -> Iterator[str]:
        for part in node:
            name = tag(part)
            if name in _UNSAID:
                continue
            if name == "t":
                yield _plain(node, part.text or "")
            elif name in _SIGNS:
                yield _SIGNS[name]
            else:
                said = self._special(name, part)
                yield f"[hidden: {said}]" if name == "r" and _is_hidden(part) and said.strip() else said

    def _special(self, name: str, part: "_Element") -> str:
        match name:
            case "footnoteReference" | "endnoteReference" | "commentReference":
                return self._reference(_REFERENCES[name], part)
            case "AlternateContent":
                return next(filter(None, map(self.text, part)), "")  # alternatives for newer and older programs
            case "txbxContent":
                return "\n" + "\n".join(self._lines(part)).strip("\n") + "\n"
            case "hyperlink":
                return self._linked(part)
            case "ruby":
                return self._annotated(part)
            case "oMath":
                return self._formula(part)
            case "drawing" | "pict":
                return self.text(part) + _pictured(part)
            case "p" | "tr":  # of a text box
                return self.text(part) + "\n"
            case "tc":
                return " ".join(self.text(part).split()) + " | "
            case _:
                return _unwritten(name, part) or self.text(part)

    def _reference(self, kind: str, part: "_Element") -> str:
        """A reference marker; footnotes and endnotes share their numbering."""
        counted = ("comments" if kind == "comment" else "notes", "")
        if (kind, value(part, "id")) not in self._labels:
            self._labels[counted] = self._labels.get(counted, 0) + 1
            self._labels[kind, value(part, "id")] = self._labels[counted]
        label = self._labels[kind, value(part, "id")]
        return f"[comment {label}]" if kind == "comment" else f"[^{label}]"

    def _lines(self, holder: "_Element") -> Iterator[str]:
        for part in holder:
            if tag(part) not in _UNSAID:
                yield self.text(part)

    def _linked(self, part: "_Element") -> str:
        shown, address = self.text(part), self._links.get(value(part, "id"), "")
        plain = address.removeprefix("mailto:")
        return shown if not plain or plain in shown or not shown.strip() else f"{shown} ({plain})"

    def _annotated(self, part: "_Element") -> str:
        base, above = child(part, "rubyBase"), child(part, "rt")
        said = self.text(above) if above is not None else ""
        return (self.text(base) if base is not None else "") + (f"({said})" if said else "")

    def _formula(self, node: "_Element") -> str:
        return "".join(self._term(part) for part in node if tag(part) not in _UNSAID)

    def _term(self, part: "_Element") -> str:
        """A part of a formula in one line, as it would be typed."""
        match tag(part):
            case "r":
                return self.text(part)
            case "f":
                over, under = _grouped(self._inside(part, "num")), _grouped(self._inside(part, "den"))
                return f"({over} over {under})" if _of(part, "type", "bar") == "noBar" else f"{over}/{under}"
            case "sSup" | "sSub" | "sSubSup" | "limLow" | "limUpp":
                return self._inside(part, "e") + self._scripts(part, over=tag(part) == "limUpp")
            case "rad":
                degree = self._inside(part, "deg")
                return f"√{f'[{degree}]' if degree else ''}({self._inside(part, 'e')})"
            case "nary":
                return f"{_of(part, 'chr', '∫')}{self._scripts(part)} {_grouped(self._inside(part, 'e'))}"
            case "d":
                terms = (self._formula(argument) for argument in part if tag(argument) == "e")
                return _of(part, "begChr", "(") + _of(part, "sepChr", "|").join(terms) + _of(part, "endChr", ")")
            case "m" | "eqArr":
                return "; ".join(self._formula(argument) for argument in part if tag(argument) in ("mr", "e"))
            case "mr":
                return ", ".join(self._formula(argument) for argument in part)
            case _:
                return self._adorned(part)

    def _adorned(self, part: "_Element") -> str:
        match tag(part):
            case "sPre":
                return f"{self._scripts(part)} {self._inside(part, 'e')}"
            case "func":
                return f"{self._inside(part, 'fName')} {_grouped(self._inside(part, 'e'))}"
            case "acc":
                return _grouped(self._inside(part, "e")) + _of(part, "chr", "\u0302")
            case "bar":
                return _grouped(self._inside(part, "e")) + ("\u0305" if _of(part, "pos", "bot") == "top" else "\u0332")
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


def _is_hidden(run: "_Element") -> bool:
    """Whether the text is hidden."""
    look = child(run, "rPr")
    hidden = child(look, "vanish") if look is not None else None
    return hidden is not None and value(hidden, "val") not in ("0", "false", "off")


def tag(node: "_Element") -> str:
    """The local name of an element."""
    return str(node.tag).rpartition("}")[2]


def child(node: "_Element", name: str) -> "_Element | None":
    """The first child with this name."""
    return next((element for element in node if tag(element) == name), None)


def value(node: "_Element", name: str) -> str:
    """An attribute by its local name."""
    return next((str(text) for key, text in node.attrib.items() if str(key).rpartition("}")[2] == name), "")


def _unwritten(name: str, part: "_Element") -> str:
    """The text of elements that represent something without text."""
    match name:
        case "sym":
            return _symbol(value(part, "font"), value(part, "char"))
        case "ffData":
            return _filled_in(part)
        case "textpath":
            return value(part, "string")
        case "OLEObject":
            return f"[{value(part, 'ProgID') or 'a file'} in it is not read]"
        case _:
            return ""


def _filled_in(field: "_Element") -> str:
    """The state of a legacy form field, which has no text for it."""
    for part in field:
        values = {tag(element): value(element, "val") for element in part}
        state = values.get("checked", values.get("result", values.get("default", "0")))
        if tag(part) == "checkBox":
            return "☐" if state in ("0", "false", "off") else "☒"
        if tag(part) == "ddList":
            choices = [value(element, "val") for element in part if tag(element) == "listEntry"]
            return choices[int(state)] if state.isdecimal() and int(state) < len(choices) else ""
    return ""


def _plain(run: "_Element", text: str) -> str:
    """The text of a run whose formatting matters: superscripts, subscripts and symbol fonts."""
    look = child(run, "rPr")
    if look is None:
        return text
    if any("\uf000" <= sign <= "\uf0ff" for sign in text) and (fonts := child(look, "rFonts")) is not None:
        font = value(fonts, "ascii") or value(fonts, "hAnsi")
        text = "".join(_symbol(font, f"{ord(sign):x}") if "\uf000" <= sign <= "\uf0ff" else sign for sign in text)
    place = child(look, "vertAlign")
    match value(place, "val") if place is not None else "":
        case "superscript":
            return raised(text)
        case "subscript":
            return lowered(text)
    return text


def raised(text: str) -> str:
    """Superscript text."""
    return text.translate(_RAISED) if _DIGITS.fullmatch(text) else f"^{text}" if text in _POWERS else _set(text, "^")


def lowered(text: str) -> str:
    """Subscript text."""
    return text.translate(_LOWERED) if _DIGITS.fullmatch(text) else _set(text, "_")


def _set(text: str, sign: str) -> str:
    """A superscript or subscript of several characters; words like "st" and "max" need no marker."""
    return f"{sign}({text.strip()})" if _RECKONED.search(text) else text


def _pictured(drawing: "_Element") -> str:
    """The placeholder for a picture, with its description."""
    if not any(tag(element) in _DRAWN for element in drawing.iter()):
        return ""
    description = next(
        filter(None, (value(element, "descr") for element in drawing.iter() if tag(element) in ("docPr", "cNvPr"))), ""
    )
    return picture_note(description)


def _symbol(font: str, code: str) -> str:
    """A symbol by its code in a font, which is stored in Unicode's private use area."""
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
    """A character in the properties of a formula part."""
    for properties in part:
        if tag(properties).endswith("Pr") and (found := child(properties, name)) is not None:
            return value(found, "val")
    return default
