"""What a message says, as HTML that is safe in the page.

Whatever a bot or a person wrote goes the same way: HTML is made of it, code, formulas and links are made fit, and nh3
leaves nothing but known tags and attributes: no script, no handler, and nothing that is loaded from elsewhere.
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from html import escape
from itertools import accumulate
from typing import Final

import nh3
import pyromark
from latex2mathml.converter import convert as to_mathml
from lxml import html as lxml_html
from pygments.token import STANDARD_TYPES

from sandbox.botapi.message import Entity
from sandbox.page.highlighting import highlighted

_FLOWS = "p h1 h2 h3 h4 h5 h6 li blockquote aside td th summary figcaption footer"
FLOWS: Final = frozenset(_FLOWS.split(" "))
"""What is read from left or from right, as its own first letter says."""
_INLINE = (
    "b strong i em ins s strike del code pre sub sup mark br hr a span div ul ol table thead tbody tfoot tr caption"
)
_MATH = "math mrow mi mn mo ms mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover mtable mtr mtd"
_MORE = "cite details figure button mstyle mpadded mphantom menclose mmultiscripts mprescripts"
TAGS: Final = {*FLOWS, *_INLINE.split(" "), *_MATH.split(" "), *_MORE.split(" ")}
_ATTRIBUTES = (
    "a:href button:type button:data-command button:aria-label ol:start details:open td:colspan td:rowspan td:align "
    "th:colspan th:rowspan th:align math:display mo:stretchy mo:fence mi:mathvariant mspace:width mtable:columnalign "
    "pre:tabindex *:dir"
)
ATTRIBUTES: Final[dict[str, set[str]]] = {}
for _tag, _name in (pair.split(":") for pair in _ATTRIBUTES.split(" ")):
    ATTRIBUTES.setdefault(_tag, set()).add(_name)
CLASSES: Final = {
    "span": set(STANDARD_TYPES.values()) | {"spoiler", "mention"},
    "div": {"scroll", "thinking", "formula"},
    "button": {"copy", "command"},
    "figure": {"code"},
}
SCHEMES: Final = {"http", "https", "mailto", "tel"}
RENAMED: Final = {"tg-spoiler": ("span", "spoiler"), "tg-thinking": ("div", "thinking"), "u": ("ins", "")}
_SAME = "bold=b italic=i underline=ins strikethrough=s spoiler=tg-spoiler code=code"
_QUOTES = "blockquote=blockquote expandable_blockquote=blockquote"
ENTITY_TAGS: Final = dict(pair.split("=") for pair in f"{_SAME} {_QUOTES}".split(" "))
MOST_ENTITIES = 100
"""Telegram ignores what is beyond."""
LONGEST_FORMULA = 2000
DEEPEST_FORMULA = 60
"""In braces. lxml leaves out what is some 250 elements deep."""
UNPRINTABLE = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
REFERENCE = re.compile(r"&#(x[0-9a-f]++|[0-9]++);?", re.IGNORECASE)
LONGEST_REFERENCE = 8
SCHEME = re.compile(r"\s*[a-z][a-z0-9+.-]*:(?!\d)", re.IGNORECASE)
"""Not a host with its port."""
AROUND_BLOCKS = re.compile(r"(?<!\n)\n++(?=<(?:pre|blockquote)>)|(?<=</pre>)\n++|(?<=</blockquote>)\n++")
MARKDOWN = (
    pyromark.Options.ENABLE_TABLES
    | pyromark.Options.ENABLE_STRIKETHROUGH
    | pyromark.Options.ENABLE_TASKLISTS
    | pyromark.Options.ENABLE_MATH
)


@lru_cache(maxsize=512)
def from_markdown(source: str) -> str:
    """A rich message written in Markdown."""
    return from_html(pyromark.html(UNPRINTABLE.sub("", source), options=MARKDOWN))


@lru_cache(maxsize=512)
def from_html(source: str) -> str:
    """A rich message written in HTML."""
    printable = REFERENCE.sub(_printable, UNPRINTABLE.sub("", source))
    root = lxml_html.fragment_fromstring(printable, create_parent="div")
    for element in list(root.iter()):
        if isinstance(element.tag, str) and element is not root:
            _fit(element)
    inner = lxml_html.tostring(root, encoding="unicode", with_tail=False).removeprefix("<div>").removesuffix("</div>")
    return nh3.clean(
        inner,
        tags=TAGS,
        clean_content_tags={"script", "style", "template"},
        attributes=ATTRIBUTES,
        allowed_classes=CLASSES,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


def _printable(reference: re.Match[str]) -> str:
    """The reference, unless the character is one that lxml refuses."""
    number = reference[1].lower()
    if len(number) > LONGEST_REFERENCE:
        return ""
    code = int(number[1:], 16) if number.startswith("x") else int(number)
    return "" if code > sys.maxunicode or UNPRINTABLE.match(chr(code)) else reference[0]


def from_text(text: str, entities: Sequence[Entity]) -> str:
    """A text with entities; its line breaks are kept, except around blocks, which are apart anyway."""
    return from_html(AROUND_BLOCKS.sub("", "".join(_marked_up(text, entities))))


def _marked_up(text: str, entities: Sequence[Entity]) -> Iterable[str]:
    """The text with the entities' tags, which are closed and opened again where entities overlap."""
    data = text.encode("utf-16-le", "surrogatepass")
    starting = sorted(entities[:MOST_ENTITIES], key=lambda entity: (entity.offset, -entity.length))
    edges = sorted({0, len(data) // 2, *(edge for one in starting for edge in (one.offset, one.offset + one.length))})
    opened: list[Entity] = []
    for start, end in zip(edges, [*edges[1:], edges[-1]], strict=True):
        kept: list[Entity] = []
        while any(one.offset + one.length <= start for one in opened):
            last = opened.pop()
            yield _tags(last, data)[1]
            if last.offset + last.length > start:
                kept.append(last)
        while starting and starting[0].offset <= start:
            kept.insert(0, starting.pop(0))
        for one in reversed(kept):
            yield _tags(one, data)[0]
            opened.append(one)
        yield escape(data[2 * start : 2 * end].decode("utf-16-le", "replace"))


def _tags(entity: Entity, data: bytes) -> tuple[str, str]:
    """The opening and the closing tag."""
    words = data[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le", "replace")
    match entity.type:
        case "pre":
            return f'<pre><code class="language-{escape(entity.language or "")}">', "</code></pre>"
        case "text_link" | "url":
            return f'<a href="{escape(entity.url or words)}">', "</a>"
        case "email":
            return f'<a href="mailto:{escape(words)}">', "</a>"
        case "bot_command":
            return "<tg-command>", "</tg-command>"
        case "mention" | "text_mention" | "hashtag" | "cashtag":
            return '<span class="mention">', "</span>"
    tag = ENTITY_TAGS.get(entity.type)
    return (f"<{tag}>", f"</{tag}>") if tag else ("", "")


def _fit(element: lxml_html.HtmlElement) -> None:
    """Make of one element what the page shows."""
    tag, classes = element.tag, element.get("class", "").split()
    if tag in MAKERS:
        MAKERS[tag](element)
    elif tag == "tg-math-block" or "math-display" in classes:
        _to_formula(element, "block")
    elif tag == "tg-math" or "math" in classes:
        _to_formula(element, "inline")
    elif tag in RENAMED:
        element.tag, name = RENAMED[tag]
        element.set("class", name)
    elif "text-align" in (style := element.get("style", "")):
        element.set("align", style.rpartition(":")[2].strip(" ;"))
    if tag in FLOWS:
        element.set("dir", "auto")


def _to_command(element: lxml_html.HtmlElement) -> None:
    """A button that says what it is named."""
    element.tag = "button"
    for name, value in (("type", "button"), ("class", "command"), ("data-command", element.text_content())):
        element.set(name, value)


def _to_box(element: lxml_html.HtmlElement) -> None:
    _replace(element, lxml_html.fromstring(f"<span>{'☑' if 'checked' in element.attrib else '☐'} </span>"))


def _to_scrolled(element: lxml_html.HtmlElement) -> None:
    """A wide table is scrolled by itself."""
    scroll = lxml_html.fromstring('<div class="scroll"></div>')
    _replace(element, scroll)
    scroll.append(element)


def _make_absolute(element: lxml_html.HtmlElement) -> None:
    element.set("href", _absolute(element.get("href", "")))


def _to_formula(element: lxml_html.HtmlElement, display: str) -> None:
    """A formula as MathML, or its source if that can't be read."""
    source = element.text_content()
    try:
        if len(source) > LONGEST_FORMULA or _depth(source) > DEEPEST_FORMULA:
            return
        math = lxml_html.fragment_fromstring(to_mathml(source, display=display))
    except Exception:  # noqa: BLE001 - the converter raises whatever the source makes it stumble over
        element.tag = "code"
        return
    if display == "block":
        holder = lxml_html.fromstring('<div class="formula"></div>')
        holder.append(math)
        math = holder
    _replace(element, math)


def _depth(formula: str) -> int:
    return max(accumulate({"{": 1, "}": -1}.get(sign, 0) for sign in formula), default=0)


def _to_code(element: lxml_html.HtmlElement) -> None:
    """A block of code with its language, its colors and a button that copies it."""
    code = element.find("code")
    name = (code.get("class", "") if code is not None else "").removeprefix("language-").split(" ")[0]
    source = element.text_content()
    colored = highlighted(source, name)
    figure = lxml_html.fromstring(
        f'<figure class="code"><figcaption dir="ltr"><span>{escape(name)}</span>'
        '<button type="button" class="copy" aria-label="Copy code">Copy</button></figcaption>'
        f'<pre dir="ltr" tabindex="0"><code>{colored.rstrip()}</code></pre></figure>'
    )
    _replace(element, figure)


def _to_link(element: lxml_html.HtmlElement) -> None:
    """Media from elsewhere as a link: the page loads nothing by itself."""
    link = lxml_html.fromstring("<a></a>")
    link.set("href", _absolute(element.get("src", "")))
    link.text = f"🖼 {element.get('alt') or element.get('src', '')}"
    _replace(element, link)


def _absolute(address: str) -> str:
    """An address with its scheme, so that it never means a page of this server."""
    return address if SCHEME.match(address) else f"https://{address.lstrip('/')}"


def _replace(element: lxml_html.HtmlElement, other: lxml_html.HtmlElement) -> None:
    """Put another element in the place of this one."""
    parent = element.getparent()
    if parent is not None:
        other.tail, element.tail = element.tail, None
        parent.replace(element, other)


MAKERS: Final[Mapping[str, Callable[[lxml_html.HtmlElement], None]]] = {
    **dict.fromkeys(("button", "figure"), lxml_html.HtmlElement.drop_tag),  # the page's own are made here
    **dict.fromkeys(("img", "video", "audio"), _to_link),
    "tg-command": _to_command,
    "a": _make_absolute,
    "pre": _to_code,
    "input": _to_box,
    "table": _to_scrolled,
}
