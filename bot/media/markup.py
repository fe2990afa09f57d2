"""Documents that are marked up, HTML and OpenDocument, as lines of text, however deeply they are nested."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

_BLANKS = re.compile(r"[ \t\r\n]+")


@dataclass(frozen=True, slots=True)
class Rules:
    """What its elements are, by their names without that of their language."""

    unsaid: frozenset[str]
    blocks: frozenset[str]
    """What stands on lines of its own."""
    signs: Mapping[str, str]
    """What stands for itself: a break of a line."""
    before: Mapping[str, str]
    after: Mapping[str, str]
    blanks: str = ""
    """What stands for so many blanks."""


HTML = Rules(
    unsaid=frozenset({"head", "script", "style", "template", "noscript", "svg", "object", "iframe", "rp", "select"}),
    blocks=frozenset(
        {
            *("p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd", "table", "tr"),
            *("caption", "blockquote", "pre", "section", "article", "aside", "header", "footer", "nav", "main", "body"),
            *("figure", "figcaption", "form", "fieldset", "address", "details", "summary", "hr"),
        }
    ),
    signs={"br": "\n"},
    before={"li": "- ", "rt": "("},
    after={"td": " | ", "th": " | ", "rt": ")"},
)
OPEN_DOCUMENT = Rules(
    unsaid=frozenset({"tracked-changes", "forms", "sequence-decls", "note-citation", "date-string", "ruby-base-none"}),
    blocks=frozenset({"p", "h", "list-item", "table", "table-row", "section", "text-box", "page"}),
    signs={"line-break": "\n", "tab": "\t"},
    before={"list-item": "- ", "note": " [note: ", "annotation": " [comment: ", "ruby-text": "("},
    blanks="s",
    after={"table-cell": " | ", "covered-table-cell": " | ", "note": "]", "annotation": "]", "ruby-text": ")"},
)
_INLINE = frozenset({"note", "annotation", "table-cell", "td", "th", "list-item", "li"})
"""What keeps its words on the line that it stands on, though there are blocks in it."""


def words(root: "_Element", rules: Rules) -> str:
    """All words of a document, with a line for each of its blocks."""
    from lxml import etree

    parts: list[str] = []
    within = 0
    walker = etree.iterwalk(root, events=("start", "end"))
    for event, node in walker:
        name = etree.QName(node).localname
        inline = name in _INLINE
        if event == "start":
            within += inline
            if name in rules.unsaid:
                walker.skip_subtree()
                continue
            if name in rules.blocks:
                parts.append("\n" if within <= inline else " ")
            parts += (rules.before.get(name, ""), _sign(node, name, rules), _blank(node.text))
            continue
        if name not in rules.unsaid:
            within_before = within - inline
            parts.append(rules.after.get(name, ""))
            if name in rules.blocks:
                parts.append("\n" if within_before <= 0 else " ")
        within -= inline
        if node is not root:
            parts.append(_blank(node.tail))
    return _tidied("".join(parts))


def _sign(node: "_Element", name: str, rules: Rules) -> str:
    if name == rules.blanks:
        count = next((text for key, text in node.attrib.items() if str(key).endswith("}c")), "1")
        return "\xa0" * (min(int(count), 100) if count.isdecimal() else 1)
    return rules.signs.get(name, "")


def _blank(text: str | None) -> str:
    return _BLANKS.sub(" ", text) if text else ""


def _tidied(text: str) -> str:
    """Without empty lines, and without what parts cells behind the last of a row."""
    lines = (_BLANKS.sub(" ", line).strip(" ") for line in text.split("\n"))
    kept = (line.rstrip(" |") if line.endswith(" |") else line for line in lines)
    return "\n".join(line.replace("\xa0", " ") for line in kept if line).strip()
