"""A fallback model that answers when the first one fails before its first word.

If the fallback has a smaller window, it gets the newer part of the conversation.
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
    Image,
    Message,
    Models,
    ModelWrapper,
    Options,
    Part,
    Sound,
)
from bot.llm.stream_events import Finished, KeepAlive, Queued, StreamEvent, SwitchedModel, ToolCalls, speaks

ROOM_SHARE = 0.85
"""The share of a model's window that a prompt may fill: the rest is for the answer, and token counts are estimates."""
GIVE_WAY = (
    errors.WrongKey,
    errors.NoPermission,
    errors.NoCredit,
    errors.RateLimited,
    errors.ServerTrouble,
    errors.NoAnswerInTime,
    errors.StreamCut,
)
"""Failures of a server or account that another one may not share. A wrong request would fail there too."""

log = logging.getLogger(__name__)


def fits(messages: Sequence[Message], model: ChatModel) -> bool:
    """Whether the prompt fits into the model's known window."""
    return rough_size(messages) <= ROOM_SHARE * min(model.window, model.limit or model.window)


def newer_half(messages: Sequence[Message]) -> list[Message] | None:
    """Drop the older half of the conversation; None if only the newest message is left.

    System messages and the notes stay, and a tool call is never separated from its user message.
    """
    opening = [message for message in messages if message.role == "system"]
    said = [message for message in messages if message.role != "system"]
    starts = [at for at, message in enumerate(said) if message.role == "user"][1:]
    if not starts:
        return None
    most = rough_size(said) / 2
    cut = next((at for at in starts if rough_size(said[at:]) <= most), starts[-1])
    first, *others = said[cut:]
    notes = said[0].content[: said[0].notes]
    return [*opening, first.with_notes(notes) if notes else first, *others]


def rough_size(messages: Sequence[Message]) -> float:
    """The estimated number of tokens, independent of any tokenizer."""
    return sum(rough_tokens(message.content) for message in messages)


class WithFallback:
    """The models of one server, each with the same fallback model of another (or the same) server."""

    def __init__(self, first: Models, second: Models, name: str, patience: float) -> None:
        """`name`: the fallback model; `patience`: seconds the first model has until its first word."""
        self.first = first
        self.fallback = second.of(name)
        self._name = name
        self.second = second
        self._patience = patience

    def cache(self, name: str) -> CacheProfile:
        return self.first.cache(name)

    @property
    def vision_model(self) -> str | None:
        return self.first.vision_model

    def of(self, name: str) -> ChatModel:
        first = self.first.of(name)
        if first is self.fallback or (isinstance(self.fallback, Pair) and first is self.fallback.first):
            return self.fallback
        second_server = self.second.first if isinstance(self.second, WithFallback) else self.second
        return Pair(first, self.fallback, self._patience, shares_queue=second_server is self.first)

    @property
    def fallbacks(self) -> list[ChatModel]:
        """The fallback models in the order they are tried."""
        found, rest = [], self.fallback
        while isinstance(rest, Pair):
            found.append(rest.first)
            rest = rest.second
        return [*found, rest]

    async def learn(self) -> None:
        await self.first.learn()
        await self.second.learn()  # sequentially, so that a server shared by several models is asked once

    async def ready(self) -> None:
        await self.first.ready()

    async def close(self) -> None:
        await self.first.close()
        if self.second is not self.first:
            await self.second.close()


class Pair(ModelWrapper):
    """A model and its fallback.

    Its window is the first model's; a fallback with a smaller one gets the end of the prompt.
    """

    def __init__(self, first: ChatModel, second: ChatModel, patience: float, *, shares_queue: bool = False) -> None:
        """`shares_queue`: both use the same server, hence the same request queue."""
        super().__init__(first)
        self._shares_queue = shares_queue
        self.first = first
        self.second = second
        self._patience = patience

    @property
    def calls(self) -> bool:
        """Whether both models can call tools: the prompt of either contains them."""
        return self.first.calls and self.second.calls

    async def stream(
        self, messages: Sequence[Message], options: Options = DEFAULT
    ) -> AsyncGenerator[StreamEvent, None]:
        """Stream the first model's answer, or the fallback's (announced by SwitchedModel) if no first word comes."""
        begun = False
        try:
            async with aclosing(self.first.stream(messages, options)) as events:
                async for event in self._in_time(events):
                    begun = begun or _has_content(event)
                    yield event
            return
        except GIVE_WAY as exc:
            if begun:
                raise
            failure = exc
        log.warning("%s answers in place of %s: %s", self.second.name, self.first.name, failure)
        async with aclosing(
            self._instead(_without_unreadable_media(self.second, messages), options, failure)
        ) as events:
            async for event in events:
                yield event

    async def _instead(
        self, messages: list[Message], options: Options, failure: errors.ModelError
    ) -> AsyncGenerator[StreamEvent, None]:
        """The fallback's answer, to as much of the conversation as fits.

        The original failure is raised if not even the newest message fits, or if nothing may be left out
        (`options.aside`: a summary must cover everything it replaces). The request itself is fine and will work once
        the first model is back.
        """
        sent, whole, begun = messages, rough_size(messages), False
        while not fits(sent, self.second):
            if options.aside:
                raise failure
            if (shorter := newer_half(sent)) is None:
                break
            sent = shorter
        while True:
            yield SwitchedModel(self.second.name, failure, rough_size(sent) / whole if whole else 1.0)
            try:
                async with aclosing(self.second.stream(sent, options)) as events:
                    async for event in events:
                        begun = begun or _has_content(event)
                        yield event
                return
            except errors.ContextTooLong as exc:
                if begun or options.aside or (shorter := newer_half(sent)) is None:
                    raise failure from exc
                log.info("%s is asked with the newer half of the conversation: %s", self.second.name, exc)
                sent = shorter

    async def _in_time(self, events: AsyncGenerator[StreamEvent, None]) -> AsyncGenerator[StreamEvent, None]:
        loop = asyncio.get_running_loop()
        # The clock stops while the request waits in a queue that the fallback shares, and starts again when it leaves.
        until: float | None = loop.time() + self._patience
        event: StreamEvent | None = KeepAlive()
        while event is not None and not _has_content(event):
            if isinstance(event, Queued):  # with a shared queue the fallback would only go to its end
                until = None if event.waiting and self._shares_queue else loop.time() + self._patience
            try:
                async with asyncio.timeout_at(until):
                    event = await anext(events, None)
            except TimeoutError as exc:
                raise errors.NoAnswerInTime(f"no word in {self._patience:.0f} s") from exc
            if event is not None:
                yield event
        async for event in events:
            yield event


def _has_content(event: StreamEvent) -> bool:
    """Whether the event is a part of the answer, or its end."""
    return speaks(event) or isinstance(event, ToolCalls | Finished)


def _without_unreadable_media(model: ChatModel, messages: Sequence[Message]) -> list[Message]:
    """The messages without media that the model can't read."""
    return [replace(message, parts=_readable_parts(model.capabilities, message.parts)) for message in messages]


def _readable_parts(capabilities: Capabilities, parts: Sequence[Part]) -> tuple[Part, ...]:
    taken = tuple(
        part
        for part in parts
        if (capabilities.sees or not isinstance(part, Image)) and (capabilities.hears or not isinstance(part, Sound))
    )
    return taken if any(not isinstance(part, str) for part in taken) else ()
