"""The format of memories in any language: how one is recognized, cut to length, and introduced to the model.

A model that refuses to write a memory answers in prose ("I'm sorry, but I can't ..."), in any language. A memory has
headings or list items because the instruction asks for them, so the format tells the two apart.

The stretches of time that a memory covers are stated next to it, rather than by the model inside it.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from bot.conversation.tokens import MESSAGE_TOKENS, TokenCounter
from storage.memories import Span

_HEADING = re.compile(
    r"[ \t>]*(?:#{1,6}[ \t]*[^\s#].*+|\*\*[^*]+\*\*[ \t]*+[:\uff1a]?|__[^_]+__[ \t]*+[:\uff1a]?|【[^】]+】)\s*"
)
_UNDERLINE = re.compile(r"[ \t]*(?:={3,}|-{3,})[ \t]*")
_ITEM = re.compile(
    r"[ \t>]*(?:"
    r"[-\u2013\u2014•·‣◦▪▫●○■□◆◇►➤∙\u2043・][ \t\u3000]*(?:\[[ xX]\][ \t]*)?[*_`\"'«“„(]*\w"  # a bullet ...
    r"|[*+\uff0a][ \t]+\S"  # ... or one that may also start emphasis
    r"|[(\uff08]?\d{1,3}(?:[)\uff09\uff0e、]|\.(?!\d))[ \t\u3000]*\S"  # numbers, in the digits of any script
    r"|\w[.)\uff09][ \t]+\S"
    r"|[一二三四五六七八九十]{1,3}、\s*\S"
    r"|[\u2460-\u2473\u3220-\u3229][ \t\u3000]*\S"  # ① and ㈠
    r")"
)
_LABELLED = re.compile(r"[ \t>]*(?:\*\*[^*]+[:\uff1a]\*\*|\*\*[^*]+\*\*[ \t]*[:\uff1a\u2013\u2014-])[ \t]*\S")
_SIGNS = "|→⇒➔➜»※+\u318d"
"""Characters that may begin list items, but other lines too."""
MOST_SPANS = 4
"""How many separate stretches are listed; if there are more, the closest ones are merged."""
_ALL = "They are made of what was said {spans}."
_PARTS = _ALL + " What was said between these times and since left your view unnoted: searching finds it."


def is_memory(text: str) -> bool:
    """Whether a text is a memory: it has a list item, or a heading followed by text.

    A line starting with a symbol, or with a bold word and a colon, counts as an item if there are several.
    """
    lines = list(_lines(text))
    kinds = [_kind(line) for line in lines]
    listed = "item" in kinds or sum(map(_may_be_listed, lines)) > 1
    return listed or ("heading" in kinds and "prose" in kinds)


def is_heading(line: str) -> bool:
    """Whether a line is a heading."""
    return _kind(line) == "heading"


def _may_be_listed(line: str) -> bool:
    first = line.lstrip(" \t>")[:1]
    is_sign = bool(first) and (first in _SIGNS or unicodedata.category(first) == "So")
    return is_sign or _LABELLED.match(line) is not None


def cut_to_size(text: str, most_tokens: float, count_tokens: TokenCounter) -> str:
    """The lines of a memory that fit into a number of tokens, in order.

    Each section keeps its first lines, so that all sections are shortened rather than the last ones dropped. If not
    even one line fits, the beginning of the first is kept.
    """
    sections = list(_sections(text.split("\n")))
    budget = most_tokens
    while chosen := _choose_lines(sections, budget, count_tokens):
        kept = "\n".join(line for _, line in sorted(chosen.items()))
        tokens = count_tokens(kept)
        if tokens <= most_tokens:
            return kept
        budget *= 0.9 * most_tokens / tokens  # lines counted separately may add up to more when joined
    return _cut_line(sections[0].body[0][1], most_tokens, count_tokens) if sections else ""


@dataclass(slots=True)
class _Section:
    """Lines with their positions."""

    headings: list[tuple[int, str]] = field(default_factory=list)
    body: list[tuple[int, str]] = field(default_factory=list)


def _kind(line: str) -> str:
    if _ITEM.match(line):
        return "item"
    return "heading" if _HEADING.fullmatch(line) else "prose"


def _lines(text: str) -> Iterator[str]:
    """The non-empty lines; underlined ones as headings."""
    before = ""
    for line in text.split("\n"):
        if before and _UNDERLINE.fullmatch(line):
            yield f"# {before}"
            before = ""
            continue
        if before:
            yield before
        before = "" if _UNDERLINE.fullmatch(line) else line.strip()
    if before:
        yield before


def _sections(lines: Sequence[str]) -> Iterator[_Section]:
    section = _Section()
    for number, line in enumerate(lines):
        if _kind(line) == "heading":
            if section.body:
                yield section
                section = _Section()
            section.headings.append((number, line))
        elif line.strip():
            section.body.append((number, line))
    if section.body:
        yield section


def _choose_lines(sections: Sequence[_Section], budget: float, count_tokens: TokenCounter) -> dict[int, str]:
    """Lines taken from the sections in turn, each section's headings with its first line, while there is room."""
    chosen: dict[int, str] = {}
    heads = {number: _tokens(section.headings, count_tokens) for number, section in enumerate(sections)}
    """Of the headings that are not chosen yet."""
    rest, at = list(enumerate(sections)), 0
    while rest:
        for number, section in rest:
            tokens = heads.get(number, 0) + _tokens([section.body[at]], count_tokens)
            if tokens <= budget:
                chosen.update([*(section.headings if number in heads else ()), section.body[at]])
                heads.pop(number, None)
                budget -= tokens
        at += 1
        rest = [(number, section) for number, section in rest if at < len(section.body)]
    return chosen


def _tokens(lines: Iterable[tuple[int, str]], count_tokens: TokenCounter) -> int:
    """With the line breaks."""
    return sum(count_tokens(line) - MESSAGE_TOKENS + 1 for _, line in lines)


def _cut_line(line: str, most_tokens: float, count_tokens: TokenCounter) -> str:
    """As much of a line as fits, up to a word boundary if possible."""
    room = len(line)
    while (tokens := count_tokens(line[:room] + "…")) > most_tokens and room:
        room = int(room * 0.95 * most_tokens / tokens)
    words = line[:room].rpartition(" ")[0]
    return (words if 2 * len(words) > room else line[:room]) + "…" if room else ""


def add_span(spans: Sequence[Span], after_turn: int, new: Span) -> tuple[Span, ...]:
    """The stretches plus a new one, which extends the last if that ended at `after_turn`."""
    if spans and spans[-1].through_turn == after_turn:
        new = Span(new.through_turn, min(spans[-1].since, new.since), new.until)
        spans = spans[:-1]
    joined = [*spans, new]
    while len(joined) > MOST_SPANS:
        at = min(range(1, len(joined)), key=lambda one: joined[one].since - joined[one - 1].until)
        first, second = joined[at - 1 : at + 1]
        joined[at - 1 : at + 1] = [Span(second.through_turn, first.since, second.until)]
    return tuple(joined)


def describe_spans(spans: Sequence[Span], zone: tzinfo) -> str:
    """The stretches as a sentence for the model; "" if unknown."""
    if not spans:
        return ""
    form = _PARTS if len(spans) > 1 else _ALL
    return form.format(spans=", and ".join(f"from {since} to {until}" for since, until in span_times(spans, zone)))


def span_times(spans: Sequence[Span], zone: tzinfo) -> list[tuple[str, str]]:
    """The first and last time of each stretch."""
    return [(_time(span.since, zone), _time(span.until, zone)) for span in spans]


def _time(at: float, zone: tzinfo) -> str:
    return f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M}"
