"""A replay of a conversation through the running bot, with its costs and the evidence in its prompts."""

import asyncio
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import psycopg

from benchmarks.dialogue import Dialogue
from benchmarks.misses import Answered
from benchmarks.notes import notes
from benchmarks.strategies import Prices, Result
from bot.conversation.recall import OPENING
from sandbox.bot_process import BotProcess
from sandbox.botapi import BotApi, Chat, User
from sandbox.model import ModelServer, Say
from sandbox.model.behaviour import Behaviour
from sandbox.model.prompt_cache import PromptCache, PromptCounter, Tokenize
from sandbox.model.request import ChatRequest

PATIENCE_S = 60.0
STUCK_S = 60.0
"""Without a new vector in this time, no more will come."""
UNEMBEDDED = 2
"""The newest turns have no vector yet: they are in the window."""
QUIET_S = 0.5
"""The bot counts as done after this time without a request."""


@dataclass
class Replay:
    """Both servers, the bot between them, and the records of its requests."""

    tokenize: Tokenize
    prices: Prices
    folder: Path
    variables: dict[str, str]
    words: str = ""
    answer: str = ""
    mains: list[tuple[ChatRequest, int, int]] = field(default_factory=list)
    sides: list[tuple[ChatRequest, int, int, int]] = field(default_factory=list)
    memory: str = ""
    said: list[str] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    """Per turn, including side requests."""
    asking: bool = False
    """The questions have begun: the model looks each of them up if it can."""
    replayed: int = 0
    """The number of conversation turns among the requests; the questions follow."""
    gone_on: int = 0
    """Requests that continued a turn after a tool call."""
    answered: list[Answered] = field(default_factory=list)
    """The questions in order."""
    counter: Callable[[Tokenize], PromptCounter] = PromptCache
    on_asking: Callable[[], None] = lambda: None
    on_turn: Callable[[int, int, int, float], None] = lambda *_: None

    async def run(self, dialogue: Dialogue) -> tuple[Result, Result, Result]:
        """The costs of the turns, of the questions, and of all side requests."""
        self.model = ModelServer(tokenize=self.tokenize, words_per_second=1e6, counter=self.counter)
        self.model.answer_with(self._answer)
        self.telegram = BotApi()
        ann = self.telegram.user(dialogue.user)
        home = self.telegram.private(ann)
        async with self.telegram.run() as telegram_url, self.model.run() as model_url:
            bot = BotProcess(
                [sys.executable, "-m", "benchmarks.paceless"],
                self._environment(telegram_url, model_url),
                self.folder / "bot.log",
            )
            await bot.start()
            try:
                turns = Result("Keepsake")
                for one in dialogue.rounds:
                    await self._say(ann, home, one.said, one.answer, int(one.at.timestamp()))
                    before = turns.cost
                    self._count(turns)
                    self.costs.append(turns.cost - before)
                await self._quiet()
                await self._embedded()
                self._count(turns)
                self.replayed, self.asking = len(self.mains), True
                self.on_asking()
                asked, beside = Result("questions"), Result("beside questions")
                for question in dialogue.questions:
                    await self._say(ann, home, question.text, question.answer, None)
                    self._count(asked, beside)
                    shown = "".join(message.text for message in self.newest.messages)
                    lines = sum(line in shown for line in question.evidence)
                    self.answered.append(Answered(question, lines, OPENING in shown))
                await self._quiet()
                self._count(asked, beside)
                turns.found = sum(not one.missed for one in self.answered)
                turns.asked = len(dialogue.questions)
            finally:
                await bot.stop()
        return turns, asked, beside

    def prefix_kept(self) -> tuple[int, int, int]:
        """(pairs of consecutive requests, those that share every byte up to the newest message, memory changes)."""
        kept = changed = 0
        pairs = list(pairwise([request for request, *_ in self.mains]))
        for (before, after), words in zip(pairs, self.said, strict=False):
            *shared, newest = before.messages
            same = after.messages[: len(shared)] == tuple(shared)
            grown = len(after.messages) > len(shared) and after.messages[len(shared)].text
            kept += bool(same and grown and newest.text.startswith(grown) and words in grown)
            changed += _memory_of(after) != _memory_of(before)
        return len(pairs), kept, changed

    def _environment(self, telegram: str, model: str) -> dict[str, str]:
        return {
            "TELEGRAM_BOT_TOKEN": self.telegram.token,
            "TELEGRAM_API_URL": telegram,
            "OPENAI_API_KEY": "any",
            "OPENAI_BASE_URL": model,
            "OPENAI_MODEL": "stand-in",
            "ACCESS": "open",
            "LOG_LEVEL": "INFO",
            "DATABASE_URL": f"sqlite:///{self.folder}/keepsake.db",
            "CACHED_PRICE": str(self.prices.cached),
            "OUTPUT_PRICE": str(self.prices.output),
            **self.variables,
            "PYTHONPATH": os.pathsep.join(filter(None, (str(Path.cwd()), os.environ.get("PYTHONPATH")))),
        }

    def _answer(self, request: ChatRequest) -> Behaviour:
        asked = next(message.text for message in reversed(request.messages) if message.role == "user")
        if self.words and self.words in asked:
            if self.asking and request.may_call and not request.messages[-1].tool_call_id:
                return Say("", calls=(("recall", json.dumps({"query": self.words})),))
            return Say(self.answer, chunk=1000)
        self.memory = notes(
            [line for message in request.messages[1:] for line in message.text.splitlines()],
            lambda text: len(self.tokenize(text)),
        )
        return Say(self.memory, chunk=1000)

    async def _say(self, user: User, home: Chat, words: str, answer: str, at: int | None) -> None:
        self.words, self.answer = words, answer
        self.said.append(words)
        count = len(home.replies)
        moment: dict[str, object] = {"date": at} if at else {}
        await user.say(home, words, None, None, None, **moment)
        await home.wait(count + 1, PATIENCE_S)

    async def _embedded(self) -> None:
        """Wait for the vectors, since people write more slowly than a replay."""
        seen, since = -1, time.monotonic()
        while time.monotonic() - since < STUCK_S:
            made, last = await asyncio.to_thread(self._progress)
            if made < 0 or last - made <= UNEMBEDDED:
                return
            if made != seen:
                seen, since = made, time.monotonic()
            await asyncio.sleep(QUIET_S)

    def _progress(self) -> tuple[int, int]:
        """The last turn with a vector (-1: none) and the last turn."""
        reads = "SELECT (SELECT coalesce(max(through_turn), -1) FROM vector_progress), (SELECT max(id) FROM turns)"
        if url := self.variables.get("DATABASE_URL"):
            with psycopg.connect(url) as server:
                [(made, last)] = server.execute(reads).fetchall()
        else:
            with closing(sqlite3.connect(f"file:{self.folder}/keepsake.db?mode=ro", uri=True)) as database:
                [(made, last)] = database.execute(reads).fetchall()
        return int(made), int(last)

    async def _quiet(self) -> None:
        seen = -1
        while seen != len(self.model.counts):
            seen = len(self.model.counts)
            await asyncio.sleep(QUIET_S)

    def _count(self, mains: Result, sides: Result | None = None) -> None:
        """Record the requests made since the last call."""
        booked = len(self.mains) + len(self.sides) + self.gone_on
        requests = list(zip(self.model.requests, self.model.counts, strict=False))
        for request, count in requests[booked:]:
            if request.messages[-1].tool_call_id:
                self.gone_on, self.newest = self.gone_on + 1, request
                mains.add(count.total, count.cached, self.prices, turn=False)
            elif any(words in request.last_words for words in self.said[-2:]):
                self.newest = request
                self.mains.append((request, count.total, count.cached))
                cost = mains.add(count.total, count.cached, self.prices)
                self.on_turn(len(self.mains), count.total, count.cached, cost)
            else:
                output = len(self.tokenize(self.memory))
                self.sides.append((request, count.total, count.cached, output))
                (sides or mains).add(count.total, count.cached, self.prices, output=output, turn=False)


def _memory_of(request: ChatRequest) -> str:
    """The memory in a request, which precedes the first turn."""
    return request.messages[1].text.partition("</memory>")[0] if "<memory>" in request.messages[1].text else ""
