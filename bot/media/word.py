"""Word files as text: everything in them, in reading order.

No maintained library keeps it all: python-docx, mammoth, markitdown and docx2python each lose some of no-break hyphens,
symbols, formulas, list numbers, headers, notes, comments and text boxes, or show deleted text. So python-docx opens the
package safely, and this module walks its elements.
"""

import io
import posixpath
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

from bot.media.word_numbers import Numbers
from bot.media.word_runs import Runs, child, tag, value

if TYPE_CHECKING:
    from docx.opc.part import Part
    from docx.package import Package
    from lxml.etree import _Element

_WRAPPERS = ("sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag")
_NOTES = {"footnotes": "footnote", "endnotes": "endnote"}


def words(file: BinaryIO) -> list[str]:
    """The blocks of a Word file: paragraphs, and tables with one line per row."""
    part = _main_part(_open(file))
    reader = _Reader(Runs(_links(part)), Numbers(_root(part, "numbering"), _root(part, "styles")))
    heads = [f"[header: {text}]" for text in reader.beside(part, "header")]
    body = child(_element(part), "body")
    blocks = list(reader.blocks(body if body is not None else ()))
    feet = [f"[footer: {text}]" for text in reader.beside(part, "footer")]
    diagrams = [f"[diagram: {text}]" for text in map(reader.loose, _roots(part, "diagramData")) if text]
    charts = [f"[chart: {text}]" for text in map(_figures, _roots(part, "chart")) if text]
    return [*heads, *blocks, *diagrams, *charts, *reader.notes(part), *reader.comments(part), *feet]


class _Reader:
    """Reads blocks, then the notes and comments that they refer to."""

    def __init__(self, runs: Runs, numbers: Numbers) -> None:
        self._runs = runs
        self._numbers = numbers
        self._seen: set[str] = set()
        """Headers and footers, which most sections share."""

    def blocks(self, body: "Iterable[_Element]") -> Iterator[str]:
        """Paragraphs and tables, also inside content controls."""
        for block in body:
            match tag(block):
                case "p":
                    yield self._numbers.of(block) + self._runs.text(block)
                case "tbl":
                    yield "\n".join(" | ".join(self._cells(row)) for row in _rows(block))
                case "oMathPara" | "oMath":
                    yield self._runs.text(block)
                case "AlternateContent":  # alternatives for newer and older programs
                    yield from next(filter(None, (list(self.blocks(alternative)) for alternative in block)), [])
                case "altChunk":
                    yield "[a part in another format is not read]"
                case name if name in _WRAPPERS:
                    yield from self.blocks(block)

    def beside(self, part: "Part", kind: str) -> Iterator[str]:
        """The distinct headers or footers."""
        for root in _roots(part, kind):
            text = " ".join(" ".join(self.blocks(root)).split())
            if text and text not in self._seen:
                self._seen.add(text)
                yield text

    def loose(self, root: "_Element") -> str:
        """The text boxes of a drawing."""
        return "; ".join(
            filter(None, (self._runs.text(paragraph).strip() for paragraph in root.iter() if tag(paragraph) == "p"))
        )

    def notes(self, part: "Part") -> Iterator[str]:
        """The notes that the text refers to, with their numbers."""
        for kind, name in _NOTES.items():
            for root in _roots(part, kind):
                known = {value(note, "id"): note for note in root if tag(note) == name}
                for key, label in self._runs.references(name):
                    if key in known:
                        yield f"[^{label}]: {self._joined(known[key])}"

    def comments(self, part: "Part") -> Iterator[str]:
        """The comments in the margin."""
        for root in _roots(part, "comments"):
            labels = dict(self._runs.references("comment"))
            for comment in root:
                label = labels.get(value(comment, "id"))
                if tag(comment) == "comment" and (text := self._joined(comment)):
                    number = f" {label}" if label else ""
                    yield f"[comment{number} by {value(comment, 'author') or 'somebody'}: {text}]"

    def _joined(self, holder: "_Element") -> str:
        return "\n".join(self.blocks(holder)).strip()

    def _cells(self, row: "_Element") -> Iterator[str]:
        for cell in row:
            if tag(cell) == "tc":
                yield " ".join(" ".join(self.blocks(cell)).split())
            elif tag(cell) in _WRAPPERS:
                yield from self._cells(cell)


def _figures(chart: "_Element") -> str:
    """The text and numbers of a chart, in order."""
    return "; ".join(str(node.text) for node in chart.iter() if tag(node) in ("t", "v") and node.text)


def _rows(table: "_Element") -> "Iterator[_Element]":
    """The rows of a table without deleted ones."""
    for row in table:
        if tag(row) == "tr":
            properties = child(row, "trPr")
            if properties is None or child(properties, "del") is None:
                yield row
        elif tag(row) in _WRAPPERS:
            yield from _rows(row)


def _element(part: "Part") -> "_Element":
    from docx.oxml.parser import parse_xml

    found: _Element | None = getattr(part, "element", None)
    return parse_xml(part.blob) if found is None else found  # entities and external references are disabled


def _open(file: BinaryIO) -> "Package":
    from docx.package import Package

    try:
        return Package.open(file)
    except KeyError:
        return Package.open(_without_loose_ends(file))


def _without_loose_ends(file: BinaryIO) -> BinaryIO:
    """The package without references to missing parts, which some converters leave."""
    from docx.oxml.parser import parse_xml
    from lxml import etree

    mended = io.BytesIO()
    with zipfile.ZipFile(file) as before, zipfile.ZipFile(mended, "w") as after:
        names = dict.fromkeys(before.namelist())
        for name in names:
            data = before.read(name)
            if name.endswith(".rels"):
                root = parse_xml(data)
                within = posixpath.dirname(posixpath.dirname(name))
                for relationship in list(root):
                    target = posixpath.normpath(posixpath.join("/", within, relationship.get("Target", "")))
                    if relationship.get("TargetMode") != "External" and target.lstrip("/") not in names:
                        root.remove(relationship)
                data = etree.tostring(root)
            after.writestr(name, data)
    return mended


def _main_part(package: "Package") -> "Part":
    """The main document, including that of macro files, templates and the strict format."""
    for relation in package.rels.values():
        if relation.reltype.endswith("/officeDocument"):
            found: Part = relation.target_part
            return found
    raise KeyError("no text in the package")


def _roots(part: "Part", kind: str) -> "Iterator[_Element]":
    """The related parts of a kind; damaged ones are skipped."""
    from lxml.etree import LxmlError

    for relation in part.rels.values():
        if not relation.is_external and relation.reltype.endswith(f"/{kind}"):
            with suppress(LxmlError):
                yield _element(relation.target_part)


def _root(part: "Part", kind: str) -> "_Element | None":
    return next(_roots(part, kind), None)


def _links(part: "Part") -> dict[str, str]:
    return {
        key: relation.target_ref
        for key, relation in part.rels.items()
        if relation.is_external and relation.reltype.endswith("/hyperlink")
    }
