"""A model that uses tools on its way to an answer: it calls, is given the results, and goes on."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from bot.conversation.tokens import TokenCounter
from bot.llm.interface import DEFAULT, Beside, Call, ChatModel, Delta, Instead, Message, Options, Senses, Tool, Usage

MOST_ROUNDS = 3
"""Requests that may call; the one after them has to answer."""
MOST_CALLS = 4
"""Calls of one request that are done."""
TOO_MANY = "These were too many calls at once, so this one was not done."

Use = Callable[[Call], Awaitable[str]]


def _nothing() -> None: ...


@dataclass(slots=True)
class _Round:
    """One request of an answer, as far as it got."""

    said: str = ""
    usage: Usage | None = None
    instead: Instead | None = None
    calls: tuple[Call, ...] = field(default=())
    opaque: str = ""


@dataclass(frozen=True, slots=True)
class Assisted:
    """A model with tools at hand; `use` does what a call asks for, `counted` is our own count of its first prompt."""

    model: ChatModel
    tools: tuple[Tool, ...]
    use: Use
    count_tokens: TokenCounter
    counted: int
    begins: Callable[[], None] = _nothing
    """Called when it is asked: an answer that broke off is begun again, its calls with it."""

    @property
    def name(self) -> str:
        """See ChatModel.name."""
        return self.model.name

    @property
    def senses(self) -> Senses:
        """See ChatModel.senses."""
        return self.model.senses

    @property
    def window(self) -> int:
        """See ChatModel.window."""
        return self.model.window

    @property
    def limit(self) -> int | None:
        """See ChatModel.limit."""
        return self.model.limit

    def learn_limit(self, tokens: int) -> None:
        """See ChatModel.learn_limit."""
        self.model.learn_limit(tokens)

    @property
    def single_turn(self) -> bool:
        """See ChatModel.single_turn."""
        return self.model.single_turn

    @property
    def calls(self) -> bool:
        """See ChatModel.calls."""
        return self.model.calls

    async def stream(self, messages: Sequence[Message], options: Options = DEFAULT) -> AsyncGenerator[Delta, None]:
        """See ChatModel.stream; usage and `instead` are those of the first request, all others are told as `beside`."""
        self.begins()
        asked, counted = tuple(messages), self.counted
        offered = replace(options, tools=self.tools, may_call=True)
        gap = ""
        for number in range(MOST_ROUNDS + 1):
            if number:
                offered = replace(offered, may_call=number < MOST_ROUNDS, lasting=False)
                yield Delta(begins=Beside(counted, 0, None))
            this, before = _Round(), gap
            async with aclosing(self.model.stream(asked, offered)) as deltas:
                async for delta in deltas:
                    if delta.taken_back:
                        this.said, gap = "", before
                    text = gap + delta.text if delta.text else ""
                    gap = "" if delta.text else gap
                    this.said += delta.text
                    this.usage = delta.usage or this.usage
                    this.instead = delta.instead or this.instead
                    this.calls += delta.calls
                    this.opaque = delta.opaque or this.opaque
                    finish = None if this.calls else delta.finish
                    delta = replace(delta, text=text, calls=(), finish=finish)
                    yield replace(delta, usage=None, instead=None) if number else delta
            if number:
                yield Delta(beside=Beside(counted, self.count_tokens(this.said), this.usage, this.instead))
            if not this.calls:
                return
            gap = "\n\n" if this.said.strip() else gap
            calls = tuple(_as_sent(call) for call in this.calls)
            more = [Message("assistant", this.said, calls=calls, opaque=this.opaque), *await self._results(this.calls)]
            asked += tuple(more)
            counted += sum(self.count_tokens(message.content) for message in more)

    async def _results(self, calls: Sequence[Call]) -> list[Message]:
        done = [await self.use(call) for call in calls[:MOST_CALLS]]
        done += [TOO_MANY] * (len(calls) - len(done))
        return [Message("tool", result, answers=call.id) for call, result in zip(calls, done, strict=True)]


def _as_sent(call: Call) -> Call:
    """The call as it is sent back: DashScope, vLLM and SGLang refuse a request with arguments that are no JSON object.

    What was wrong with it stands in its result.
    """
    try:
        usable = isinstance(json.loads(call.arguments), dict)
    except (ValueError, RecursionError):
        usable = False
    return call if usable else replace(call, arguments="{}")
