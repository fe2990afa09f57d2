"""Measurement of a model's real window, by a prompt of known length.

A model that seems to read only the end of long prompts is sent one of twice that length. The result is used for a day
or until the process ends, since the server may be configured differently by then.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

from bot.concurrency import start_apart
from bot.conversation.model_selector import ModelSelector
from bot.conversation.tokens import TokenCounter
from bot.conversation.usage_recorder import CountedRequest, PromptGrowthMonitor, UsageRecorder
from bot.errors import ContextTooLong, ModelError, NoAnswerInTime
from bot.llm.interface import ChatModel, Message, Options
from bot.llm.stream_events import Received, SwitchedModel, Usage
from storage.database import Database
from storage.usage import UsageLog

LINE = "{number}: the ferry leaves the harbour at nine, and comes back before the evening when the weather is good. "
LINES = 8
"""Lines per message, so that a server that drops whole messages has many to choose from."""
QUESTION = "Answer with the one word yes."
PLAIN = Options(thinking=False)
PROBE_SHARE = 2.0
"""The length of the probe relative to what the model seems to read."""
SAME = 1.1
"""The most that is then reported for the probe, relative to the same."""
MOST_TOKENS = 65_536
"""A longer probe costs more than it is worth."""
MOST_TRIES = 3

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The result of a probe; `counted`: its counted tokens."""

    counted: int
    said: str = ""
    usage: Usage | None = None
    error: ModelError | None = None

    @property
    def refused(self) -> bool:
        """The server refused it as too long."""
        return isinstance(self.error, ContextTooLong)


async def probe(model: ChatModel, tokens: int, count_tokens: Callable[[str], int], bound: float) -> ProbeResult:
    """Send about `tokens` tokens of filler and a question; `bound` is the time limit in seconds."""
    messages, counted = _prompt(tokens, count_tokens)
    received = Received()
    try:
        async with asyncio.timeout(bound), aclosing(model.stream(messages, PLAIN)) as events:
            async for event in events:
                if isinstance(event, SwitchedModel):
                    return ProbeResult(counted, error=event.failure)
                received.add(event)
    except ModelError as exc:
        return ProbeResult(counted, received.text, received.usage, exc)
    except TimeoutError:
        failure = NoAnswerInTime(f"no answer within {bound:.0f} s")
        return ProbeResult(counted, received.text, received.usage, failure)
    return ProbeResult(counted, received.text, received.usage)


def _prompt(tokens: int, count_tokens: Callable[[str], int]) -> tuple[list[Message], int]:
    messages: list[Message] = []
    counted = number = 0
    while counted < tokens or len(messages) % 2:
        text = "".join(LINE.format(number=number + at) for at in range(LINES)).strip()
        number += LINES
        messages.append(Message("assistant" if len(messages) % 2 else "user", text))
        counted += count_tokens(text)
    messages.append(Message("user", QUESTION))
    return messages, counted + count_tokens(QUESTION)


class WindowProbe:
    """Sends probes in the background. `bound`: the time limit in seconds."""

    def __init__(
        self,
        database: Database,
        usage: UsageLog,
        selector: ModelSelector,
        usage_recorder: UsageRecorder,
        growth: PromptGrowthMonitor,
        count_tokens: TokenCounter,
        bound: float,
    ) -> None:
        self._database = database
        self._usage = usage
        self._selector = selector
        self._usage_recorder = usage_recorder
        self._growth = growth
        self._count_tokens = count_tokens
        self._bound = bound
        self._tries: dict[str, int] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    def measure_suspected(self, chat_id: int) -> None:
        """Measure suspected models; the usage is recorded for this chat."""
        for name, tokens in tuple(self._growth.suspected.items()):
            if name in self._running:
                continue
            if name not in self._selector.names or PROBE_SHARE * tokens > MOST_TOKENS:
                log.warning("%s seems to read no more than %d tokens of a prompt", name, tokens)
                self._growth.conclude(name, clear=True)
                continue
            task = start_apart(self._measure(chat_id, name, tokens), f"probe of {name}'s window")
            self._running[name] = task
            task.add_done_callback(lambda done, name=name: self._ended(name, done))  # type: ignore[misc]

    async def close(self) -> None:
        """Cancel the probes in progress."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        del self._running[name]
        if not task.cancelled() and (exc := task.exception()) is not None:
            log.error("The window of %s could not be measured", name, exc_info=exc)
            self._growth.conclude(name, clear=True)

    async def _measure(self, chat_id: int, name: str, tokens: int) -> None:
        model = self._selector.named(name)
        found = await probe(model, int(PROBE_SHARE * tokens), self._count_tokens, self._bound)
        await self._record_usage(chat_id, name, found)
        if found.usage is not None and found.usage.input > SAME * tokens:
            log.info("%s reads all of a prompt, whatever its server reports", name)
            self._growth.conclude(name, clear=True)
        elif found.refused or (found.usage is not None and found.error is None):
            read = max(tokens, found.usage.input if found.usage else 0)
            log.warning(
                "%s: of %d tokens its server has read %d, and said nothing of the rest", name, found.counted, read
            )
            model.learn_limit(read)
            async with self._database.transaction() as tx:  # it was learned from truncated prompts
                await self._usage.forget_ratios(tx, name)
            self._growth.conclude(name, clear=False)
        else:
            self._tries[name] = self._tries.get(name, 0) + 1
            self._growth.conclude(name, clear=self._tries[name] >= MOST_TRIES)

    async def _record_usage(self, chat_id: int, name: str, found: ProbeResult) -> None:
        if found.usage is None and not found.said:
            return
        async with self._database.transaction() as tx:
            asked = CountedRequest(name, found.counted, self._count_tokens(found.said))
            await self._usage_recorder.add(tx, chat_id, asked, found.usage)
