"""A model's markdown made ready for the converter: what the converter, or Telegram, would drop is turned into text.

Raw HTML, footnotes and links to what is no address for Telegram stand as they were written. A picture becomes a link,
since Telegram refuses a whole message for one picture that it can't fetch. Formulas are marked by dollars, whatever
marked them before. The parser says where these things are, so code stays as it is.
"""

import re
from collections.abc import Iterator

import pyromark
from telegramify_markdown.rich import RICH_OPTIONS

from bot.outbound.bare import is_bare, kept
from bot.outbound.blocks import events
from bot.outbound.breaks import JOINT, applied, joints, needs_joints, with_marks, with_rows
from bot.outbound.formulas import formulas

_ROUNDS = 12
"""Each round may bring to light what the last one hid: of many signs in one paragraph half as many are left. The end
comes before this in anything but an attack."""
_WITHOUT_MATH = RICH_OPTIONS & ~pyromark.Options.ENABLE_MATH
_BARS = re.compile(r"(?<!\\)(?<![0-9A-Za-z)\]])(\|\|(?=\S)[^|\n]+(?<=\S)\|\|)|(?<!\\)\|\|")
_LITERAL_SIGN = re.compile(r"\\[\s\S]|\$|(?<!~)~(?!~)")
_KNOWN_ADDRESS = re.compile(r"https?://[^/\s]+\.[^/\s]|tg://|mailto:|tel:")
_ZEROS = re.compile(rb"[ \t]*0[0-9]+([.)])")
"""007. is not the number of a list, where it would lose its zeros."""
_EMPHASIS = {"Emphasis": 1, "Strong": 2}
"""The length of each mark."""
_OPAQUE = frozenset({"Start", "Code"})
_EDITED = frozenset({"Html", "InlineHtml", "FootnoteReference", "Start", "TaskListMarker", "InlineMath", "DisplayMath"})
_Edit = tuple[int, int, str]


def prepare(source: str, *, as_text: bool) -> str:
    """The markdown to convert. Raises TooDenseError.

    `as_text`: for messages that have neither formulas, which become code, nor numbers of their own in lists.
    """
    text = _outside_code(_with_joints(with_marks(source)))
    for _ in range(_ROUNDS):
        edits = sorted(_edits(text, as_text))
        if not edits:
            break
        text = applied(text.encode(), edits)
    return with_rows(text) if as_text else text


def formula_dollars(source: str) -> int:
    """How many dollars of the source delimit formulas, and are not shown."""
    data = source.encode()
    return sum(one.dollars for start, end in _prose(source) for one in formulas(data[start:end].decode()))


def _with_joints(source: str) -> str:
    """The markdown with an invisible letter wherever emphasis needs one; code is not looked into."""
    if not needs_joints(source):
        return source
    data, masked, done = source.encode(), list[str](), 0
    for start, end in _prose(source):
        masked += ("`" * len(data[done:start].decode()), data[start:end].decode())
        done = end
    parts, done = list[str](), 0
    for place in joints("".join(masked)):
        parts += (source[done:place], JOINT)
        done = place
    return "".join((*parts, source[done:]))


def _outside_code(source: str) -> str:
    """Formulas marked by dollars and nothing else by them, and `||` escaped where it hides nothing."""
    data = source.encode()
    parts: list[str] = []
    done = 0
    for start, end in _prose(source):
        parts += (data[done:start].decode(), _normalise(data[start:end].decode()))
        done = end
    return "".join((*parts, data[done:].decode()))


def _prose(source: str) -> Iterator[tuple[int, int]]:
    """The ranges, in bytes of the UTF-8 form, that are neither code nor bare addresses."""
    done = 0
    for event, start, end in events(source, _WITHOUT_MATH, _OPAQUE):
        match event:
            case {"Start": {"CodeBlock": _} | {"Link": {"link_type": "Autolink" | "Email"}}} | {"Code": _}:
                if start >= done:
                    yield done, start
                    done = end
    yield done, len(source.encode())


def _normalise(text: str) -> str:
    parts: list[str] = []
    done = 0
    for one in formulas(text):
        parts += (_escaped(text[done : one.start]), f"{one.mark}{one.content.strip()}{one.mark}")
        done = one.end
    return "".join((*parts, _escaped(text[done:])))


def _escaped(text: str) -> str:
    """Text that holds no formula: what would be read as one, or as struck out by a single sign, is not."""
    text = _LITERAL_SIGN.sub(lambda found: found[0] if found[0][0] == "\\" else f"\\{found[0]}", kept(text))
    return "\n".join(map(_with_bars, text.split("\n"))) if "||" in text else text


def _with_bars(line: str) -> str:
    nothing = "| |" if line.lstrip().startswith("|") else r"\|\|"
    return _BARS.sub(lambda found: found[0] if found[1] else nothing, line)


def _edits(text: str, as_text: bool) -> Iterator[_Edit]:
    """Byte ranges and what to put there; each edit takes away its own reason."""
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
    """The escaped sign, where what the parser takes for markup is text."""
    if tag == "Item":
        if found := _ZEROS.match(data, start):
            yield found.start(1), found.start(1), "\\"
        return
    mark = data[start : start + _EMPHASIS[tag]]
    if is_bare(data, start, end, mark):
        yield start, start + len(mark), "".join(f"\\{sign}" for sign in mark.decode())
