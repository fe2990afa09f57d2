"""People who ask, wait for the answer, and ask again: how long they wait, and how often the model is asked."""

import asyncio
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

from sandbox.botapi import BotApi, Chat, User
from sandbox.model import ModelServer, Say
from sandbox.model.behaviour import Behaviour
from sandbox.model.request import ChatRequest
from tests.e2e.chaos.crowd import answer

QUESTION = re.compile(r"\bq\d{2}x\d+\b")
PAUSE_S = 1.0
"""Between an answer and the next question."""


def answer_both(request: ChatRequest) -> Behaviour:
    """The model for the crowd and for those who ask: they get an answer of a second."""
    if (asked := QUESTION.findall(request.last_words)) and "Write the notes" not in request.last_words:
        return Say(f"You asked {asked[-1]}. " + "One word after another. " * 5, delay=0.05)
    return answer(request)


@dataclass(slots=True)
class Waits:
    """How long answers took, in seconds, and the questions they belong to."""

    took: list[float] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def row(self) -> str:
        """The middle, the 95th percentile and the longest."""
        times = sorted(self.took)
        points = [times[min(len(times) - 1, int(len(times) * share))] for share in (0.5, 0.95, 1.0)]
        return f"{len(times):6} answers: p50 {points[0]:5.2f} s, p95 {points[1]:5.2f} s, longest {points[2]:5.2f} s"


class Askers:
    """So many people, each in a private chat."""

    def __init__(self, telegram: BotApi, count: int) -> None:
        people = [telegram.user(f"Asker {number}") for number in range(count)]
        self._telegram = telegram
        self._homes = [(person, telegram.private(person)) for person in people]
        self._number = 0

    async def ask(self, seconds: float, patience: float) -> Waits:
        """Ask for so many seconds. Raises TimeoutError if an answer doesn't come."""
        waits, until = Waits(), time.monotonic() + seconds
        async with asyncio.TaskGroup() as tasks:
            for at, (person, home) in enumerate(self._homes):
                tasks.create_task(self._asks(at, person, home, until, patience, waits))
        return waits

    async def _asks(self, at: int, person: User, home: Chat, until: float, patience: float, waits: Waits) -> None:
        await asyncio.sleep(PAUSE_S * at / len(self._homes))
        while time.monotonic() < until:
            self._number += 1
            question, began = f"q{at:02}x{self._number}", time.monotonic()
            waits.asked.append(question)
            await person.say(home, question)
            await self._telegram.changed(partial(_is_answered, home, question), patience)
            waits.took.append(time.monotonic() - began)
            await asyncio.sleep(PAUSE_S)

    def repeated(self, models: ModelServer) -> list[tuple[str, int]]:
        """Questions that the model was asked more than once, or that were answered more than once."""
        asked = Counter(found[-1] for request in models.requests if (found := QUESTION.findall(request.last_words)))
        answered = Counter(
            question for _, home in self._homes for one in home.replies for question in QUESTION.findall(one.text)
        )
        return [(question, count) for question, count in (asked | answered).items() if count > 1]


def _is_answered(home: Chat, question: str) -> bool:
    return any(question in one.text for one in home.replies[-3:])
