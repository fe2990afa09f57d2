"""Cleaning and bounding a streamed answer: whole characters, reasoning split from text, and a guaranteed end.

Servers may cut an emoji between two pieces, and JSON allows the lone halves (surrogates); neither a database nor a
request accepts them. Control characters are invisible to readers, and some databases end a text at the first NUL.

A model that loops, or a server that never stops, would fill memory and drain the account, so reading stops at a bound
and closing the connection tells the server. Bounds are counted in rough tokens, since each model's tokenizer differs;
they are generous, so a server that enforces its own limit normally ends first.

A connection left open after the finish reason doesn't cost the finished answer: see `in_time`.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bot.llm.finishes import MOST_END, in_mid_sentence
from bot.llm.harmony import Harmony
from bot.llm.stream_events import (
    AudioDelta,
    Call,
    Finish,
    Finished,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    TextRetracted,
    ToolCalls,
    UsageReported,
    speaks,
)
from bot.llm.thinking import Boxes, ThinkingSplit

GRACE_S = 2.0
"""Seconds to wait after the finish reason. Only the usage report may follow, and it comes at once."""
GOING_ON_S = 20.0
"""The grace period once more of the answer has followed a finish reason: some servers send one with every piece."""
_CONTROLS = dict.fromkeys(code for code in (*range(32), 127) if chr(code) not in "\t\n\r")
MOST_TOKENS = 16_384
"""The default limit for an answer whose model has no known maximum."""
MOST_THOUGHTS = 32_768
"""The limit for reasoning, in tokens, unless the model's own maximum is higher."""
MOST_SPOKEN = 48_000 * 600
"""Ten minutes of speech, in bytes."""
_SLACK = 1.25
_LATIN, _OTHER = 0.25, 0.6
"""Tokens per character."""


async def end_after_finish(
    pieces: AsyncGenerator[Sequence[StreamEvent], None],
) -> AsyncGenerator[Sequence[StreamEvent], None]:
    """Pass on the pieces until the stream ends, or stays silent for the grace period after a finish reason."""
    loop, until, grace = asyncio.get_running_loop(), None, GRACE_S
    while True:
        try:
            async with asyncio.timeout_at(until) as limit:
                piece = await anext(pieces, None)
        except TimeoutError:
            if limit.expired():
                return
            raise
        if piece is None:
            return
        goes_on = until is not None and any(map(speaks, piece))
        if goes_on:
            grace = GOING_ON_S
        if goes_on or any(isinstance(event, Finished) for event in piece):
            until = loop.time() + grace
        yield piece


def clean_text(text: str) -> str:
    """Remove control characters, join surrogate halves, and replace those that stay alone."""
    return text.translate(_CONTROLS).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def clean_call(call: Call) -> Call:
    """Clean a tool call: its texts, including surrogates escaped inside the JSON, and its name.

    Some servers of gpt-oss write ``recall<|channel|>commentary``, and Kimi writes ``functions.recall``.
    """
    name = clean_text(call.name).partition("<|")[0].strip().removeprefix("functions.")
    arguments = clean_text(call.arguments)
    if "\\u" in arguments:
        arguments = _unescaped(arguments)
    return replace(call, id=clean_text(call.id), name=name, arguments=arguments)


def _unescaped(arguments: str) -> str:
    try:
        read = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    if isinstance(read, dict):
        read = {name: clean_text(value) if isinstance(value, str) else value for name, value in read.items()}
    return clean_text(json.dumps(read, ensure_ascii=False))


class Halves:
    """Joins the pieces of a text, holding back the first half of a surrogate pair until the second arrives."""

    def __init__(self) -> None:
        self._half = ""

    def joined(self, piece: str) -> str:
        """The piece with the pending half in front of it, and without a half at its own end."""
        if not piece:
            return ""
        piece = self._half + piece
        self._half = piece[-1] if "\ud800" <= piece[-1] <= "\udbff" else ""
        return clean_text(piece.removesuffix(self._half))

    def rest(self) -> str:
        """The replacement for a half that was never completed."""
        half, self._half = self._half, ""
        return clean_text(half)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most tokens of an answer and of the reasoning before it."""

    answer: int = MOST_TOKENS
    thoughts: int = MOST_THOUGHTS


BRIEF = Bounds(16, 64)
"""For requests that only check whether an answer comes at all."""


class AnswerStream:
    """Reads one answer: joins its characters, splits off the reasoning in its text, and enforces the bounds."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._said = self._thought = 0.0
        self._came = 0.0
        """Tokens read so far, including leading whitespace that is held back."""
        self._spoken = 0
        self._boxes, self._thinking = Boxes(), Harmony()
        self._text, self._reasoning = Halves(), Halves()
        self._end = ""
        self._counted = False
        """A usage report with output tokens has been seen."""
        self._over = False

    @property
    def is_cut(self) -> bool:
        """Whether the answer breaks off in the middle of a sentence."""
        return in_mid_sentence(self._end)

    @property
    def exceeds(self) -> bool:
        """Whether the answer went over its bounds and was ended here; the rest of the stream need not be read."""
        return self._over

    def read(self, piece: Iterable[StreamEvent]) -> list[StreamEvent]:
        """Clean the events of one piece. Finished(LENGTH) is added if they take the answer over its bounds."""
        read: list[StreamEvent] = []
        for event in piece:
            if not (self._over and (speaks(event) or isinstance(event, ToolCalls))):
                read += self._read(event)
        return read

    def _read(self, event: StreamEvent) -> Iterator[StreamEvent]:
        match event:
            case TextDelta(text):
                self._came += rough_tokens(text)
                yield from self._say(self._text.joined(text))
                if self._came > _SLACK * (self._bounds.answer + self._bounds.thoughts):
                    yield from self._exceed()
            case ReasoningDelta(text):
                yield from self._think(self._reasoning.joined(text))
            case AudioDelta(samples):
                self._spoken += len(samples)
                yield event
                if self._spoken > MOST_SPOKEN:
                    yield from self._exceed()
            case ToolCalls(calls):
                yield replace(event, calls=tuple(map(clean_call, calls)))
            case Finished():
                yield from self._finish(event)
            case UsageReported(usage):
                if usage.output or not self._counted:  # a report of zeros doesn't replace an earlier one
                    self._counted = self._counted or bool(usage.output)
                    yield event
            case _:
                yield event

    def _say(self, text: str, *, last: bool = False) -> Iterator[StreamEvent]:
        if text := self._boxes.without(text, last=last):
            yield from self._tell(self._thinking.split(text))

    def _think(self, reasoning: str) -> Iterator[StreamEvent]:
        if reasoning:
            self._thinking.apart()
            yield from self._tell(ThinkingSplit(reasoning=reasoning))

    def _finish(self, event: Finished) -> Iterator[StreamEvent]:
        """Release the text that was held back. More may follow: some servers send a reason with every piece."""
        if not self._over:
            yield from self._think(self._reasoning.rest())
            yield from self._say(self._text.rest(), last=True)
            yield from self._tell(self._thinking.rest(whole=event.reason is not Finish.LENGTH))
        if not self._over:
            yield event
        elif event.reason is Finish.LENGTH:  # the server's own limit: its usage report is still to come
            self._over = False

    def _tell(self, split: ThinkingSplit) -> Iterator[StreamEvent]:
        if self._over:
            return
        if split.taken_back:
            self._end, self._said = "", 0.0
            yield TextRetracted()
        text, self._said = _fit(split.text, self._said, self._bounds.answer)
        reasoning, self._thought = _fit(split.reasoning, self._thought, self._bounds.thoughts)
        self._end = (self._end + split.text)[-MOST_END:]
        if reasoning:
            yield ReasoningDelta(reasoning)
        if text:
            yield TextDelta(text)
        if text != split.text or reasoning != split.reasoning:
            yield from self._exceed()

    def _exceed(self) -> Iterator[StreamEvent]:
        if not self._over:
            self._over = True
            yield Finished(Finish.LENGTH)


def _fit(text: str, before: float, most: int) -> tuple[str, float]:
    """The beginning of the text that fits within the bound, and the new token count."""
    count = before + rough_tokens(text)
    if count <= _SLACK * most:
        return text, count
    room = _SLACK * most - before
    return text[: max(int(room * len(text) / (count - before)), 0)], count


def rough_tokens(text: str) -> float:
    """A tokenizer-free estimate of the number of tokens."""
    if text.isascii():
        return _LATIN * len(text)
    latin = sum(char < "\x80" for char in text)
    return _LATIN * latin + _OTHER * (len(text) - latin)
