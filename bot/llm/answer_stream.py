"""The end of a stream: a line that is left open behind the finish reason costs no finished answer.

Text as a model sends it, made into what can be stored, sent on and shown.

Servers cut an emoji between two pieces, and JSON lets its halves stand alone; no database and no request takes those.
Control characters are nothing that a reader sees, and some databases end a text at the first.

An answer as it comes: its characters whole, its reasoning told apart, and an end to it.

A model that goes in circles, or a server that never stops, would fill the memory and empty the account: what is beyond
the bounds is not read, and the server is told by a closed line. The bounds are counted in tokens as they are in most
languages, since nobody knows every model's own; they are generous, so that a server that keeps one itself ends first.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace

from bot.llm.finishes import MOST_END, in_mid_sentence
from bot.llm.harmony import Harmony
from bot.llm.interface import Call, Delta, Finish
from bot.llm.thinking import Boxes, ThinkingSplit

GRACE_S = 2.0
"""What may still come behind the finish reason is the usage, and that comes at once."""
GOING_ON_S = 20.0
"""Where more of the answer comes behind it, it has been no end, as with servers that name one in each piece."""
_CONTROLS = dict.fromkeys(code for code in (*range(32), 127) if chr(code) not in "\t\n\r")
MOST_TOKENS = 16_384
"""Of an answer, where nobody knows the model's own most."""
MOST_THOUGHTS = 32_768
"""Tokens of reasoning, where the model's own most is not more."""
MOST_SPOKEN = 48_000 * 600
"""Bytes of speech: ten minutes."""
_SLACK = 1.25
_LATIN, _OTHER = 0.25, 0.6
"""Tokens in a character."""


async def in_time(deltas: AsyncGenerator[Delta, None]) -> AsyncGenerator[Delta, None]:
    """All deltas, or those that come soon enough behind the finish reason, or behind what is said after it."""
    loop, until, grace = asyncio.get_running_loop(), None, GRACE_S
    while True:
        try:
            async with asyncio.timeout_at(until) as limit:
                delta = await anext(deltas, None)
        except TimeoutError:
            if limit.expired():
                return
            raise
        if delta is None:
            return
        goes_on = until is not None and (delta.text or delta.reasoning or delta.voice)
        if goes_on:
            grace = GOING_ON_S
        if delta.finish is not None or goes_on:
            until = loop.time() + grace
        yield delta


def whole(text: str) -> str:
    """The text without control characters; halves of characters are joined, or replaced where they are alone."""
    return text.translate(_CONTROLS).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def whole_call(call: Call) -> Call:
    """A call in such text, also where its JSON has the halves escaped; its name as the tool is called.

    gpt-oss behind some servers writes ``recall<|channel|>commentary``, and Kimi ``functions.recall``.
    """
    name = whole(call.name).partition("<|")[0].strip().removeprefix("functions.")
    arguments = whole(call.arguments)
    if "\\u" in arguments:
        arguments = _unescaped(arguments)
    return replace(call, id=whole(call.id), name=name, arguments=arguments)


def _unescaped(arguments: str) -> str:
    try:
        read = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    if isinstance(read, dict):
        read = {name: whole(value) if isinstance(value, str) else value for name, value in read.items()}
    return whole(json.dumps(read, ensure_ascii=False))


class Halves:
    """Puts the pieces of one text together: the first half of a character is kept back until the second comes."""

    def __init__(self) -> None:
        self._half = ""

    def joined(self, piece: str) -> str:
        """The piece, with the half before it and without the one at its end."""
        if not piece:
            return ""
        piece = self._half + piece
        self._half = piece[-1] if "\ud800" <= piece[-1] <= "\udbff" else ""
        return whole(piece.removesuffix(self._half))

    def rest(self) -> str:
        """What stands for the half that was kept back, when nothing more comes."""
        half, self._half = self._half, ""
        return whole(half)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most tokens of an answer, and of the reasoning before it."""

    answer: int = MOST_TOKENS
    thoughts: int = MOST_THOUGHTS


BRIEF = Bounds(16, 64)
"""Where it matters only that there is an answer."""


class AnswerStream:
    """One answer, put into whole characters, with the reasoning that is written into it told apart."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._said = self._thought = 0.0
        self._came = 0.0
        """Tokens of all that was read, also of blanks before the first word, which are kept back."""
        self._spoken = 0
        self._boxes, self._thinking = Boxes(), Harmony()
        self._text, self._reasoning = Halves(), Halves()
        self._end = ""
        self._counted = False
        """There was a report of what it cost."""

    @property
    def is_cut(self) -> bool:
        """Whether it breaks off in the middle of a sentence."""
        return in_mid_sentence(self._end)

    def read(self, delta: Delta) -> Delta:
        """A piece of it, which is the last one where it takes the answer over its bounds."""
        self._came += rough_tokens(delta.text)
        read = self._bounded(self._read(delta))
        if read.finish is None and self._came > _SLACK * (self._bounds.answer + self._bounds.thoughts):
            return replace(read, finish=Finish.LENGTH)
        return read

    def _bounded(self, delta: Delta) -> Delta:
        if delta.taken_back:
            self._said = 0.0
        text, self._said = _fitting(delta.text, self._said, self._bounds.answer)
        reasoning, self._thought = _fitting(delta.reasoning, self._thought, self._bounds.thoughts)
        self._spoken += len(delta.voice)
        if text == delta.text and reasoning == delta.reasoning and self._spoken <= MOST_SPOKEN:
            return delta
        return replace(delta, text=text, reasoning=reasoning, finish=Finish.LENGTH, calls=())

    def _read(self, delta: Delta) -> Delta:
        over = delta.finish is not None
        piece, thoughts = self._text.joined(delta.text), self._reasoning.joined(delta.reasoning)
        if over:
            piece, thoughts = piece + self._text.rest(), thoughts + self._reasoning.rest()
        piece = self._boxes.without(piece, last=over)
        if thoughts:
            self._thinking.apart()
        split, rest = self._thinking.split(piece) if piece else ThinkingSplit(), ThinkingSplit()
        if over:
            rest = self._thinking.rest(whole=delta.finish is not Finish.LENGTH)
        text, reasoning = split.text + rest.text, split.reasoning + rest.reasoning
        if rest.taken_back:
            text, reasoning = rest.text, split.reasoning + split.text + rest.reasoning
        self._end = (("" if split.taken_back or rest.taken_back else self._end) + text)[-MOST_END:]
        calls = tuple(map(whole_call, delta.calls))
        back = split.taken_back or rest.taken_back
        if delta.usage is not None:
            if self._counted and not delta.usage.output:  # zeros replace no report
                delta = replace(delta, usage=None)
            self._counted = self._counted or bool(delta.usage and delta.usage.output)
        return replace(delta, text=text, reasoning=thoughts + reasoning, calls=calls, taken_back=back)


def _fitting(text: str, before: float, most: int) -> tuple[str, float]:
    """What of a piece keeps within the bound, and the count with it."""
    count = before + rough_tokens(text)
    if count <= _SLACK * most:
        return text, count
    room = _SLACK * most - before
    return text[: max(int(room * len(text) / (count - before)), 0)], count


def rough_tokens(text: str) -> float:
    """How many tokens a text has, roughly, as most models count."""
    if text.isascii():
        return _LATIN * len(text)
    latin = sum(char < "\x80" for char in text)
    return _LATIN * latin + _OTHER * (len(text) - latin)
