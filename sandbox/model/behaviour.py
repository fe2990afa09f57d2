"""What the model server does with a request, whichever of its APIs that speaks: answer, fail, break off, keep silent.

A test queues behaviours (``ModelServer.script``), so that every trouble a real server makes can be had on demand, at
a known point of the answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sandbox.hold import Stop

Point = Literal["headers", "finish"] | int
"""Where an answer may be held: before its headers, after that many deltas, or before it ends."""


class Hold(Stop):
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
    hold: Hold | None = None
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
