"""Chat Completions, as every OpenAI-compatible server speaks it.

The client itself tries again on 408, 409, 429, 5xx and connection errors, with back-off and the server's Retry-After.
A stream that broke after it began is not its business: that is a StreamCut here.

A message with a cache marker goes out as a content part, since a plain text has no place for one; servers that refuse
parts are asked again without.
"""

import json
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import openai
from pydantic import JsonValue

from bot.errors import CannotHear, CannotSee, ImageRefused, ModelError, RequestRefused, StreamCut
from bot.llm.breaker import Breaker
from bot.llm.client import client
from bot.llm.failures import translate
from bot.llm.interface import DEFAULT, CacheProfile, Delta, Finish, Image, Message, Options, Senses, Sound
from bot.llm.known import KNOWN
from bot.llm.params import param, spoken, transcript_in, voice_in
from bot.llm.profiles import Profiles
from bot.llm.thinking import Thinking
from bot.llm.usage import reported

if TYPE_CHECKING:
    from openai import AsyncStream
    from openai.types.chat import ChatCompletionChunk

RETRIES = 4
"""With the client's back-off (0.5 s doubling to 8 s) about eight seconds, unless the server asks for more."""
CONNECT_TIMEOUT_S = 10.0

log = logging.getLogger(__name__)


class Server:
    """``POST {base_url}/chat/completions``: one client for all models that are behind it."""

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        extra_body: Mapping[str, JsonValue],
        timeout: float,
        profiles: Profiles = KNOWN,
    ) -> None:
        """`timeout`: the longest silence of the server, in seconds; `extra_body` is merged into every request."""
        self.client = client(base_url, api_key, retries=RETRIES, silence=timeout, connect=CONNECT_TIMEOUT_S)
        self.extra_body = dict(extra_body)
        self.profiles = profiles
        self.profile = profiles.server(base_url)
        self.breaker = Breaker(urlsplit(base_url).netloc, self._answers)
        self._models: dict[str, ChatCompletions] = {}

    @property
    def cache(self) -> CacheProfile:
        """See Models.cache."""
        return self.profile.cache

    @property
    def vision_model(self) -> str | None:
        """See Models.vision_model."""
        return self.profile.vision_model

    def of(self, name: str) -> "ChatCompletions":
        """See Models.of."""
        if name not in self._models:
            self._models[name] = ChatCompletions(self, name)
        return self._models[name]

    async def close(self) -> None:
        """Close the connections."""
        await self.breaker.close()
        await self.client.close()

    async def _answers(self) -> bool:
        """Whether the server has anything to say at all; not every one has this list."""
        try:
            await self.client.with_options(max_retries=0, timeout=CONNECT_TIMEOUT_S).models.list()
        except openai.APIStatusError as exc:
            return exc.status_code < 500
        except openai.OpenAIError:
            return False
        return True


class ChatCompletions:
    """One model."""

    def __init__(self, server: Server, name: str) -> None:
        self.name = name
        profile, parts = server.profiles.model(name), server.profile.content_parts
        self.senses: Senses = profile.senses if parts else replace(profile.senses, sees=False, hears=False)
        self.window = profile.context_window
        self.single_turn = profile.single_turn
        self._server = server
        self._takes_markers = parts

    async def stream(self, messages: Sequence[Message], options: Options = DEFAULT) -> AsyncGenerator[Delta, None]:
        """See ChatModel.stream."""
        self._server.breaker.check()
        began = finished = False
        thinking = Thinking()
        try:
            stream = await self._open(messages, options)
            async with stream:
                async for chunk in stream:
                    if not began:
                        self._server.breaker.answered()
                    began = True
                    delta = _thought(_delta(chunk), thinking)
                    finished = finished or delta.finish is not None
                    yield delta
        except openai.OpenAIError as exc:
            raise self._learned(messages, translate(exc, streaming=began)) from exc
        except json.JSONDecodeError as exc:
            raise StreamCut("a piece of the stream is no JSON") from exc
        if not finished:
            raise StreamCut("the stream ended without a finish_reason")

    def _learned(self, messages: Sequence[Message], error: ModelError) -> ModelError:
        """The error, after it has taught what this model can't do, and how its server is."""
        self._server.breaker.failed(error)
        error.model = self.name
        sent = {type(part) for message in messages for part in message.parts}
        if isinstance(error, CannotSee) and Image in sent:
            self.senses = replace(self.senses, sees=False)
        elif isinstance(error, CannotHear) and Sound in sent:
            self.senses = replace(self.senses, hears=False)
        return error

    async def _open(self, messages: Sequence[Message], options: Options) -> "AsyncStream[ChatCompletionChunk]":
        markers = self._takes_markers and any(message.mark for message in messages)
        try:
            return await self._create(messages, options, markers=markers)
        except openai.APIStatusError as exc:
            if not markers or not _may_be_the_markers(exc):
                raise
            refusal = exc
        stream = await self._create(messages, options, markers=False)
        if self._takes_markers:  # and not before it was seen that the markers were to blame
            self._takes_markers = False
            log.warning("The model server refuses cache markers, so none are sent any more: %s", refusal)
        return stream

    async def _create(
        self, messages: Sequence[Message], options: Options, *, markers: bool
    ) -> "AsyncStream[ChatCompletionChunk]":
        return await self._server.client.chat.completions.create(
            model=self.name,
            messages=[param(message, marker=markers and message.mark) for message in messages],
            stream=True,
            stream_options={"include_usage": True} if self._server.profile.usage_in_stream else openai.omit,
            extra_body=self._server.extra_body | self._wanted(options),
        )

    def _wanted(self, options: Options) -> dict[str, JsonValue]:
        """What a request has on top for these options, as far as this model knows them."""
        wanted = spoken() if options.voice and self.senses.speaks else {}
        if options.thinking is not None and self.senses.thinks:
            wanted["enable_thinking"] = options.thinking
        return wanted


def _may_be_the_markers(exc: openai.APIStatusError) -> bool:
    # Text-only servers may word their refusal of parts as one of images or "multimodal" content.
    kinds = (RequestRefused, ImageRefused, CannotSee)
    return exc.status_code in (400, 422) and type(translate(exc, streaming=False)) in kinds


def _thought(delta: Delta, thinking: Thinking) -> Delta:
    text, reasoning = thinking.split(delta.text) if delta.text else ("", "")
    if delta.finish is not None:
        more, thoughts = thinking.rest()
        text, reasoning = text + more, reasoning + thoughts
    return replace(delta, text=text, reasoning=delta.reasoning + reasoning)


def _delta(chunk: "ChatCompletionChunk") -> Delta:
    usage = reported(chunk.usage.to_dict()) if chunk.usage else None
    if not chunk.choices:
        return Delta(usage=usage)
    choice = chunk.choices[0]
    finish = _finish(choice.finish_reason) if choice.finish_reason else None
    if choice.delta is None:  # against the interface, but some servers end so
        return Delta(finish=finish, usage=usage)
    # Fields that the client's types don't know: Qwen and DeepSeek say reasoning_content, OpenRouter says reasoning.
    extra = choice.delta.model_extra or {}
    reasoning = extra.get("reasoning_content") or extra.get("reasoning")
    audio = choice.delta.audio.to_dict() if choice.delta.audio else {}
    return Delta(
        text=choice.delta.content or transcript_in(audio),
        reasoning=reasoning if isinstance(reasoning, str) else "",
        finish=finish,
        usage=usage,
        voice=voice_in(audio),
    )


def _finish(reason: str) -> Finish:
    # Servers have more words for a normal end (eos, end_turn, tool_calls, ...) than for the two that matter.
    return {"length": Finish.LENGTH, "content_filter": Finish.FILTER}.get(reason, Finish.STOP)
