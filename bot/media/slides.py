"""Presentations as text: each slide's content, then its notes."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO

from bot.media.packages import picture_note
from bot.media.word_runs import Runs, child, lowered, raised, tag, value

if TYPE_CHECKING:
    from lxml.etree import _Element
    from pptx.slide import Slide

_SHOWN = ("/chart", "/diagramData")
MOST_NESTED = 50
FORMULAS = Runs({})
"""Formulas are the same as Word's."""


def slides(file: BinaryIO, *, damaged: bool = False) -> list[str]:
    """The text of each slide; `damaged`: unreadable slides are skipped."""
    from pptx.exc import PythonPptxError
    from pptx.package import Package

    part: Any = Package.open(
        file
    ).main_document_part  # also for slide shows and templates, which pptx.Presentation refuses
    if not damaged:
        return [_slide(slide, number) for number, slide in enumerate(part.presentation.slides, 1)]
    found: list[str] = []
    for number, slide_id in enumerate(part.presentation.element.findall(".//{*}sldId"), 1):
        try:
            found.append(_slide(part.related_slide(slide_id.rId), number))
        except (PythonPptxError, KeyError, AttributeError, TypeError, ValueError):
            found.append(f"[slide {number}]\n[it can't be read]")
    return found


def _slide(slide: "Slide", number: int) -> str:
    hidden = ", hidden" if slide.element.get("show") in ("0", "false") else ""
    lines = [f"[slide {number}{hidden}]", *_words(slide.shapes, 0), *_beside(slide)]
    if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame) is not None and frame.text.strip():
        lines.append(f"[notes: {frame.text.strip()}]")
    return "\n".join(line.replace("\v", "\n") for line in lines if line.strip())


def _words(shapes: Iterable[Any], depth: int) -> Iterator[str]:
    for shape in shapes:
        if getattr(shape, "has_table", False):
            for row in shape.table.rows:
                yield " | ".join(" ".join(_said(cell.text_frame).split()) for cell in row.cells)
        elif shape.has_text_frame:
            yield _said(shape.text_frame)
        elif tag(shape.element) == "pic":
            yield picture_note(shape.element.nvPicPr.cNvPr.get("descr", ""))
        elif depth < MOST_NESTED and hasattr(shape, "shapes"):
            yield from _words(shape.shapes, depth + 1)


def _said(frame: Any) -> str:
    return "\n".join("".join(_parts(paragraph._p)) for paragraph in frame.paragraphs)  # noqa: SLF001 - lacks formulas


def _parts(paragraph: "_Element") -> Iterator[str]:
    for part in paragraph:
        match tag(part):
            case "r" | "fld":
                yield _run(part)
            case "br":
                yield "\n"
            case "m":
                yield FORMULAS.text(part)
            case "AlternateContent":  # alternatives for newer and older programs
                yield next(filter(None, map(FORMULAS.text, part)), "")


def _run(run: "_Element") -> str:
    look, said = child(run, "rPr"), child(run, "t")
    text = (said.text or "") if said is not None else ""
    height = value(look, "baseline").removesuffix("%") if look is not None else ""
    if height in ("", "0"):
        return text
    return lowered(text) if height.startswith("-") else raised(text)


def _beside(slide: "Slide") -> Iterator[str]:
    """The text and numbers of charts and diagrams; damaged ones are skipped."""
    from lxml import etree
    from pptx.oxml import parse_xml

    for relation in slide.part.rels.values():
        if relation.is_external or not relation.reltype.endswith(_SHOWN):
            continue
        with suppress(etree.LxmlError):
            root = parse_xml(relation.target_part.blob)
            text = "; ".join(node.text for node in root.iter("{*}t", "{*}v") if node.text)
            if text:
                yield f"[{'chart' if relation.reltype.endswith('/chart') else 'diagram'}: {text}]"
