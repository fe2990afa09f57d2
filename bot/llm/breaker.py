"""A circuit breaker: a server that is down gets no more requests until a probe succeeds, so that requests fail fast.

A single model of a server can be down on its own; the server's other models then stay available.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from bot.concurrency import start_apart
from bot.errors import ModelError, NoAnswerInTime, ServerTrouble
from bot.llm.interface import Message

FAILURES = 3
"""Consecutive failed requests that open the circuit; each has already been retried by the client."""
PROBE_EVERY_S = 10.0
BROKEN = 500
"""A server that crashed over one request answers 500; 502 to 504 mean that it is overloaded or down."""

LONG_SILENCE_S = 30.0
"""Silence, in seconds, that counts as a failure when the caller gives up. Answer bounds and the fallback's patience end
requests before the client's own timeout would, so a hanging server would otherwise never be noticed."""

log = logging.getLogger(__name__)


class CircuitBreaker:
    """The circuit breaker of one server or model; `answers` probes the server at no cost."""

    def __init__(self, name: str, answers: Callable[[], Awaitable[bool]]) -> None:
        self.name = name
        self._answers = answers
        self.up: bool | None = None
        """Whether the server answered the last request at all; None: it has not been asked anything yet."""
        self._failures = 0
        self._about: set[int] = set()
        """Hashes of the conversations that got a 500 since the last success."""
        self._probing: asyncio.Task[None] | None = None

    def check(self) -> None:
        """Raise ServerTrouble at once while the server is down."""
        if self._probing is not None:
            error = ServerTrouble(f"{self.name} is down, and asked every {PROBE_EVERY_S:.0f} s whether it is back")
            error.sent = False
            raise error

    def answered(self) -> None:
        """Record a success."""
        self.up = True
        self._failures = 0
        self._about.clear()

    def failed(self, error: ModelError, about: int = 0) -> None:
        """Record a failure. An error that the server itself reported, such as a wrong key, counts as a sign of life.

        `about` is the conversation's hash: a server that keeps crashing over one conversation is still up for others.
        """
        if not isinstance(error, ServerTrouble | NoAnswerInTime):
            self.answered()
            return
        if error.status == BROKEN:
            if about in self._about:
                return
            self._about.add(about)
        self.up = False
        self._failures += 1
        if self._failures >= FAILURES and self._probing is None:
            log.error("%s is down: %d requests in a row have failed", self.name, self._failures)
            self._probing = start_apart(self._probe(), f"probe of {self.name}")

    def given_up(self, silence: float) -> None:
        """Record that the caller cancelled after `silence` seconds without a single delta."""
        if silence >= LONG_SILENCE_S:
            self.failed(NoAnswerInTime(f"given up after {silence:.0f} s"))

    async def close(self) -> None:
        """Stop the probe."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait([self._probing])

    async def _probe(self) -> None:
        while True:
            await asyncio.sleep(PROBE_EVERY_S)
            try:
                if await self._answers():
                    break
            except Exception:  # an exception would end the probe and leave the circuit open forever
                log.exception("%s could not be asked whether it is back", self.name)
        log.warning("%s answers again", self.name)
        self.up = True
        self._failures = FAILURES - 1  # a single failure opens the circuit again
        self._probing = None


def conversation_hash(messages: Sequence[Message]) -> int:
    """A hash that identifies a conversation as long as its window starts with the same messages."""
    return hash(tuple(message.content for message in messages[:2]))
