"""Terminal output: final lines scroll up, and the last line of a growing answer is shown below them.

A completed line is printed for good, so a long answer scrolls like any other text. If the output isn't a terminal, only
final text is printed, without control codes. Rich messages are rendered to plain lines in such a way that a growing
message's text only grows.
"""

import re
import shutil
import unicodedata
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Protocol, TextIO

PROMPT = "you> "
UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
SPACED = frozenset({"p", "pre", "ul", "ol", "table", "blockquote", "details", *HEADINGS})
BLOCKS = SPACED | {"tr", "li", "summary", "footer"}


class Output(Protocol):
    """Where lines go."""

    def print(self, text: str) -> None:
        """Print whole lines."""

    def grow(self, line: str) -> None:
        """Show a line that isn't finished, instead of the one before; "": there is none."""


class PlainOutput:
    """A file or a pipe: whole lines only."""

    def __init__(self, output: TextIO) -> None:
        self._output = output

    def print(self, text: str) -> None:
        self._output.write(text + "\n")
        self._output.flush()

    def grow(self, line: str) -> None:
        """Nothing: a pipe can't take back."""


class Screen:
    """Prints blocks of text, and one draft at a time below them. `live`: drafts are shown, and lines are wrapped."""

    def __init__(self, output: Output, live: bool) -> None:
        self._output = output
        self._live = live
        self._shown: list[str] = []

    def draft(self, text: str) -> None:
        """Show how far an answer has grown."""
        if not self._live or not text:
            return
        lines = self._wrapped(text)
        kept = self._shown[:-1]
        if lines[: len(kept)] != kept:
            return  # printed lines can't be changed; the final message will be printed in full
        self._print(lines[len(kept) : -1])
        self._output.grow(lines[-1])
        self._shown = lines

    def message(self, text: str) -> None:
        """Print a final message: what its draft hasn't shown yet, or all of it."""
        lines = self._wrapped(text)
        kept = self._shown[:-1]
        if lines[: len(kept)] != kept:
            self.end_draft()
            kept = []
        self._shown = []
        self._output.grow("")
        self._print(lines[len(kept) :])

    def note(self, text: str) -> None:
        """Print a note of the sandbox; a draft continues below it."""
        self._output.print(_safe(text))

    def end_draft(self) -> None:
        """Leave a draft as it is: it won't continue."""
        if self._shown:
            self._output.grow("")
            self._print(self._shown[-1:])
        self._shown = []

    def _print(self, lines: Sequence[str]) -> None:
        if lines:
            self._output.print("\n".join(lines))

    def _wrapped(self, text: str) -> list[str]:
        if not self._live:
            return _safe(text).split("\n")
        width = shutil.get_terminal_size().columns - 1
        return [part for line in _safe(text).split("\n") for part in _wrap(line, width)]


def _safe(text: str) -> str:
    """Replace control characters, so that an answer can't control the terminal."""
    return UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\t", "    "))


def _wrap(line: str, width: int) -> list[str]:
    """Split a line into screen rows, at spaces if possible; as the line grows, earlier splits stay."""
    parts, start, blank, columns = [], 0, -1, 0
    for index, letter in enumerate(line):
        columns += _columns(letter)
        if columns > width:
            end = blank + 1 if blank >= start else index
            parts.append(line[start:end])
            start = end
            columns = sum(map(_columns, line[start : index + 1]))
        if letter == " ":
            blank = index
    return [*parts, line[start:]]


def _columns(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def from_html(html: str) -> str:
    """The text of a rich message's HTML."""
    renderer = _Renderer()
    renderer.feed(html)
    renderer.close()
    return renderer.text()


class _Renderer(HTMLParser):
    """Writes lines: blocks start on new lines, list items and quotes get their marks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines = [""]
        self._mark = ""
        self._lists: list[int | None] = []
        self._quotes = 0
        self._links: list[str] = []

    def text(self) -> str:
        """The text without surrounding empty lines."""
        return "\n".join(self._lines).strip("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BLOCKS:
            self._open_line(gap=tag in SPACED and not self._lists and not self._quotes)
        match tag:
            case "br":
                self._new_line()
            case "hr":
                self._open_line()
                self._write("---")
                self._new_line()
            case "blockquote":
                self._quotes += 1
            case "ul" | "ol":
                self._lists.append(int(dict(attrs).get("start") or 1) if tag == "ol" else None)
            case "li":
                self._open_item()
            case "td" | "th":
                self._write(" | " if self._lines[-1] else "")
            case "a":
                self._links.append(dict(attrs).get("href") or "")
            case _:
                self._mark += HEADINGS.get(tag, "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "blockquote":
            self._quotes -= 1
        elif tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        elif tag == "a" and self._links:
            address = self._links.pop()
            self._write(f" ({address})" if address and not self._lines[-1].endswith(address) else "")
        if tag in BLOCKS:
            self._open_line()

    def handle_data(self, data: str) -> None:
        first, *rest = data.split("\n")
        self._write(first)
        for line in rest:
            self._new_line()
            self._write(line)

    def _open_item(self) -> None:
        number = self._lists[-1] if self._lists else None
        self._open_line()
        self._mark = "  " * (len(self._lists) - 1) + ("- " if number is None else f"{number}. ")
        if number is not None:
            self._lists[-1] = number + 1

    def _write(self, text: str) -> None:
        if text and not self._lines[-1]:
            self._lines[-1] = "> " * self._quotes + self._mark
            self._mark = ""
        self._lines[-1] += text

    def _new_line(self) -> None:
        self._lines.append("")

    def _open_line(self, gap: bool = False) -> None:
        if self._lines[-1]:
            self._new_line()
        if gap and len(self._lines) > 1 and self._lines[-2]:
            self._new_line()
