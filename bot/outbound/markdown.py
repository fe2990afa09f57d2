"""A model's markdown made ready for the converter: what the converter, or Telegram, would drop is turned into text.

Raw HTML, footnotes and links to what is no address for Telegram stand as they were written. A picture becomes a link,
since Telegram refuses a whole message for one picture that it can't fetch. Formulas are marked by dollars, whatever
marked them before. The parser says where these things are, so code stays as it is.
"""

import re
from collections.abc import Iterator

import pyromark
from telegramify_markdown.rich import RICH_OPTIONS

_ROUNDS = 20
"""Each round may bring to light what the last one hid; the end comes long before this in anything but an attack."""
_INLINE_LATEX = re.compile(r"(?<!\\)\\\(((?:(?!\n[ \t]*\n).)+?)\\\)", re.DOTALL)
_DISPLAY_LATEX = re.compile(r"(?<!\\)\\\[((?:(?!\n[ \t]*\n).)+?)\\\]", re.DOTALL)
_FORMULA = re.compile(r"[\\^_={}+<>]|^\s*[A-Za-z]\s*$")  # what else stands in escaped brackets is prose
_BARS = re.compile(r"(?<!\\)(\|\|(?=\S)[^|\n]+(?<=\S)\|\|)|(?<!\\)\|\|")
_KNOWN_ADDRESS = re.compile(r"https?://[^/\s]+\.[^/\s]|tg://|mailto:|tel:")
_Edit = tuple[int, int, str]


def prepare(source: str, *, math_as_code: bool) -> str:
    """The markdown to convert. `math_as_code`: formulas become code, for messages that have no formulas."""
    text = _outside_code(source)
    for _ in range(_ROUNDS):
        edits = sorted(_edits(text, math_as_code))
        if not edits:
            break
        text = _apply(text, edits)
    return text


def _outside_code(source: str) -> str:
    """LaTeX's brackets as dollars, and `||` escaped where it hides nothing."""
    data = source.encode()
    parts: list[str] = []
    done = 0
    for start, end in _literal(source):
        if start >= done:
            parts += (_normalise(data[done:start].decode()), data[start:end].decode())
            done = end
    return "".join((*parts, _normalise(data[done:].decode())))


def _literal(source: str) -> Iterator[tuple[int, int]]:
    for event, place in pyromark.events_with_range(source, options=RICH_OPTIONS):
        match event:
            case {"Start": {"CodeBlock": _}} | {"Code": _} | {"InlineMath": _} | {"DisplayMath": _}:
                yield place["start"], place["end"]


def _normalise(text: str) -> str:
    text = _DISPLAY_LATEX.sub(lambda found: _dollars(found, "$$"), text)
    text = _INLINE_LATEX.sub(lambda found: _dollars(found, "$"), text)
    return _BARS.sub(_bars, text)


def _dollars(found: re.Match[str], mark: str) -> str:
    return f"{mark}{found[1].strip()}{mark}" if _FORMULA.search(found[1]) else found[0]


def _bars(found: re.Match[str]) -> str:
    if found[1]:
        return found[0]
    line = found.string[found.string.rfind("\n", 0, found.start()) + 1 : found.start()]
    return "| |" if line.lstrip().startswith("|") else r"\|\|"


def _edits(text: str, math_as_code: bool) -> Iterator[_Edit]:
    """Byte ranges and what to put there; each edit takes away its own reason."""
    data = text.encode()
    for event, place in pyromark.events_with_range(text, options=RICH_OPTIONS):
        start, end = place["start"], place["end"]
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
            case {"InlineMath": str(formula)} | {"DisplayMath": str(formula)} if math_as_code and "`" not in formula:
                yield start, end, f"`{formula.strip()}`"


def _apply(text: str, edits: list[_Edit]) -> str:
    data = text.encode()
    parts: list[bytes] = []
    done = 0
    for start, end, replacement in edits:
        if start >= done:
            parts += (data[done:start], replacement.encode())
            done = end
    return b"".join((*parts, data[done:])).decode()
