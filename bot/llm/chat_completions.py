"""Chat Completions, as every OpenAI-compatible server speaks it.

A message with a cache marker goes out as a content part, since a plain text has no place for one; servers that refuse
parts are asked again without.
"""

import logging
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import openai
from pydantic import JsonValue

from bot.errors import CannotHear, CannotSee, ImageRefused, MediaRefused, RequestRefused
from bot.llm.calls import tool_parameters
from bot.llm.events import events
from bot.llm.failures import translate
from bot.llm.fields import blamed, fitted
from bot.llm.forms import Forms
from bot.llm.interface import Delta, Message, Options, Sound
from bot.llm.large import made
from bot.llm.openai_server import OpenAIModel, OpenAIServer
from bot.llm.params import param, spoken
from bot.llm.thinking_switch import TEMPLATE, switched, told_apart

if TYPE_CHECKING:
    from openai import AsyncStream
    from openai.types.chat import ChatCompletionChunk

log = logging.getLogger(__name__)


class ChatCompletions(OpenAIModel):
    """One model, behind ``POST {base_url}/chat/completions``."""

    takes_markers = True

    def __init__(self, server: OpenAIServer, name: str) -> None:
        super().__init__(server, name)
        self._sound_as_url, self._sound_was_taken = server.profile.sound_as_url, False
        profile = server.profiles.model(name)
        self._voice, self._voice_format = profile.voice, profile.voice_format

    async def _deltas(self, messages: Sequence[Message], options: Options) -> AsyncGenerator[Delta, None]:
        async with await self._heard(messages, options) as stream, aclosing(events(stream.response)) as told:
            forms = Forms(stream.response.url.host, responses=False)
            async for event in told:
                delta = forms.end() if event is None else forms.read(event)
                if delta is not None:
                    yield delta

    async def _heard(self, messages: Sequence[Message], options: Options) -> "AsyncStream[ChatCompletionChunk]":
        """Send sounds in the other form where the first one is refused: a gateway may stand for any server."""
        if not any(isinstance(part, Sound) for message in messages for part in message.parts):
            return await self._open(messages, options)
        try:
            stream = await self._open(messages, options)
        except openai.APIStatusError as exc:
            if self._sound_was_taken or not _may_be_the_form(exc):
                raise
            refusal, first = exc, self._sound_as_url
        else:
            self._sound_was_taken = True
            return stream
        try:
            self._sound_as_url = not first
            stream = await self._open(messages, options)
        except openai.APIStatusError:
            self._sound_as_url = first
            raise refusal from None
        self._sound_was_taken = True
        return stream

    async def _open(self, messages: Sequence[Message], options: Options) -> "AsyncStream[ChatCompletionChunk]":
        try:
            return await self._create(messages, options)
        except openai.APIStatusError as exc:
            if not self._marker(messages, options) or not _may_be_the_markers(exc, self._sent(messages, options)):
                raise
            refusal = exc
        stream = await self._create([replace(message, mark=False) for message in messages], options)
        if self._takes_parts:  # and not before it was seen that the markers were to blame
            self._takes_parts = False
            log.warning("The model server refuses cache markers, so none are sent any more: %s", refusal)
        return stream

    async def _create(self, messages: Sequence[Message], options: Options) -> "AsyncStream[ChatCompletionChunk]":
        marker = self._marker(messages, options)
        one = partial(param, without=options.without, marker=marker, sound_as_url=self._sound_as_url)
        params = await made(messages, lambda: list(map(one, messages)))
        return await self.server.client.chat.completions.create(
            model=self.name,
            messages=[],  # openai goes through each field of what stands here, on the loop: 50 ms for 200 messages
            stream=True,
            extra_body={**fitted(self._optional(messages, options), options.without), "messages": params},
        )

    def _spoken(self, options: Options) -> dict[str, JsonValue]:
        return spoken(self._voice, self._voice_format) if options.voice and self.senses.speaks else {}

    def _optional(self, messages: Sequence[Message], options: Options) -> dict[str, JsonValue]:
        profile, extra = self.server.profile, self.extra_body
        usage: dict[str, JsonValue] = {"stream_options": {"include_usage": True}} if profile.usage_in_stream else {}
        wanted = self._spoken(options) | tool_parameters(options)
        if self._is_told_to_think(options):
            way, template = profile.thinking_as, profile.thinking_in_template
            switch = switched(way, self.name, thinking=bool(options.thinking), in_template=template)
            ours, theirs = switch.get(TEMPLATE), extra.get(TEMPLATE)
            if isinstance(ours, dict) and isinstance(theirs, dict):
                switch[TEMPLATE] = ours | theirs
            wanted |= switch
        names = ("max_completion_tokens", "max_tokens")
        length = self._length(options, names if profile.completion_tokens else names[::-1])
        apart = told_apart(profile.thinking_as, self.name) if self.senses.thinks else {}
        return {**usage, **apart, **extra, **self._caching(messages, options), **wanted, **length}


def _may_be_the_form(exc: openai.APIStatusError) -> bool:
    return isinstance(translate(exc, streaming=False), RequestRefused | MediaRefused | CannotHear)


def _may_be_the_markers(exc: openai.APIStatusError, others: Collection[str]) -> bool:
    # Text-only servers may word their refusal of parts as one of images or "multimodal" content.
    kinds = (RequestRefused, ImageRefused, CannotSee)
    error = translate(exc, streaming=False)
    return exc.status_code in (400, 422) and type(error) in kinds and not blamed(error, others)
