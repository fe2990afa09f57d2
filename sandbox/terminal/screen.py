"""The terminal's face: finished lines scroll up, the last line of a growing answer is redrawn in place.

A line that was completed is printed for good, so that a long answer scrolls like any other text. Where the output is
no terminal nothing is redrawn: only what is final is printed, without control codes.
"""

import re
import shutil
import unicodedata
from typing import TextIO

CLEAR_LINE = "\r\x1b[K"
PROMPT = "you> "
UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Screen:
    """Prints blocks of text, and one draft at a time below them."""

    def __init__(self, output: TextIO, live: bool) -> None:
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
            return  # what has scrolled by can't be redrawn; the final message will be printed whole
        self._write(CLEAR_LINE + "\n".join(lines[len(kept) :]))
        self._shown = lines

    def message(self, text: str) -> None:
        """Print a final message: what its draft did not show yet, or all of it."""
        lines = self._wrapped(text)
        kept = self._shown[:-1]
        if lines[: len(kept)] != kept:
            self.end_draft()
            kept = []
        self._shown = []
        self._write((CLEAR_LINE if self._live else "") + "\n".join(lines[len(kept) :]) + "\n")

    def note(self, text: str) -> None:
        """Print a word of the sandbox itself; a draft goes on below it."""
        if self._shown:
            self._write("\n")
        self._write((CLEAR_LINE if self._live else "") + _safe(text) + "\n")

    def end_draft(self) -> None:
        """Leave a draft as it stands: it will not go on."""
        if self._shown:
            self._write("\n")
        self._shown = []

    def prompt(self) -> None:
        """Ask for a line, where somebody sits in front of it and no answer is growing."""
        if self._live and not self._shown:
            self._write(CLEAR_LINE + PROMPT)

    def _write(self, text: str) -> None:
        self._output.write(text)
        self._output.flush()

    def _wrapped(self, text: str) -> list[str]:
        if not self._live:
            return _safe(text).split("\n")
        width = shutil.get_terminal_size().columns - 1
        return [part for line in _safe(text).split("\n") for part in _wrap(line, width)]


def _safe(text: str) -> str:
    """What an answer says is shown, never obeyed: it has no control characters."""
    return UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\t", "    "))


def _wrap(line: str, width: int) -> list[str]:
    """Cut a line so that each part takes one row, at a blank where there is one; a longer line keeps earlier cuts."""
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
