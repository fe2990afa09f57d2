"""Behaviours of the model server, independent of the API: answer, fail, break off, stay silent.

A test queues behaviours (``ModelServer.script``) to get any failure of a real server at an exact point of an answer.
Without a script, the server says that it isn't a model, and what it was given.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sandbox.http import Checkpoint
from sandbox.model.notes import heading, notes
from sandbox.model.request import ChatRequest

Point = Literal["headers", "finish"] | int
"""Where an answer may be held: before its headers, after a number of deltas, or before its end."""
QUOTED_WORDS = 12
LONG_ANSWER = Path(__file__).with_name("long_answer.md")


class HoldStream(Checkpoint):
    """An answer stops at `point` until released; an unstreamed one only at "headers"."""

    def __init__(self, point: Point) -> None:
        super().__init__()
        self.point = point

    async def wait_at(self, point: Point) -> None:
        """Called by the server at each point."""
        if point == self.point:
            await self.wait_here()


@dataclass(frozen=True, slots=True)
class Say:
    """Answer with `text`, in deltas of `chunk` words, `delay` seconds apart.

    `calls` are (name, JSON arguments) of function calls at the end, if the request permits them. `speech` has 16-bit
    samples of a spoken answer, sent after the text if the client asked for speech. `usage` True follows the client's
    request; "every chunk" is the running count that some servers send unasked (the Responses API always sends it at the
    end, DashScope in every chunk, unless it is False). `reasoning_as` matters only for the Responses API: OpenAI sends
    a summary of the reasoning, others the reasoning itself, under another event name.
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
    """The stream ends cleanly but without a finish reason, ``[DONE]`` or last event."""


@dataclass(frozen=True, slots=True)
class Cut(Say):
    """The connection drops after this many characters of the text (None: all of it)."""

    after: int | None = None


@dataclass(frozen=True, slots=True)
class Fail:
    """Refuse with this status, in the error format of the API or with a custom `body`."""

    status: int
    message: str = "scripted failure"
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Break(Say):
    """After this many characters of the text (None: all of it) the stream reports an error and ends.

    `event` matters only for the Responses API, which has two ways to report it. An unstreamed answer fails at once.
    """

    after: int | None = None
    error: Fail = field(default_factory=lambda: Fail(500))
    event: Literal["response.failed", "error"] = "response.failed"


@dataclass(frozen=True, slots=True)
class Hang:
    """Accept the request and never answer."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Send these bytes with a 200; `left_open`: keep the connection open afterwards."""

    body: bytes
    left_open: bool = False
    media_type: str = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Upstream:
    """Another model server: the base URL for an OpenAI client, and its key."""

    url: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Forward:
    """Pass the request on, once `upstream` knows where to; if it answers None, or doesn't have the API, `otherwise`."""

    upstream: Callable[[], Awaitable[Upstream | None]]
    otherwise: "Behaviour"


Behaviour = Say | Fail | Hang | Raw | Forward


def answer(request: ChatRequest, delay: float, chunk: int = 1) -> Say:
    """A sentence; a long text if the user says "long" or "markdown"; list items if a form is to be filled in."""
    count = len(request.messages)
    opening = (
        "I am a stand-in for a model, with no understanding. "
        f"I was given {count} message{'s' if count > 1 else ''}; your last words were: {_tail(request.last_words)}"
    )
    if form := heading(request):  # such as the memory's
        return Say(f"{form}\n{notes(request) or f'- {opening}'}", delay=delay, chunk=chunk)
    if re.search(r"\b(long|markdown)\b", request.last_words, re.IGNORECASE):
        opening += "\n\n" + LONG_ANSWER.read_text(encoding="utf-8")
    return Say(opening, delay=delay, chunk=chunk)


def _tail(text: str) -> str:
    words = text.split()
    return ("... " if len(words) > QUOTED_WORDS else "") + " ".join(words[-QUOTED_WORDS:])
