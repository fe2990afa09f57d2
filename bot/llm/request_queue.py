"""How many requests a server is sent at once, and whose turn it is.

The limit is the operator's, or learned: a refusal that means "too many at once" brings it down to what the server is
busy with, and each answer brings it up a little again. A refusal for a time closes the gate for all until then; one
of them then tells whether it was long enough. Who was refused keeps its place.

What an answer in progress needs goes first, then people's answers, then what nobody waits for; among equals each chat
has its turn before any has another one.

For which chat the model is being asked, where somebody waits for it; what nobody waits for has none.

A request whose answer comes in one piece, sent when its turn has come, and again where that may go better.
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
from bot.llm.retrying import FIRST_S, JITTER, LONGEST_S, asked_wait, is_crowded, pause

MOST_WAIT_S = 60.0
"""A server that asks to come back later than that has refused."""
FORGIVEN_AFTER_S = 30.0
"""After so long without a refusal, the next one is the first one again."""
_AT_ONCE = re.compile(r"concurren|simultaneous|parallel|in[ -]flight|at once|at the same time|并发|同时")
_IN_A_TIME = re.compile(
    r"\b(?:tokens?|requests?) ?(?:per|/|a) ?|\bper[ _-](?:second|minute|min|hour|day)|\b[tri]{1,2}p[smhd]\b|quota|daily"
    r"|(?:token|input|output)s?[ _-]*(?:rate|limit)|每分钟|每天"
)
_waiting: ContextVar[int | None] = ContextVar("chat that waits", default=None)
T = TypeVar("T")

log = logging.getLogger(__name__)


class Rank(IntEnum):
    """Whose request goes first."""

    GOES_ON = 0
    """An answer that has begun needs it."""
    ANSWER = 1
    """Somebody waits for it."""
    BACKGROUND = 2


class QueueTicket:
    """The place of one request, in the queue and then at the server. It is to be left on every path."""

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
        """It may be sent."""
        self._granted.set()

    async def wait(self) -> None:
        """Wait until it may be sent. Raises RateLimited when that takes too long."""
        try:
            async with asyncio.timeout_at(self._until):
                await self._granted.wait()
        except TimeoutError as exc:
            error = RateLimited(f"{self._gate.name} was busy for {self._gate.patience:.0f} s")
            error.sent = False
            raise error from exc

    def answered(self) -> None:
        """The server has begun to answer."""
        self._gate.answered(self)

    async def again(self, error: ModelError, tries: int) -> bool:
        """Whether it is to be sent again after this failure, when it has its turn; `tries` of them may be in vain."""
        if is_crowded(error) and tries:
            return self._refused(error, tries)
        wait = pause(self._tries, tries, error)
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
        """It is over, whatever came of it."""
        self._gate.leave(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()


class RequestQueue:
    """One server's, for all interfaces to it."""

    def __init__(self, name: str, most: int | None = None, patience: float = 180.0) -> None:
        """`most`: requests at once (None: as many as it takes); `patience`: seconds that one waits for its turn."""
        self.name = name
        self.patience = patience
        self._most = float("inf") if most is None else float(most)
        self._limit = self._most
        self._waiting: list[QueueTicket] = []
        self._sent: set[QueueTicket] = set()
        self._of_chat: Counter[int] = Counter()
        """Turns that wait or are being answered."""
        self._now = 0
        self._numbers = count()
        self._opens_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._careful = False
        """Whether one request is to tell first that the server takes any."""
        self._trying: QueueTicket | None = None
        self._fruitless, self._refused_at = 0, float("-inf")

    @property
    def limit(self) -> float:
        """Requests at once, as far as is known."""
        return self._limit

    def turn(self, rank: Rank, chat: int | None = None) -> QueueTicket:
        """Queue a request, for a chat where it is one's."""
        loop = asyncio.get_running_loop()
        tag = self._now + (self._of_chat[chat] if chat is not None else 0)
        turn = QueueTicket(self, rank, chat, tag, next(self._numbers), loop.time() + self.patience)
        if chat is not None:
            self._of_chat[chat] += 1
        heapq.heappush(self._waiting, turn)
        self.go_on()
        return turn

    def go_on(self) -> None:
        """Let those begin who may."""
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
        """See Turn.answered."""
        self._fruitless = 0
        if self._trying is turn:
            self._trying = None
        if len(self._sent) >= int(min(self._limit, 1e9)):  # all of it is in use, and the server takes it
            self._limit = min(self._limit + 1 / max(self._limit, 1.0), self._most)
        self.go_on()

    def refused(self, turn: QueueTicket, error: ModelError, tries: int) -> bool:
        """Whether a request is queued again after this refusal."""
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
        wait, words = asked_wait(error), str(error).lower()
        if self._fruitless > tries or (wait or 0) > MOST_WAIT_S:
            self._careful = False
            return False
        in_a_time = _IN_A_TIME.search(words) is not None and not _AT_ONCE.search(words)
        if not in_a_time and others < self._limit:
            self._limit = float(max(1, others))
            log.info("%s takes %d requests at once: %s", self.name, self._limit, error)
        if wait or in_a_time or not others:
            closed = wait or backoff(max(1, self._fruitless), FIRST_S, LONGEST_S)
            closed *= 1 + JITTER * random.random()  # noqa: S311 - no secret
            self._opens_at = max(self._opens_at, now + closed)
            self._careful = True
        heapq.heappush(self._waiting, turn)
        return True

    def leave(self, turn: QueueTicket) -> None:
        """See Turn.leave."""
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
        """Wake nobody any more."""
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
    """Somebody in this chat waits for what is asked meanwhile."""
    token = _waiting.set(chat)
    try:
        yield
    finally:
        _waiting.reset(token)


def rank(messages: Sequence[Message]) -> Rank:
    """When it is a request's turn."""
    if messages and messages[-1].answers:
        return Rank.GOES_ON
    return Rank.BACKGROUND if waiting_chat() is None else Rank.ANSWER


def waiting_chat() -> int | None:
    """The chat, or None."""
    return _waiting.get()


async def in_turn(once: Callable[[], Awaitable[T]], gate: RequestQueue, rank: Rank, chat: int | None, tries: int) -> T:
    """What `once` returns; `tries` are made after the first one. Raises the last ModelError."""
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
