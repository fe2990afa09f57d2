"""What the model server does with a request, whichever of its APIs that speaks: answer, fail, break off, keep silent.

A test queues behaviours (``ModelServer.script``), so that every trouble a real server makes can be had on demand, at
a known point of the answer.

What the model server says when nobody scripted it: that it is no model, and what it was given.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sandbox.http import Stop
from sandbox.model.request import ChatRequest

Point = Literal["headers", "finish"] | int
"""Where an answer may be held: before its headers, after that many deltas, or before it ends."""
QUOTED_WORDS = 12
_HEADING = re.compile(r"^#+ .+$", re.MULTILINE)
LONG_ANSWER = Path(__file__).with_name("long_answer.md")


class HoldStream(Stop):
    """An answer stops at `point` until it is released; an unstreamed one has the point "headers" only."""

    def __init__(self, point: Point) -> None:
        super().__init__()
        self.point = point

    async def stand(self, point: Point) -> None:
        """Called by the server at each point."""
        if point == self.point:
            await self.wait_here()


@dataclass(frozen=True, slots=True)
class Say:
    """Answer with `text`, `chunk` words per delta and `delay` seconds between two deltas.

    `calls` are the names and the JSON arguments of functions that it calls at its end, if the request lets it. `speech`
    are the 16-bit samples of a spoken answer, which a client has to ask for; they come after the words.
    `usage` True means as the client asked, "every chunk" what some servers do: the running count, unasked (Responses
    say it at their end, DashScope in every chunk, unless it is False). `reasoning_as` matters for Responses only:
    OpenAI tells a summary of its reasoning, others the reasoning itself, in events of another name.
    """

    text: str
    reasoning: str = ""
    speech: bytes = b""
    calls: tuple[tuple[str, str], ...] = ()
    chunk: int = 1
    delay: float = 0.0
    finish_reason: str = "stop"
    usage: bool | Literal["every chunk"] = True
    hold: HoldStream | None = None
    reasoning_as: Literal["summary", "text"] = "summary"


@dataclass(frozen=True, slots=True)
class NoFinish(Say):
    """The stream ends cleanly, but without what ends an answer: a finish reason, ``[DONE]``, a last event."""


@dataclass(frozen=True, slots=True)
class Cut(Say):
    """The connection is dropped after that many characters of the text (None: after all of it)."""

    after: int | None = None


@dataclass(frozen=True, slots=True)
class Fail:
    """Refuse with this status, in the error JSON of the API that was asked, or with a `body` of its own."""

    status: int
    message: str = "scripted failure"
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Break(Say):
    """After that many characters of the text (None: after all of it) the stream itself tells of an error, and ends.

    `event` matters for Responses only, which have two ways to say so. An answer that is not streamed fails at once.
    """

    after: int | None = None
    error: Fail = field(default_factory=lambda: Fail(500))
    event: Literal["response.failed", "error"] = "response.failed"


@dataclass(frozen=True, slots=True)
class Hang:
    """Take the request and never answer; the client has to give up."""


@dataclass(frozen=True, slots=True)
class Raw:
    """These bytes, whatever they are, with 200; `left_open`: the line stays open behind them."""

    body: bytes
    left_open: bool = False
    media_type: str = "text/event-stream"


Behaviour = Say | Fail | Hang | Raw


def answer(request: ChatRequest, delay: float, chunk: int = 1) -> Say:
    """A plain sentence; a long text where the user says "long" or "markdown"; a list line where there is a form."""
    count = len(request.messages)
    opening = (
        "I am a stand-in for a model, with no understanding. "
        f"I was given {count} message{'s' if count > 1 else ''}; your last words were: {_tail(request.last_words)}"
    )
    if (heading := _HEADING.search(request.last_words)) is not None:  # a form to fill in, such as that of notes
        return Say(f"{heading[0]}\n- {opening}", delay=delay, chunk=chunk)
    if re.search(r"\b(long|markdown)\b", request.last_words, re.IGNORECASE):
        opening += "\n\n" + LONG_ANSWER.read_text(encoding="utf-8")
    return Say(opening, delay=delay, chunk=chunk)


def _tail(text: str) -> str:
    words = text.split()
    return ("... " if len(words) > QUOTED_WORDS else "") + " ".join(words[-QUOTED_WORDS:])
