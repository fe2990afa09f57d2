"""What the model server does with a chat request: speak, fail, break off, or keep silent.

A test queues behaviours (``ModelServer.script``), so that every trouble a real server makes can be had on demand, at
a known point of the answer.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Point = Literal["headers", "finish"] | int
"""Where an answer may be held: before its headers, after that many deltas, or before it ends."""


class Hold:
    """An answer stops at `point` until it is released; an unstreamed one has the point "headers" only."""

    def __init__(self, point: Point) -> None:
        self.point = point
        self._reached = asyncio.Event()
        self._released = asyncio.Event()

    async def reached(self, timeout: float = 5.0) -> None:
        """Wait until the answer stands at the point."""
        async with asyncio.timeout(timeout):
            await self._reached.wait()

    def release(self) -> None:
        """Let the answer go on; may be called before it got here."""
        self._released.set()

    async def stand(self, point: Point) -> None:
        """Called by the server at each point."""
        if point == self.point:
            self._reached.set()
            await self._released.wait()


@dataclass(frozen=True, slots=True)
class Say:
    """Answer with `text`, `chunk` words per delta and `delay` seconds between two deltas.

    `usage` True means as the client asked, "every chunk" what some servers do: the running count, unasked.
    """

    text: str
    reasoning: str = ""
    chunk: int = 1
    delay: float = 0.0
    finish_reason: str = "stop"
    usage: bool | Literal["every chunk"] = True
    hold: Hold | None = None


@dataclass(frozen=True, slots=True)
class NoFinish(Say):
    """The stream ends cleanly, but without a finish reason, usage, and ``[DONE]``."""


@dataclass(frozen=True, slots=True)
class Cut(Say):
    """The connection is dropped after that many characters of the text (None: after all of it)."""

    after: int | None = None


@dataclass(frozen=True, slots=True)
class Fail:
    """Refuse with this status, in OpenAI's error JSON or with a `body` of its own."""

    status: int
    message: str = "scripted failure"
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Hang:
    """Take the request and never answer; the client has to give up."""


Behaviour = Say | Fail | Hang
