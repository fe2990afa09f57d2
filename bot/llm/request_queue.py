"""A queue that limits the concurrent requests to a server and decides whose turn it is.

The limit is set by the operator or learned: a refusal that means "too many at once" lowers it to the number of other
requests in progress, and each answer raises it a little. A refusal for a time closes the queue until then; a single
request then tests the server. A refused request keeps its place.

What an answer in progress needs comes first, then answers to people, then background work. Within a rank, chats take
turns: each gets one request before any gets another (start-time fair queueing, by `tag`).

A context variable tells which chat is waiting for the current request; background work has none.
"""

import asyncio
import heapq
import logging
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum
from itertools import count
from typing import Self, TypeVar

from bot.concurrency import backoff
from bot.errors import ModelError, RateLimited
from bot.llm.interface import Message
from bot.llm.retrying import FIRST_S, JITTER, LONGEST_S, is_crowded, requested_wait, retry_delay
from bot.metrics import RATE_LIMITED

MOST_WAIT_S = 60.0
"""A server that asks for a longer wait has refused."""
FORGIVEN_AFTER_S = 30.0
"""After this long without a refusal, the count of failed attempts starts again."""
_AT_ONCE = re.compile(r"concurren|simultaneous|parallel|in[ -]flight|at once|at the same time|并发|同时")
_IN_A_TIME = re.compile(
    r"\b(?:tokens?|requests?) ?(?:per|/|a) ?|\bper[ _-](?:second|minute|min|hour|day)|\b[tri]{1,2}p[smhd]\b|quota|daily"
    r"|(?:token|input|output)s?[ _-]*(?:rate|limit)|每分钟|每天"
)
_waiting: ContextVar[int | None] = ContextVar("chat that waits", default=None)
T = TypeVar("T")

log = logging.getLogger(__name__)


class Rank(IntEnum):
    """The order of requests; lower values go first."""

    GOES_ON = 0
    """An answer in progress needs it."""
    ANSWER = 1
    """A person is waiting for it."""
    BACKGROUND = 2


class QueueTicket:
    """The place of one request, first in the queue and then at the server. It must be left on every path."""

    def __init__(self, gate: "RequestQueue", rank: Rank, chat: int | None, tag: int, number: int, until: float) -> None:
        self.rank, self.chat, self.tag, self.number = rank, chat, tag, number
        self._gate, self._until = gate, until
        self._granted = asyncio.Event()
        self._tries = 0

    def __lt__(self, other: "QueueTicket") -> bool:
        return (self.rank, self.tag, self.number) < (other.rank, other.tag, other.number)

    @property
    def is_on(self) -> bool:
        """Whether the request may be sent."""
        return self._granted.is_set()

    def begin(self) -> None:
        """Let the request be sent."""
        self._granted.set()

    async def wait(self) -> None:
        """Wait until the request may be sent. Raises RateLimited after the queue's patience."""
        try:
            async with asyncio.timeout_at(self._until):
                await self._granted.wait()
        except TimeoutError as exc:
            error = RateLimited(f"{self._gate.name} was busy for {self._gate.patience:.0f} s")
            error.sent = False
            raise error from exc

    def answered(self) -> None:
        """Report that the server has begun to answer."""
        self._gate.answered(self)

    async def again(self, error: ModelError, tries: int) -> bool:
        """Whether to send the request again after this failure; waits for the retry. At most `tries` retries."""
        if isinstance(error, RateLimited):
            RATE_LIMITED.labels("model").inc()
        if is_crowded(error) and tries:
            return self._refused(error, tries)
        wait = retry_delay(self._tries, tries, error)
        if wait is None:
            return False
        self._tries += 1
        await asyncio.sleep(wait)
        return True

    def _refused(self, error: ModelError, tries: int) -> bool:
        again = self._gate.refused(self, error, tries)
        if again:
            self._granted = asyncio.Event()
        self._gate.go_on()
        return again

    def leave(self) -> None:
        """Give up the place, whatever the result was."""
        self._gate.leave(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()


class RequestQueue:
    """The queue of one server, shared by all APIs to it."""

    def __init__(self, name: str, most: int | None = None, patience: float = 180.0) -> None:
        """`most`: concurrent requests (None: no limit known); `patience`: seconds a request waits for its turn."""
        self.name = name
        self.patience = patience
        self._most = float("inf") if most is None else float(most)
        self._limit = self._most
        self._waiting: list[QueueTicket] = []
        self._sent: set[QueueTicket] = set()
        self._of_chat: Counter[int] = Counter()
        """Tickets of each chat, waiting or sent."""
        self._now = 0
        self._numbers = count()
        self._opens_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._careful = False
        """Whether the next request is to test the server alone."""
        self._trying: QueueTicket | None = None
        self._fruitless, self._refused_at = 0, float("-inf")

    @property
    def limit(self) -> float:
        """The current limit of concurrent requests."""
        return self._limit

    def turn(self, rank: Rank, chat: int | None = None) -> QueueTicket:
        """Queue a request, on behalf of a chat if it has one."""
        loop = asyncio.get_running_loop()
        # A chat's n-th pending request gets virtual time now + n, so that a busy chat can't overtake others.
        tag = self._now + (self._of_chat[chat] if chat is not None else 0)
        turn = QueueTicket(self, rank, chat, tag, next(self._numbers), loop.time() + self.patience)
        if chat is not None:
            self._of_chat[chat] += 1
        heapq.heappush(self._waiting, turn)
        self.go_on()
        return turn

    def go_on(self) -> None:
        """Let requests begin while there is room."""
        now = asyncio.get_running_loop().time()
        while self._waiting and len(self._sent) < max(1, int(min(self._limit, 1e9))) and self._trying is None:
            if now < self._opens_at:
                self._wake_at(self._opens_at)
                return
            turn = heapq.heappop(self._waiting)
            self._now = max(self._now, turn.tag)
            self._sent.add(turn)
            if self._careful:
                self._careful, self._trying = False, turn
            turn.begin()

    def answered(self, turn: QueueTicket) -> None:
        """Raise the limit if all of it was in use."""
        self._fruitless = 0
        if self._trying is turn:
            self._trying = None
        if len(self._sent) >= int(min(self._limit, 1e9)):  # the limit was reached and the server coped
            self._limit = min(self._limit + 1 / max(self._limit, 1.0), self._most)
        self.go_on()

    def refused(self, turn: QueueTicket, error: ModelError, tries: int) -> bool:
        """Record a refusal; returns whether the request was queued again."""
        now = asyncio.get_running_loop().time()
        self._sent.discard(turn)
        others = len(self._sent)
        if now - self._refused_at > FORGIVEN_AFTER_S:
            self._fruitless = 0
        self._refused_at = now
        if turn is self._trying or not others:
            self._fruitless += 1
        if turn is self._trying:
            self._trying = None
            self._careful = True
        wait, words = requested_wait(error), str(error).lower()
        # Only refusals while nothing else is in progress count as fruitless: with others at the server, their end makes
        # room.
        if self._fruitless > tries or (wait or 0) > MOST_WAIT_S:
            self._careful = False
            return False
        in_a_time = _IN_A_TIME.search(words) is not None and not _AT_ONCE.search(words)
        # A refusal per time says nothing about how many fit at once.
        if not in_a_time and others < self._limit:
            self._limit = float(max(1, others))
            log.info("%s accepts %d concurrent requests: %s", self.name, self._limit, error)
        if wait or in_a_time or not others:
            closed = wait or backoff(max(1, self._fruitless), FIRST_S, LONGEST_S)
            closed *= 1 + JITTER * random.random()  # noqa: S311 - no secret
            self._opens_at = max(self._opens_at, now + closed)
            self._careful = True
        heapq.heappush(self._waiting, turn)
        return True

    def leave(self, turn: QueueTicket) -> None:
        if turn in self._sent:
            self._sent.discard(turn)
        elif turn in self._waiting:
            self._waiting.remove(turn)
            heapq.heapify(self._waiting)
        if turn.chat is not None and self._of_chat[turn.chat] > 0:
            self._of_chat[turn.chat] -= 1
            if not self._of_chat[turn.chat]:
                del self._of_chat[turn.chat]
        turn.chat = None
        if self._trying is turn:
            self._trying, self._careful = None, True
        self.go_on()

    def close(self) -> None:
        """Cancel the timer."""
        if self._timer is not None:
            self._timer.cancel()

    def _wake_at(self, when: float) -> None:
        if self._timer is None or self._timer.cancelled() or self._timer.when() < when:
            self.close()
            self._timer = asyncio.get_running_loop().call_at(when, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self.go_on()


@contextmanager
def asked_by(chat: int) -> Iterator[None]:
    """Everything requested inside this context is on behalf of someone waiting in the chat."""
    token = _waiting.set(chat)
    try:
        yield
    finally:
        _waiting.reset(token)


def rank(messages: Sequence[Message]) -> Rank:
    """The rank of a request."""
    if messages and messages[-1].answers:
        return Rank.GOES_ON
    return Rank.BACKGROUND if waiting_chat() is None else Rank.ANSWER


def waiting_chat() -> int | None:
    """The chat of the enclosing `asked_by`, or None."""
    return _waiting.get()


async def in_turn(once: Callable[[], Awaitable[T]], gate: RequestQueue, rank: Rank, chat: int | None, tries: int) -> T:
    """Await `once` when its turn comes, with at most `tries` retries. Raises the last ModelError."""
    with gate.turn(rank, chat) as turn:
        while True:
            await turn.wait()
            try:
                result = await once()
            except ModelError as exc:
                if not await turn.again(exc, tries):
                    raise
            else:
                turn.answered()
                return result
