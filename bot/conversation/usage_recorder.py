"""Recording of usage, calibration of token counts, and detection of servers that truncate prompts.

The reported ``prompt_tokens`` is authoritative. Its ratio to the bot's count of the same prompt is kept per chat, since
it depends on the language, and per model, for chats without an answer yet.

A server that truncates prompts silently keeps reporting the same size while the prompts grow. Ollama does: beyond its
window, 4,096 tokens by default, it drops the oldest messages. Such reports must not calibrate anything.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import partial

from bot.metrics import count_usage
from bot.pricing import Amount
from storage import Transaction
from storage.records import Usage
from storage.running_requests import RunningRequest
from storage.usage import ByModel, UsageLog

RUNNING = 3
"""Consecutive requests without growth before a model is suspected."""
SHARE = 0.5
"""The share of the expected growth that must be reported."""
BEYOND_SHARE = 0.2
"""The share for the newest growth alone, if the report is a new maximum: the ratio depends on the language."""
STEADY = 1.02
"""Reports within this factor count as equal."""
LEAST_GROWTH, LEAST_GROWTH_SHARE = 256, 0.05
"""The least growth to draw a conclusion from, in counted tokens and relative to the reported size."""
MOST_COURSES = 2000
FURTHEST = 5.0
"""A ratio beyond this or its inverse means that the report is wrong rather than the count."""


@dataclass(slots=True)
class _Course:
    """One chat's prompts: the last one reported in full, and the first one after it that wasn't."""

    counted: int
    reported: int
    flat: int = 0
    first_counted: int = 0
    most: int = 0
    before: tuple[int, int] = (0, 0)

    def add(self, counted: int, reported: int) -> bool:
        """Add a prompt; returns whether it seems to have been read in full."""
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
        """Whether all prompts since then seem truncated."""
        added = self.before[0] - self.first_counted
        return self.flat >= RUNNING and added >= max(LEAST_GROWTH, LEAST_GROWTH_SHARE * self.most)


@dataclass(frozen=True, slots=True)
class PromptGrowthMonitor:
    """Watches the prompts of all chats. `suspected` maps models to the most tokens they seem to read."""

    suspected: dict[str, int] = field(default_factory=dict)
    cleared: set[str] = field(default_factory=set)
    """Models found to read everything: their servers report something else."""
    _courses: dict[tuple[int, str], _Course] = field(default_factory=dict)

    def saw(self, chat_id: int, model: str, counted: int, reported: int) -> bool:
        """Record the prompt of an answer; returns whether it seems to have been read in full."""
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
        """End the suspicion of a model; `clear`: it reads everything."""
        self.suspected.pop(model, None)
        if clear:
            self.cleared.add(model)
        for key in [key for key in self._courses if key[1] == model]:
            del self._courses[key]


def token_ratio(reported: int, counted: int) -> float | None:
    """The ratio of reported to counted tokens; None if they can't belong to the same prompt."""
    if reported <= 0 or counted <= 0:
        return None
    ratio = reported / counted
    return ratio if 1 / FURTHEST <= ratio <= FURTHEST else None


@dataclass(frozen=True, slots=True)
class CountedRequest:
    """A request with a full or partial answer, in counted (uncorrected) tokens."""

    model: str
    counted: int
    output: int
    """Tokens of the answer and its reasoning."""
    user_id: int | None = None
    """The user who asked; None if no one in particular."""


@dataclass(frozen=True, slots=True)
class RecordedUsage:
    """What was recorded of a request."""

    usage: Usage
    ratio: float | None = None
    """The model's tokens per counted token, if the request has shown that."""


class UsageRecorder:
    """Records usage; days are those of `zone`, `clock` gives Unix seconds."""

    def __init__(
        self,
        usage: UsageLog,
        zone: tzinfo,
        clock: Callable[[], float],
        growth: PromptGrowthMonitor | None = None,
        price: Callable[[ByModel], Amount | None] = lambda _: None,
    ) -> None:
        """`price`: what usage costs, if that is known; only for the metrics."""
        self._usage = usage
        self._zone = zone
        self._clock = clock
        self._growth = growth or PromptGrowthMonitor()
        self._price = price

    async def record(
        self, tx: Transaction, chat_id: int, asked: CountedRequest, reported: Usage | None, *, turns: int
    ) -> RecordedUsage:
        """Record a request; `turns` is 0 for a side request.

        If nothing was reported (by the server, or because the answer was stopped), the usage is estimated.
        """
        usage = await self._record(tx, chat_id, asked, reported, turns=turns)
        if reported is None:
            return RecordedUsage(usage)
        if turns:
            whole = self._growth.saw(chat_id, asked.model, asked.counted, reported.input)
        else:
            whole = not self._growth.doubts(chat_id, asked.model)
        ratio_now = token_ratio(reported.input, asked.counted)
        if ratio_now is None or not whole:  # a truncated prompt says nothing about the count
            return RecordedUsage(usage)
        await self._usage.learn_ratio(tx, asked.model, chat_id, ratio_now)
        return RecordedUsage(usage, ratio_now)

    async def add(self, tx: Transaction, chat_id: int, asked: CountedRequest, reported: Usage | None) -> Usage:
        """Record an additional request of an answer; it doesn't calibrate, since it contains tool results."""
        return await self._record(tx, chat_id, asked, reported, turns=0)

    async def record_lost(self, tx: Transaction, lost: RunningRequest) -> None:
        """Record a request that was in progress when the process died, as if its answer was as long as usual."""
        output = await self._usage.usual_output(tx, lost.chat_id, lost.model)
        asked = CountedRequest(lost.model, lost.counted, output, lost.user_id)
        await self._record(tx, lost.chat_id, asked, None, turns=0)

    async def _record(
        self, tx: Transaction, chat_id: int, asked: CountedRequest, reported: Usage | None, *, turns: int
    ) -> Usage:
        if reported is None:
            ratio = await self._usage.token_ratio(asked.model, chat_id, tx)
            usage = Usage(round(ratio * asked.counted), 0, asked.output, estimated=1)
        else:
            usage = reported
        today = datetime.fromtimestamp(self._clock(), self._zone).date()
        await self._usage.record(tx, chat_id, today, asked.model, usage, turns=turns)
        await self._usage.record_for_user(tx, asked.user_id, today, asked.model, usage)
        tx.after_commit.append(partial(count_usage, asked.model, usage, self._price({asked.model: usage})))
        return usage
