"""Preparation of a model's Markdown for the converter: whatever the converter or Telegram would drop becomes text.

Raw HTML, footnotes and links that aren't valid addresses for Telegram are shown as written. A picture becomes a link,
because Telegram refuses a whole message for one picture that it can't fetch. All formulas are delimited by dollars. The
parser tells where these things are, so code stays unchanged.
"""

import re
from collections.abc import Iterator

import pyromark
from telegramify_markdown.rich import RICH_OPTIONS

from bot.outbound.bare import escape_plain, is_bare
from bot.outbound.blocks import events
from bot.outbound.breaks import JOINT, apply_edits, expand_rows, joint_positions, mark_breaks, needs_joints
from bot.outbound.formulas import find_formulas

_ROUNDS = 12
"""Each round may reveal what the last one hid: in a paragraph with many marks, each round halves them. Only an attack
needs more rounds."""
_WITHOUT_MATH = RICH_OPTIONS & ~pyromark.Options.ENABLE_MATH
_BARS = re.compile(r"(?<!\\)(?<![0-9A-Za-z)\]])(\|\|(?=\S)[^|\n]+(?<=\S)\|\|)|(?<!\\)\|\|")
_LITERAL_SIGN = re.compile(r"\\[\s\S]|\$|(?<!~)~(?!~)")
_KNOWN_ADDRESS = re.compile(r"https?://[^/\s]+\.[^/\s]|tg://|mailto:|tel:")
_ZEROS = re.compile(rb"[ \t]*0[0-9]+([.)])")
"""007. isn't a list number, which would lose its zeros."""
_EMPHASIS = {"Emphasis": 1, "Strong": 2}
"""The length of each mark."""
_OPAQUE = frozenset({"Start", "Code"})
_EDITED = frozenset({"Html", "InlineHtml", "FootnoteReference", "Start", "TaskListMarker", "InlineMath", "DisplayMath"})
_Edit = tuple[int, int, str]


def prepare(source: str, *, as_text: bool) -> str:
    """The Markdown to convert. Raises TooDenseError.

    `as_text`: for messages without formulas (which become code) and without custom list numbers.
    """
    text = _outside_code(_with_joints(mark_breaks(source)))
    for _ in range(_ROUNDS):
        edits = sorted(_edits(text, as_text))
        if not edits:
            break
        text = apply_edits(text.encode(), edits)
    return expand_rows(text) if as_text else text


def formula_dollars(source: str) -> int:
    """How many dollars of the source delimit formulas, and are therefore not shown."""
    data = source.encode()
    return sum(formula.dollars for start, end in _prose(source) for formula in find_formulas(data[start:end].decode()))


def _with_joints(source: str) -> str:
    """Insert an invisible letter wherever emphasis needs one, outside code."""
    if not needs_joints(source):
        return source
    data, masked, done = source.encode(), list[str](), 0
    for start, end in _prose(source):
        masked += ("`" * len(data[done:start].decode()), data[start:end].decode())
        done = end
    parts, done = list[str](), 0
    for place in joint_positions("".join(masked)):
        parts += (source[done:place], JOINT)
        done = place
    return "".join((*parts, source[done:]))


def _outside_code(source: str) -> str:
    """Delimit formulas by dollars, escape other dollars, and escape `||` where it isn't a spoiler."""
    data = source.encode()
    parts: list[str] = []
    done = 0
    for start, end in _prose(source):
        parts += (data[done:start].decode(), _normalize(data[start:end].decode()))
        done = end
    return "".join((*parts, data[done:].decode()))


def _prose(source: str) -> Iterator[tuple[int, int]]:
    """Byte ranges that are neither code nor bare addresses."""
    done = 0
    for event, start, end in events(source, _WITHOUT_MATH, _OPAQUE):
        match event:
            case {"Start": {"CodeBlock": _} | {"Link": {"link_type": "Autolink" | "Email"}}} | {"Code": _}:
                if start >= done:
                    yield done, start
                    done = end
    yield done, len(source.encode())


def _normalize(text: str) -> str:
    parts: list[str] = []
    done = 0
    for formula in find_formulas(text):
        parts += (_escape(text[done : formula.start]), f"{formula.mark}{formula.content.strip()}{formula.mark}")
        done = formula.end
    return "".join((*parts, _escape(text[done:])))


def _escape(text: str) -> str:
    """Escape what would be read as a formula, or as strikethrough by a single character."""
    text = _LITERAL_SIGN.sub(lambda found: found[0] if found[0][0] == "\\" else f"\\{found[0]}", escape_plain(text))
    return "\n".join(map(_with_bars, text.split("\n"))) if "||" in text else text


def _with_bars(line: str) -> str:
    nothing = "| |" if line.lstrip().startswith("|") else r"\|\|"
    return _BARS.sub(lambda found: found[0] if found[1] else nothing, line)


def _edits(text: str, as_text: bool) -> Iterator[_Edit]:
    """Byte ranges and their replacements; each edit removes its own cause."""
    data = text.encode()
    for event, start, end in events(text, RICH_OPTIONS, _EDITED):
        match event:
            case {"Html": _} | {"InlineHtml": _}:
                bracket = data.find(b"<", start, end)
                if bracket >= 0:
                    yield bracket, bracket, "\\"
            case {"FootnoteReference": _} | {"Start": {"FootnoteDefinition": _}}:
                yield start, start, "\\"
            case {"Start": {"Link": link}} if not _KNOWN_ADDRESS.match(link["dest_url"]):
                yield start, start, "\\"
            case {"Start": {"Image": _}}:
                yield start, start + 2, "[🖼 "
            case {"TaskListMarker": done}:
                yield start, end, "☑" if done else "☐"
            case {"Start": "Item" | "Emphasis" | "Strong" as tag}:
                yield from _literal(data, start, end, tag)
            case {"InlineMath": str(formula)} | {"DisplayMath": str(formula)} if as_text and "`" not in formula:
                yield start, end, f"`{formula.strip()}`"


def _literal(data: bytes, start: int, end: int, tag: str) -> Iterator[_Edit]:
    """Escape what the parser takes for markup but is text."""
    if tag == "Item":
        if found := _ZEROS.match(data, start):
            yield found.start(1), found.start(1), "\\"
        return
    mark = data[start : start + _EMPHASIS[tag]]
    if is_bare(data, start, end, mark):
        yield start, start + len(mark), "".join(f"\\{sign}" for sign in mark.decode())
