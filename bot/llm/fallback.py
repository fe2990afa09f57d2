"""The end of a conversation, for a model that reads less than the one in whose place it answers.

Another model in the place of one that fails before its first word.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from bot import errors
from bot.llm.answer_stream import rough_tokens
from bot.llm.interface import (
    DEFAULT,
    CacheProfile,
    Capabilities,
    ChatModel,
    Delta,
    FallbackUsed,
    Image,
    Message,
    Models,
    Options,
    Part,
    Sound,
)

ROOM_SHARE = 0.85
"""Of a model's window, what a prompt may take: the rest is for the answer, and our count is rough."""
GIVE_WAY = (
    errors.WrongKey,
    errors.NoPermission,
    errors.NoCredit,
    errors.RateLimited,
    errors.ServerTrouble,
    errors.NoAnswerInTime,
    errors.StreamCut,
)
"""Failures of a server or an account, which another one may not have; of a request that is wrong it knows no better."""

log = logging.getLogger(__name__)


def fits(messages: Sequence[Message], model: ChatModel) -> bool:
    """Whether a prompt is no longer than the model is known to read."""
    return size(messages) <= ROOM_SHARE * min(model.window, model.limit or model.window)


def newer_half(messages: Sequence[Message]) -> list[Message] | None:
    """The messages without the older half of what was said; None when there is the newest message alone.

    What the model is told first stays, and so do calls of tools behind the message that they are for.
    """
    opening = [message for message in messages if message.role == "system"]
    said = [message for message in messages if message.role != "system"]
    starts = [at for at, message in enumerate(said) if message.role == "user"][1:]
    if not starts:
        return None
    most = size(said) / 2
    cut = next((at for at in starts if size(said[at:]) <= most), starts[-1])
    return [*opening, *said[cut:]]


def size(messages: Sequence[Message]) -> float:
    """Tokens, roughly, whoever counts them."""
    return sum(rough_tokens(message.content) for message in messages)


class WithFallback:
    """The models of one server, with one model of another (or of the same) behind each of them."""

    def __init__(self, first: Models, second: Models, name: str, patience: float) -> None:
        """`name`: the fallback model; `patience`: seconds that the first one has until its first word."""
        self.first = first
        self.fallback = second.of(name)
        self._name = name
        self.second = second
        self._patience = patience

    def cache(self, name: str) -> CacheProfile:
        """See Models.cache."""
        return self.first.cache(name)

    @property
    def vision_model(self) -> str | None:
        """See Models.vision_model."""
        return self.first.vision_model

    def of(self, name: str) -> ChatModel:
        """See Models.of."""
        first = self.first.of(name)
        if first is self.fallback or (isinstance(self.fallback, Pair) and first is self.fallback.first):
            return self.fallback
        behind = self.second.first if isinstance(self.second, WithFallback) else self.second
        return Pair(first, self.fallback, self._patience, shares_queue=behind is self.first)

    @property
    def fallbacks(self) -> list[ChatModel]:
        """Those that are behind each model, in their order."""
        found, rest = [], self.fallback
        while isinstance(rest, Pair):
            found.append(rest.first)
            rest = rest.second
        return [*found, rest]

    async def learn(self) -> None:
        """See Models.learn."""
        await self.first.learn()
        await self.second.learn()  # one after the other: servers that are behind several models are asked once

    async def ready(self) -> None:
        """See Models.ready."""
        await self.first.ready()

    async def close(self) -> None:
        """Close the connections."""
        await self.first.close()
        if self.second is not self.first:
            await self.second.close()


class Pair:
    """A model, and the one that answers in its place."""

    def __init__(self, first: ChatModel, second: ChatModel, patience: float, *, shares_queue: bool = False) -> None:
        """`shares_queue`: both are at one server."""
        self._shares_queue = shares_queue
        self.first = first
        self.second = second
        self._patience = patience

    @property
    def name(self) -> str:
        """See ChatModel.name."""
        return self.first.name

    @property
    def senses(self) -> Capabilities:
        """See ChatModel.senses."""
        return self.first.senses

    @property
    def window(self) -> int:
        """See ChatModel.window; where the other one reads less, it is sent the end of a prompt."""
        return self.first.window

    @property
    def limit(self) -> int | None:
        """See ChatModel.limit."""
        return self.first.limit

    def learn_limit(self, tokens: int) -> None:
        """See ChatModel.learn_limit."""
        self.first.learn_limit(tokens)

    @property
    def single_turn(self) -> bool:
        """See ChatModel.single_turn."""
        return self.first.single_turn

    @property
    def calls(self) -> bool:
        """Whether both do: the tools are in the prompt of either."""
        return self.first.calls and self.second.calls

    async def stream(self, messages: Sequence[Message], options: Options = DEFAULT) -> AsyncGenerator[Delta, None]:
        """See ChatModel.stream; the first delta of an answer by the other one says so."""
        begun = False
        try:
            async with aclosing(self.first.stream(messages, options)) as deltas:
                async for delta in self._in_time(deltas):
                    begun = begun or _speaks(delta)
                    yield delta
            return
        except GIVE_WAY as exc:
            if begun:
                raise
            failure = exc
        log.warning("%s answers in the place of %s: %s", self.second.name, self.first.name, failure)
        async with aclosing(self._instead(_for(self.second, messages), options, failure)) as deltas:
            async for delta in deltas:
                yield delta

    async def _instead(
        self, messages: list[Message], options: Options, failure: errors.ModelError
    ) -> AsyncGenerator[Delta, None]:
        """The other one's answer, to as much of the conversation as it reads.

        Where that does not even hold the newest message, or nothing may be missing (notes are made of what they are to
        stand for), there is no answer: nothing is wrong with the request, once the first one is back.
        """
        sent, whole, begun = messages, size(messages), False
        while not fits(sent, self.second):
            if options.aside:
                raise failure
            if (shorter := newer_half(sent)) is None:
                break
            sent = shorter
        while True:
            yield Delta(instead=FallbackUsed(self.second.name, failure, size(sent) / whole if whole else 1.0))
            try:
                async with aclosing(self.second.stream(sent, options)) as deltas:
                    async for delta in deltas:
                        begun = begun or _speaks(delta)
                        yield delta
                return
            except errors.ContextTooLong as exc:
                if begun or options.aside or (shorter := newer_half(sent)) is None:
                    raise failure from exc
                log.info("%s is asked with the newer half of the conversation: %s", self.second.name, exc)
                sent = shorter

    async def _in_time(self, deltas: AsyncGenerator[Delta, None]) -> AsyncGenerator[Delta, None]:
        loop = asyncio.get_running_loop()
        until: float | None = loop.time() + self._patience
        delta: Delta | None = Delta()
        while delta is not None and not _speaks(delta):
            if delta.queued is not None:  # in the same queue the other one would begin at its end
                until = None if delta.queued and self._shares_queue else loop.time() + self._patience
            try:
                async with asyncio.timeout_at(until):
                    delta = await anext(deltas, None)
            except TimeoutError as exc:
                raise errors.NoAnswerInTime(f"no word in {self._patience:.0f} s") from exc
            if delta is not None:
                yield delta
        async for delta in deltas:
            yield delta


def _speaks(delta: Delta) -> bool:
    """Whether there is more in it than what keeps the line open."""
    return bool(delta.text or delta.reasoning or delta.voice or delta.calls or delta.finish)


def _for(model: ChatModel, messages: Sequence[Message]) -> list[Message]:
    """The messages without what this model does not take."""
    return [replace(message, parts=_taken(model.senses, message.parts)) for message in messages]


def _taken(senses: Capabilities, parts: Sequence[Part]) -> tuple[Part, ...]:
    taken = tuple(
        part
        for part in parts
        if (senses.sees or not isinstance(part, Image)) and (senses.hears or not isinstance(part, Sound))
    )
    return taken if any(not isinstance(part, str) for part in taken) else ()
