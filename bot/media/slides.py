"""Slides as text: what stands on each, then its notes."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from pptx.slide import Slide

_SHOWN = ("/chart", "/diagramData")
MOST_NESTED = 50


def slides(file: BinaryIO) -> list[str]:
    """The words of each slide of a presentation."""
    from pptx import Presentation

    return [_slide(slide, number) for number, slide in enumerate(Presentation(file).slides, 1)]


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
                yield " | ".join(" ".join(cell.text.split()) for cell in row.cells)
        elif shape.has_text_frame:
            yield shape.text_frame.text
        elif depth < MOST_NESTED and hasattr(shape, "shapes"):
            yield from _words(shape.shapes, depth + 1)


def _beside(slide: "Slide") -> Iterator[str]:
    """The words and numbers of its charts and diagrams, in their order; a damaged one costs only itself."""
    from lxml import etree
    from pptx.oxml import parse_xml

    for relation in slide.part.rels.values():
        if relation.is_external or not relation.reltype.endswith(_SHOWN):
            continue
        with suppress(etree.LxmlError):
            root = parse_xml(relation.target_part.blob)
            told = "; ".join(node.text for node in root.iter("{*}t", "{*}v") if node.text)
            if told:
                yield f"[{'chart' if relation.reltype.endswith('/chart') else 'diagram'}: {told}]"
