"""Whether what a server reports grows with what it is sent: one that cuts prompts in silence reports ever the same.

Ollama does: beyond its window, of 4,096 tokens where nothing else is set, it takes off the oldest messages, and tells
nobody. What it reports then says nothing about our count either.

How far our own count of tokens is off, learned from what the server reports.

The reported ``prompt_tokens`` is the truth. Its ratio to our count of the same prompt is kept for each chat, since
languages differ in it, and for each model, which serves a chat that has no answer yet.

What the model's server reported, written down: for the bill, and for the count of tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from storage import Storage, Transaction
from storage.records import Usage

RUNNING = 3
"""So many requests, one after the other, have to be reported as no longer than those before them."""
SHARE = 0.5
"""Of the growth that is expected, what has to be reported."""
BEYOND_SHARE = 0.2
"""... and of the newest growth alone, where more was reported than ever before: languages differ in our count."""
STEADY = 1.02
"""Reports that differ by no more than this are the same."""
LEAST_GROWTH, LEAST_GROWTH_SHARE = 256, 0.05
"""What must have been added meanwhile, in our tokens and of the reported size."""
MOST_COURSES = 2000
FURTHEST = 5.0
"""A ratio beyond this, or below its inverse, says that a report is wrong, and not that a count is."""


@dataclass(slots=True)
class _Course:
    """One chat's prompts: the last that was reported in full, and the first since then that was not."""

    counted: int
    reported: int
    flat: int = 0
    first_counted: int = 0
    most: int = 0
    before: tuple[int, int] = (0, 0)

    def add(self, counted: int, reported: int) -> bool:
        """Whether a prompt was reported in full, as far as can be told."""
        expected = self.reported / max(self.counted, 1)
        last_counted, last_reported = self.before if self.flat else (self.counted, self.reported)
        whole = reported - self.reported >= SHARE * expected * (counted - self.counted)
        grows = reported > STEADY * self.most and reported - last_reported >= BEYOND_SHARE * expected * (
            counted - last_counted
        )
        if counted < self.counted or whole or (self.flat and grows):
            self.counted, self.reported, self.flat, self.most = counted, reported, 0, reported
            return True
        if not self.flat:
            self.first_counted = counted
            self.most = max(self.reported, reported)
        self.flat += 1
        self.before = counted, reported
        return False

    @property
    def is_cut(self) -> bool:
        """Whether it looks as if all since then were cut."""
        added = self.before[0] - self.first_counted
        return self.flat >= RUNNING and added >= max(LEAST_GROWTH, LEAST_GROWTH_SHARE * self.most)


@dataclass(frozen=True, slots=True)
class PromptGrowthMonitor:
    """Watches the prompts of all chats. `suspected`: models, and the most that they seem to read."""

    suspected: dict[str, int] = field(default_factory=dict)
    cleared: set[str] = field(default_factory=set)
    """Models that were found to read all: what their servers report is something else."""
    _courses: dict[tuple[int, str], _Course] = field(default_factory=dict)

    def saw(self, chat_id: int, model: str, counted: int, reported: int) -> bool:
        """Note the prompt of an answer; whether it was read in full, as far as can be told."""
        course = self._courses.pop((chat_id, model), None)
        if course is None:
            course = _Course(counted, reported, most=reported)
            while len(self._courses) >= MOST_COURSES:
                del self._courses[next(iter(self._courses))]
        self._courses[chat_id, model] = course
        whole = course.add(counted, reported)
        if course.is_cut and model not in self.cleared:
            self.suspected[model] = max(course.most, self.suspected.get(model, 0))
        return whole

    def doubts(self, chat_id: int, model: str) -> bool:
        """Whether the last prompts of a chat were not reported in full."""
        course = self._courses.get((chat_id, model))
        return course is not None and course.flat > 0

    def conclude(self, model: str, *, clear: bool) -> None:
        """It is known what the model reads; `clear`: all."""
        self.suspected.pop(model, None)
        if clear:
            self.cleared.add(model)
        for key in [key for key in self._courses if key[1] == model]:
            del self._courses[key]


def learned(reported: int, counted: int) -> float | None:
    """The ratio of a reported prompt to our count of it; None when the two can't be about the same prompt."""
    if reported <= 0 or counted <= 0:
        return None
    ratio = reported / counted
    return ratio if 1 / FURTHEST <= ratio <= FURTHEST else None


@dataclass(frozen=True, slots=True)
class CountedRequest:
    """A request that was answered, wholly or in part, by our own count (uncorrected) of its tokens."""

    model: str
    counted: int
    said: int
    """Tokens of what the model said and thought."""
    user_id: int | None = None
    """Who asked for it; None: nobody in particular."""


@dataclass(frozen=True, slots=True)
class UsageRecorder:
    """Books requests; days are those of `zone`, `clock` gives Unix seconds."""

    storage: Storage
    zone: tzinfo
    clock: Callable[[], float]
    growth: PromptGrowthMonitor = field(default_factory=PromptGrowthMonitor)

    async def book(
        self, tx: Transaction, chat_id: int, asked: CountedRequest, reported: Usage | None, *, turns: int
    ) -> Usage:
        """Add a request; `turns` is 0 for one beside the conversation. Returns what it took.

        Where nothing was reported (a server that does not, or an answer that was stopped), that is an estimate.
        """
        usage = await self._record(tx, chat_id, asked, reported, turns=turns)
        if reported is None:
            return usage
        if turns:
            whole = self.growth.saw(chat_id, asked.model, asked.counted, reported.input)
        else:
            whole = not self.growth.doubts(chat_id, asked.model)
        ratio_now = learned(reported.input, asked.counted)
        if ratio_now is not None and whole:  # of a prompt that was cut nothing is learned about our count
            await self.storage.token_ratios.learn(tx, asked.model, chat_id, ratio_now)
        return usage

    async def add(self, tx: Transaction, chat_id: int, asked: CountedRequest, reported: Usage | None) -> Usage:
        """Add a further request of an answer; with results of tools in it, it teaches nothing about our count."""
        return await self._record(tx, chat_id, asked, reported, turns=0)

    async def _record(
        self, tx: Transaction, chat_id: int, asked: CountedRequest, reported: Usage | None, *, turns: int
    ) -> Usage:
        if reported is None:
            ratio = await self.storage.token_ratios.of(asked.model, chat_id)
            usage = Usage(round(ratio * asked.counted), 0, asked.said, estimated=1)
        else:
            usage = reported
        today = datetime.fromtimestamp(self.clock(), self.zone).date()
        await self.storage.usage.record(tx, chat_id, today, asked.model, usage, turns=turns)
        await self.storage.spending.record(tx, asked.user_id, today, asked.model, usage)
        return usage
