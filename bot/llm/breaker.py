"""A server that is down is asked no more until it is up again, so that nobody waits for what can't come.

So is one model of a server that fails with it alone; the others of that server are asked all the same.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from bot.errors import ModelError, NoAnswerInTime, ServerTrouble
from bot.llm.interface import Message

FAILURES = 3
"""Requests in a row that have to fail, each after the client's own retries."""
PROBE_EVERY_S = 10.0
BROKEN = 500
"""The status of a server that broke over a request; by 502 to 504 it says that it is busy or down."""

LONG_SILENCE_S = 30.0
"""Who ends a request after this much silence has found that the server hangs, whatever else was the reason: the bounds
of an answer, and of the patience that leaves time for a fallback, end before those of the client."""

log = logging.getLogger(__name__)


class CircuitBreaker:
    """One server's, or one model's; `answers` asks the server something that costs nothing."""

    def __init__(self, name: str, answers: Callable[[], Awaitable[bool]]) -> None:
        self.name = name
        self._answers = answers
        self._failures = 0
        self._about: set[int] = set()
        """What it failed over since it last answered."""
        self._probing: asyncio.Task[None] | None = None

    def check(self) -> None:
        """Raise ServerTrouble at once while the server is down."""
        if self._probing is not None:
            error = ServerTrouble(f"{self.name} is down, and asked every {PROBE_EVERY_S:.0f} s whether it is back")
            error.sent = False
            raise error

    def answered(self) -> None:
        """It is up."""
        self._failures = 0
        self._about.clear()

    def failed(self, error: ModelError, about: int = 0) -> None:
        """A request failed; what the server said itself, such as that a key is wrong, shows that it is up.

        `about`: the conversation it was for. A server that breaks over one of them again and again is up for others.
        """
        if not isinstance(error, ServerTrouble | NoAnswerInTime):
            self.answered()
            return
        if error.status == BROKEN:
            if about in self._about:
                return
            self._about.add(about)
        self._failures += 1
        if self._failures >= FAILURES and self._probing is None:
            log.error("%s is down: %d requests in a row have failed", self.name, self._failures)
            self._probing = asyncio.create_task(self._probe(), name=f"probe of {self.name}")

    def given_up(self, silence: float) -> None:
        """Whoever had asked waited so long, in seconds, and for no word."""
        if silence >= LONG_SILENCE_S:
            self.failed(NoAnswerInTime(f"given up after {silence:.0f} s"))

    async def close(self) -> None:
        """End the probe."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait([self._probing])

    async def _probe(self) -> None:
        while True:
            await asyncio.sleep(PROBE_EVERY_S)
            try:
                if await self._answers():
                    break
            except Exception:  # a probe that ended here would leave the server down for ever
                log.exception("%s could not be asked whether it is back", self.name)
        log.warning("%s answers again", self.name)
        self._failures = FAILURES - 1  # the next failure tells that it was not so
        self._probing = None


def conversation(messages: Sequence[Message]) -> int:
    """What tells one conversation from others, as long as its window begins with the same words."""
    return hash(tuple(message.content for message in messages[:2]))
