"""Model requests of the doctor, with a time limit for each, and a limit on the tokens of all together."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from bot import errors
from bot.doctor.report import Finding, fine, note
from bot.errors import BudgetSpent, ContentRefused
from bot.llm.interface import DEFAULT, CacheProfile, ChatModel, Message, Models, ModelWrapper, Options
from bot.llm.stream_events import Call, ExtraRequest, Received, StreamEvent, Usage
from bot.pricing import Amount, Price
from bot.settings import Settings

MOST_TOKENS = 40_000
"""The limit for all requests together; a run takes about a third of it."""
MOST_SAID = 12_000
"""The most characters of one answer, including thoughts: a model that is asked for a word should not say more."""
COMMON_TOKENS = 14_000
"""What a normal run takes."""
PATIENCE_S = 60.0
"""How long to wait for an answer, unless MODEL_TIMEOUT is shorter: the model may have to be loaded first."""
THRIFTY = Options(thinking=False)
"""Without thinking, if the model allows that."""
QUESTION = (Message("user", "Say yes, in one word."),)


class RequestLimitReached(BudgetSpent):
    """The doctor has used up its tokens, and sends no more requests."""


class Bill:
    """Counts the doctor's requests, their tokens and their cost."""

    def __init__(
        self, count_tokens: Callable[[str], int], price_of: Callable[[str], Price | None] = lambda _: None
    ) -> None:
        self._count_tokens = count_tokens
        self._price_of = price_of
        self.requests = 0
        self._estimated = False
        """Whether some usage had to be estimated."""
        self.used: list[tuple[str, Usage]] = []
        """Model names with the usage of each request."""
        self.refused: list[ContentRefused] = []
        """Refusals by content filters."""

    def begin(self) -> None:
        """Count a request. Raises RequestLimitReached if the tokens are used up."""
        self.check()
        self.requests += 1

    def check(self) -> None:
        """Raises RequestLimitReached if the tokens are used up."""
        if self.tokens >= MOST_TOKENS:
            raise RequestLimitReached(f"the doctor has used {self.tokens:,} tokens and stops asking")

    @property
    def tokens(self) -> int:
        """All input and output tokens so far."""
        return sum(usage.input + usage.output for _, usage in self.used)

    def add(self, model: str, usage: Usage | None, counted: int, said: int) -> None:
        """Add an answered request, with the reported usage, or else the bot's own counts."""
        self._estimated = self._estimated or usage is None
        self.used.append((model, usage or Usage(counted, 0, said)))

    def add_answer(self, model: str, messages: Sequence[Message], received: Received) -> None:
        """Add a streamed answer, as far as it was received."""
        said = self._count_tokens(received.text + received.reasoning)
        self.add(model, received.usage, sum(self._count_tokens(message.content) for message in messages), said)

    def refuse(self, exc: ContentRefused) -> None:
        """Add a refusal by a content filter."""
        self.refused.append(exc)

    def add_extra(self, model: str, took: Sequence[ExtraRequest]) -> None:
        """Add requests other than chat requests."""
        self.requests += len(took)
        for request in took:
            self.add(model, request.usage, request.counted, request.output)

    def finding(self) -> Finding:
        """The finding about requests, tokens and cost."""
        total = [usage for _, usage in self.used]
        cached = sum(usage.cached for usage in total)
        from_cache = f" ({cached:,} of them from its cache)" if cached else ""
        read, written = sum(usage.input for usage in total), sum(usage.output for usage in total)
        asked = "1 request" if self.requests == 1 else f"{self.requests} requests"
        took = f"{asked}, {read:,} tokens read{from_cache} and {written:,} written"
        took += ", partly estimated" if self._estimated else ""
        costs: defaultdict[str, float] = defaultdict(float)
        for model, usage in self.used:
            if (price := self._price_of(model)) is not None:
                costs[price.currency] += _cost(price, usage)
        money = " and ".join(Amount(cost, currency).exact for currency, cost in costs.items())
        unpriced = sorted({model for model, _ in self.used if self._price_of(model) is None})
        if money and not unpriced:
            return fine("This visit", f"{took}: {money}")
        if not total:
            return fine("This visit", f"{took}: no answers")
        advice = (
            f"To see costs here and in /usage, set price_input (and price_output) for {', '.join(unpriced)} in the "
            "MODEL_PROFILES file."
        )
        return note("This visit", f"{took}{f': {money} and more' if money else ''}", advice)

    def filter(self) -> Finding:
        """The finding about content filters."""
        if not self.refused:
            return fine("Filter", "no content filter refused any of these harmless questions")
        return note(
            "Filter",
            f"a content filter refused {len(self.refused)} of these harmless questions: {self.refused[0]}",
            "When that happens to a user's message, it is left out of later prompts and the user is informed. If it "
            "happens too often, check the filter's settings with the provider, or use another model.",
        )


def announcement(model: str, price: Price | None) -> str:
    """What a run will take, to be shown before it begins."""
    text = (
        f"This sends Telegram two requests and {model} about ten: about {COMMON_TOKENS:,} tokens, and never more than "
        f"{MOST_TOKENS:,}"
    )
    if price is not None:
        common = Amount(price.of(COMMON_TOKENS, 0, 0, 0), price.currency)
        text += f" (about {common.exact} at the prices in MODEL_PROFILES)"
    return text + ". Press Ctrl-C to stop.\n\n"


def _cost(price: Price, usage: Usage) -> float:
    fresh = usage.input - usage.cached - usage.written
    return price.of(fresh, usage.cached, usage.written, usage.output, usage.audio)


class BilledModels:
    """The models of a server, with every request counted by a Bill."""

    def __init__(self, models: Models, bill: Bill) -> None:
        self._models = models
        self._bill = bill

    def cache(self, name: str) -> CacheProfile:
        """See Models.cache."""
        return self._models.cache(name)

    @property
    def vision_model(self) -> str | None:
        """See Models.vision_model."""
        return self._models.vision_model

    def of(self, name: str) -> "BilledModel":
        """See Models.of."""
        return BilledModel(self._models.of(name), self._bill)

    async def learn(self) -> None:
        """See Models.learn."""
        await self._models.learn()

    async def ready(self) -> None:
        """See Models.ready."""
        await self._models.ready()

    async def close(self) -> None:
        """See Models.close."""
        await self._models.close()


class BilledModel(ModelWrapper):
    """A model whose requests are counted by a Bill, and whose answers are cut off if they become long."""

    def __init__(self, model: ChatModel, bill: Bill) -> None:
        super().__init__(model)
        self._bill = bill

    async def stream(
        self, messages: Sequence[Message], options: Options = DEFAULT
    ) -> AsyncGenerator[StreamEvent, None]:
        """See ChatModel.stream."""
        self._bill.begin()
        received, begun = Received(), False
        try:
            async with aclosing(self._model.stream(messages, options)) as events:
                async for event in events:
                    begun = True
                    received.add(event)
                    yield event
                    if len(received.text) + len(received.reasoning) > MOST_SAID:
                        break
        except ContentRefused as exc:
            self._bill.refuse(exc)
            raise
        finally:
            if begun:
                name = received.switched.model if received.switched else self.name
                self._bill.add_answer(name, messages, received)


def patience(settings: Settings) -> float:
    """How long to wait for an answer, in seconds."""
    return min(PATIENCE_S, settings.model_timeout)


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """The result of a request: `error` is set if it failed, `begun` if anything was received."""

    text: str = ""
    begun: bool = False
    usage: Usage | None = None
    error: errors.ModelError | None = None
    calls: tuple[Call, ...] = ()
    opaque: str = ""

    @property
    def unstreamed(self) -> bool:
        """Whether the server accepted the request, but did not stream."""
        return isinstance(self.error, errors.StreamCut) and not self.begun

    @property
    def said(self) -> str:
        """A beginning of the text on one line, or "nothing"."""
        return f"{' '.join(self.text.split()):.80}" or "nothing"


async def ask(model: ChatModel, messages: Sequence[Message], limit: float, options: Options = THRIFTY) -> ProbeAnswer:
    """Send the messages; `limit` is the time limit in seconds. Model errors are part of the result."""
    received, begun = Received(), False
    error: errors.ModelError | None = None
    try:
        async with asyncio.timeout(limit), aclosing(model.stream(messages, options)) as stream:
            async for event in stream:
                begun = True
                received.add(event)
    except errors.ModelError as exc:
        error = exc
    except TimeoutError:
        error = errors.NoAnswerInTime(f"no answer within {limit:.0f} s")
    return ProbeAnswer(received.text, begun, received.usage, error, received.calls, received.opaque)
