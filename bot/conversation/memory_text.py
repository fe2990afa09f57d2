"""What a memory has to look like, whatever language it is in, and how one that is too long is cut.

A model that will not write notes answers in prose ("I'm sorry, but I can't ..."), in any language. What it writes as
notes has headings or list lines, since the instruction asks for them: their form is what tells both apart.

Which stretches of a conversation its notes are made of: said by us with the notes, not by the model in them.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from bot.conversation.tokens import MESSAGE_TOKENS, TokenCounter
from storage.memory_records import Span

_HEADING = re.compile(
    r"[ \t>]*(?:#{1,6}[ \t]*[^\s#].*+|\*\*[^*]+\*\*[ \t]*+[:\uff1a]?|__[^_]+__[ \t]*+[:\uff1a]?|【[^】]+】)\s*"
)
_UNDERLINE = re.compile(r"[ \t]*(?:={3,}|-{3,})[ \t]*")
_ITEM = re.compile(
    r"[ \t>]*(?:"
    r"[-\u2013\u2014•·‣◦▪▫●○■□◆◇►➤∙\u2043・][ \t\u3000]*(?:\[[ xX]\][ \t]*)?[*_`\"'«“„(]*\w"  # a bullet ...
    r"|[*+\uff0a][ \t]+\S"  # ... or one that emphasis begins with as well
    r"|[(\uff08]?\d{1,3}(?:[)\uff09\uff0e、]|\.(?!\d))[ \t\u3000]*\S"  # numbers, in the digits of any script
    r"|\w[.)\uff09][ \t]+\S"
    r"|[一二三四五六七八九十]{1,3}、\s*\S"
    r"|[\u2460-\u2473\u3220-\u3229][ \t\u3000]*\S"  # ① and ㈠
    r")"
)
_LABELLED = re.compile(r"[ \t>]*(?:\*\*[^*]+[:\uff1a]\*\*|\*\*[^*]+\*\*[ \t]*[:\uff1a\u2013\u2014-])[ \t]*\S")
_SIGNS = "|→⇒➔➜»※+\u318d"
"""What list lines begin with too, and other lines as well."""
MOST_SPANS = 4
"""Stretches that are told apart; of more, those that lie closest together are told as one."""
_ALL = "They are made of what was said {spans}."
_PARTS = _ALL + " What was said between these times and since left your view unnoted: searching finds it."


def is_memory(text: str) -> bool:
    """Whether a text is notes: it has a list line, or a heading with something under it.

    A line that begins with a sign, or with a bold word and a colon, is one of a list where there are several.
    """
    lines = list(_lines(text))
    kinds = [_kind(line) for line in lines]
    listed = "item" in kinds or sum(map(_may_be_listed, lines)) > 1
    return listed or ("heading" in kinds and "prose" in kinds)


def headed(line: str) -> bool:
    """Whether a line is a heading."""
    return _kind(line) == "heading"


def _may_be_listed(line: str) -> bool:
    first = line.lstrip(" \t>")[:1]
    is_sign = bool(first) and (first in _SIGNS or unicodedata.category(first) == "So")
    return is_sign or _LABELLED.match(line) is not None


def fitting(text: str, most_tokens: float, count_tokens: TokenCounter) -> str:
    """The whole lines of a memory that fit into so many tokens, in their order.

    Each section keeps its first lines: all of them lose something, rather than the last ones everything. Where not one
    line fits, the beginning of the first one is kept.
    """
    sections = list(_sections(text.split("\n")))
    budget = most_tokens
    while chosen := _chosen(sections, budget, count_tokens):
        kept = "\n".join(line for _, line in sorted(chosen.items()))
        tokens = count_tokens(kept)
        if tokens <= most_tokens:
            return kept
        budget *= 0.9 * most_tokens / tokens  # lines that were counted one by one can be more together
    return _beginning(sections[0].body[0][1], most_tokens, count_tokens) if sections else ""


@dataclass(slots=True)
class _Section:
    """Lines with their numbers."""

    headings: list[tuple[int, str]] = field(default_factory=list)
    body: list[tuple[int, str]] = field(default_factory=list)


def _kind(line: str) -> str:
    if _ITEM.match(line):
        return "item"
    return "heading" if _HEADING.fullmatch(line) else "prose"


def _lines(text: str) -> Iterator[str]:
    """The lines that hold something; underlined ones as headings."""
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


def _chosen(sections: Sequence[_Section], budget: float, count_tokens: TokenCounter) -> dict[int, str]:
    """One line of each section in turn, the first one with its headings, as long as there is room."""
    chosen: dict[int, str] = {}
    headed: set[int] = set()
    for line in range(max((len(section.body) for section in sections), default=0)):
        for number, section in enumerate(sections):
            if line >= len(section.body):
                continue
            lines = [*([] if number in headed else section.headings), section.body[line]]
            tokens = sum(count_tokens(text) - MESSAGE_TOKENS + 1 for _, text in lines)  # and the end of the line
            if tokens <= budget:
                chosen.update(lines)
                headed.add(number)
                budget -= tokens
    return chosen


def _beginning(line: str, most_tokens: float, count_tokens: TokenCounter) -> str:
    """As much of a line as fits, up to the end of a word where it has some."""
    room = len(line)
    while (tokens := count_tokens(line[:room] + "…")) > most_tokens and room:
        room = int(room * 0.95 * most_tokens / tokens)
    words = line[:room].rpartition(" ")[0]
    return (words if 2 * len(words) > room else line[:room]) + "…" if room else ""


def added(spans: Sequence[Span], after_turn: int, new: Span) -> tuple[Span, ...]:
    """The stretches with one more; it goes on with the last one where that ends at `after_turn`."""
    if spans and spans[-1].through_turn == after_turn:
        new = Span(new.through_turn, min(spans[-1].since, new.since), new.until)
        spans = spans[:-1]
    joined = [*spans, new]
    while len(joined) > MOST_SPANS:
        at = min(range(1, len(joined)), key=lambda one: joined[one].since - joined[one - 1].until)
        first, second = joined[at - 1 : at + 1]
        joined[at - 1 : at + 1] = [Span(second.through_turn, first.since, second.until)]
    return tuple(joined)


def told(spans: Sequence[Span], zone: tzinfo) -> str:
    """The stretches in words for the model; nothing where they are not known."""
    if not spans:
        return ""
    form = _PARTS if len(spans) > 1 else _ALL
    return form.format(spans=", and ".join(f"from {since} to {until}" for since, until in times(spans, zone)))


def times(spans: Sequence[Span], zone: tzinfo) -> list[tuple[str, str]]:
    """The first and the last time of each stretch."""
    return [(_time(span.since, zone), _time(span.until, zone)) for span in spans]


def _time(at: float, zone: tzinfo) -> str:
    return f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M}"
