"""Detection of lost facts: whether a new memory still contains what the old one did.

Names and numbers are compared, because rewording doesn't change them. A line's traces are its numbers and its names
(capitalized words inside the line). In scripts without capitals they are the longer words without their endings, or
pairs of characters where there are no spaces either.
"""

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.conversation.memory_text import cut_to_size, is_heading
from bot.conversation.tokens import TokenCounter

MOST_LOST = 0.5
"""The tolerated share of lost traces. An update drops only what is done or has changed; a model that summarized just
the newest rounds loses nearly everything."""
LEAST_LOST = 5
"""The fewest lost traces that count: in a short memory a fact or two may simply have changed."""
LEAST_LINE = 0.5
"""A line is lost if it keeps less than this share of its traces."""
TOLD_SHARE = 0.5
"""The share of its words that a line must have in common with a text to be about it."""
OLD_SHARE = 0.5
"""The share of the memory's length that restored lines may take."""
_WORD = re.compile(r"[^\W\d_]+(?:[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff]+[^\W\d_]*)*")
_NUMBER = re.compile(r"\d+(?:[.,'\u00a0\u202f]\d{3})*")
_CODE = re.compile("[0-9a-z\u0430-\u044f]{4,}")
"""In lower-case Latin or Russian letters."""
_YEAR = re.compile("(?:19|20)[0-9]{2}")
_UNSPACED = re.compile("[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]{2,}")


@dataclass(frozen=True, slots=True)
class MemoryLoss:
    """The lines that a new memory lost."""

    lines: tuple[str, ...]
    severe: bool
    """Whether that is most of what the old memory contained."""


def find_loss(old: str, new: str) -> MemoryLoss:
    """Compare a new memory with the old one."""
    found = sorted(_traces(new))
    lines, all_traces, gone_traces = [], set[str](), set[str]()
    for line in old.splitlines():
        traces = set() if is_heading(line) else _line_traces(line)
        gone = {trace for trace in traces if not _begins_one(trace, found)}
        all_traces |= traces
        gone_traces |= gone
        if traces and len(gone) > (1 - LEAST_LINE) * len(traces):
            lines.append(line)
    severe = len(gone_traces) >= LEAST_LOST and len(gone_traces) > MOST_LOST * len(all_traces)
    return MemoryLoss(tuple(lines), severe)


def _begins_one(trace: str, ordered: Sequence[str]) -> bool:
    """Whether one of these sorted traces begins with this one."""
    at = bisect_left(ordered, trace)
    return len(trace) > 1 and at < len(ordered) and ordered[at].startswith(trace)


def lines_about(lines: Iterable[str], texts: Iterable[str]) -> set[str]:
    """The lines about one of these texts: at least half of their words, names and numbers occur in it."""
    traces = {line: _content(line) for line in lines if not is_heading(line)}
    found: set[str] = set()
    for text in texts:
        said = _content(text)
        found |= {line for line, own in traces.items() if own and len(own & said) >= TOLD_SHARE * len(own)}
    return found


def sharing_codes(lines: Iterable[str], texts: Iterable[str], others: Iterable[str]) -> set[str]:
    """The lines with a long number, or a word with digits such as a password, from `texts` but not from `others`."""
    codes = _codes(texts) - _codes(others)
    return {line for line in lines if not codes.isdisjoint(_codes([line]))}


def add_lines(new: str, old: str, lost: Sequence[str], most_tokens: int, count_tokens: TokenCounter) -> str:
    """The new memory plus the lost lines that fit, each in its old section."""
    chosen, room = list[str](), OLD_SHARE * most_tokens
    for line in lost:
        room -= count_tokens(line)
        if room < 0:
            break
        chosen.append(line)
    kept = cut_to_size(new, most_tokens - sum(map(count_tokens, chosen)), count_tokens).split("\n")
    return "\n".join(_merge(kept, _by_heading(old, chosen)))


def _by_heading(old: str, chosen: Iterable[str]) -> dict[str, list[str]]:
    """The chosen lines of a memory, by the heading above them."""
    found, left, heading = dict[str, list[str]](), Counter(chosen), ""
    for line in old.splitlines():
        if is_heading(line):
            heading = line
        elif left[line] > 0:
            left[line] -= 1
            found.setdefault(heading, []).append(line)
    return found


def _merge(kept: Iterable[str], restored: dict[str, list[str]]) -> list[str]:
    """The lines with restored ones at the end of their sections; sections that are gone come last."""
    merged = restored.pop("", [])
    waiting: list[str] = []
    for line in kept:
        if is_heading(line):
            _append(merged, waiting)
            waiting = restored.pop(line, [])
        merged.append(line)
    _append(merged, waiting)
    for heading, lines in restored.items():
        merged += [heading, *lines]
    return merged


def _append(lines: list[str], more: list[str]) -> None:
    """Add lines before the empty ones at the end."""
    if more:
        end = len(lines)
        while end > 1 and not lines[end - 1].strip():
            end -= 1
        lines[end:end] = more


def _line_traces(line: str) -> set[str]:
    """A line's names and numbers; if it has neither and no capitals, its longer words."""
    plain = unicodedata.normalize("NFKC", line)
    words = [word[0] for word in _WORD.finditer(plain)]
    cased = any(word != word.upper() or word != word.lower() for word in words)
    names = {_root(word) for word in words[1:] if word[0].isupper() and len(word) > 1}
    numbers = _numbers(plain)
    others = set() if cased else {_root(word) for word in words if len(word) > 3 and not _UNSPACED.search(word)}
    traces = names | numbers | others | _pairs(plain)
    return traces or {_root(word) for word in words if len(word) > 4}


def _content(text: str) -> set[str]:
    plain = unicodedata.normalize("NFKC", text)
    words = {_root(word[0]) for word in _WORD.finditer(plain) if len(word[0]) > 3 and not _UNSPACED.search(word[0])}
    return words | _numbers(plain) | _pairs(plain)


def _traces(text: str) -> set[str]:
    plain = unicodedata.normalize("NFKC", text)
    words = {_folded(word[0]) for word in _WORD.finditer(plain)}
    return words | _numbers(plain) | _pairs(plain)


def _codes(texts: Iterable[str]) -> set[str]:
    found = {code for text in texts for code in _CODE.findall(unicodedata.normalize("NFKC", text).casefold())}
    return {code for code in found if any(map(str.isdigit, code)) and not _YEAR.fullmatch(code)}


def _numbers(text: str) -> set[str]:
    """Numbers without digit grouping and leading zeros, since 05 and 5 are the same in a date."""
    digits = (
        "".join(str(unicodedata.digit(char)) for char in number[0] if char.isdigit())
        for number in _NUMBER.finditer(text)
    )
    return {f"#{number.lstrip('0') or '0'}#" for number in digits}


def _pairs(text: str) -> set[str]:
    return {run[0][at : at + 2] for run in _UNSPACED.finditer(text) for at in range(len(run[0]) - 1)}


def _root(word: str) -> str:
    """A word without its inflection, approximately."""
    folded = _folded(word)
    return folded if len(folded) < 4 else folded[: max(3, len(folded) - 2)]


def _folded(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(char for char in plain if not unicodedata.combining(char))
