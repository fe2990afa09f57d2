"""The Chat Completions API, as every OpenAI-compatible server speaks it.

A message with a cache marker is sent as a content part, since a plain string has no field for one; if a server refuses
parts, the request is repeated without markers.

Streams are read leniently: gateways may pass on an answer in the form of the Responses API.
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
from bot.llm.client import run_in_thread_if_large
from bot.llm.failures import failure, failure_in, translate
from bot.llm.fields import TEMPLATE, blamed_fields, fit_fields, reasoning_format, thinking_fields
from bot.llm.finishes import finish_of, reason_in
from bot.llm.interface import Message, Options, Sound
from bot.llm.lenient import Object, mapping, mappings, text, thoughts, words
from bot.llm.openai_server import OpenAIModel, OpenAIServer
from bot.llm.parameters import message_param, transcript_in, voice_fields, voice_in
from bot.llm.response_events import ResponseEvents
from bot.llm.server_sent_events import Event, read_events
from bot.llm.stream_events import Finish, StreamEvent, Usage, piece
from bot.llm.tool_calls import Opaque, ToolCallAssembler, tool_parameters
from bot.llm.usage_report import parse_usage

if TYPE_CHECKING:
    from openai import AsyncStream
    from openai.types.chat import ChatCompletionChunk

_THOUGHTS = ("reasoning_content", "reasoning", "reasoning_details", "thinking", "thinking_blocks", "reasoning_text")
"""Qwen and DeepSeek use the first, OpenRouter, Groq and Ollama the second, LiteLLM the fifth, Copilot the last."""
_CHAT = ("chat.completion", "text_completion")

log = logging.getLogger(__name__)


class Chunks:
    """Parses one stream of chunks; `host` is the server's, because some error messages are host-specific."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._calls, self._opaque = ToolCallAssembler(), Opaque()
        self._said = False
        """Some text, speech or a call has arrived."""
        self._by_delta = self._over = False

    def read(self, chunk: Object, name: str = "") -> list[StreamEvent]:
        """The events in a chunk. Raises a ModelError if the chunk reports one; `name` is the SSE event's name."""
        if (reported := failure_in(chunk, name, self._host)) is not None:
            raise reported
        choice = _first_choice(chunk)
        if (error := choice.get("error")) and not isinstance(error, bool):  # OpenRouter
            raise failure(error, self._host)
        if error := mapping(chunk.get("x_groq")).get("error"):  # the reason for an early end
            raise failure(error, self._host)
        body = self._body(choice)
        said, thought = words(body.get("content"))
        audio = mapping(body.get("audio"))
        voice = voice_in(audio)
        said = said or text(body.get("refusal")) or transcript_in(audio)
        thought = thought or thoughts([body.get(field) for field in _THOUGHTS])
        self._calls.add(mappings(body.get("tool_calls")))
        self._opaque.add(body)
        self._said = self._said or bool(said or voice or self._calls.has_begun)
        finish = finish_of(reason_in(choice, chunk), said=self._said)
        self._over = self._over or finish is not None
        calls = self._calls.take() if finish else ()
        return piece(
            said,
            reasoning=thought,
            audio=voice,
            calls=calls,
            opaque=self._opaque.take() if calls else "",
            finish=finish,
            usage=_usage(chunk, choice),
        )

    def end(self) -> list[StreamEvent]:
        """The last events of a stream that ended properly but without a finish reason."""
        if not self._said or self._over:
            return []
        return piece(calls=self._calls.take(), opaque=self._opaque.take(), finish=Finish.STOP)

    def _body(self, choice: Object) -> Object:
        """The message in a choice: a delta, or the whole message if the server doesn't stream.

        MiniMax repeats the whole message after its deltas; that copy is dropped.
        """
        delta = choice.get("delta")
        if isinstance(delta, str | list):
            delta = {"content": delta}
        if mapping(delta):
            self._by_delta = True
            return mapping(delta)
        if mapping(choice.get("message")):
            return {} if self._by_delta else mapping(choice["message"])
        return {"content": choice.get("text")}


def _first_choice(chunk: Object) -> Object:
    """The only choice that was requested (index 0)."""
    return next((choice for choice in mappings(chunk.get("choices")) if not _is_another(choice.get("index"))), {})


def _is_another(index: object) -> bool:
    return isinstance(index, int) and index != 0


def _usage(chunk: Object, choice: Object) -> Usage | None:
    """The usage report: next to the choices, inside one (Moonshot) or under ``x_groq``."""
    places = (chunk.get("usage"), choice.get("usage"), mapping(chunk.get("x_groq")).get("usage"))
    return next((usage for place in places if (usage := parse_usage(place)) is not None), None)


class ForeignAnswers:
    """Parses one stream in whichever of the two API forms it turns out to be; `host` as in Chunks."""

    def __init__(self, host: str, *, responses: bool) -> None:
        """`responses`: the form to assume until an event shows which one it is."""
        self.chunks, self.responses = Chunks(host), ResponseEvents(host)
        self._in_responses = responses

    def read(self, event: Event | None) -> list[StreamEvent] | None:
        """The events in an SSE event (None: the end of the stream); None if the end adds nothing.

        Raises a ModelError if the event reports one.
        """
        if event is None:
            return (self.responses.end() if self._in_responses else self.chunks.end()) or None
        data = event.data
        chat, response = _is_chat(data), _is_response(data, event.name)
        if chat != response:
            self._in_responses = response
        return self.responses.read(event) if self._in_responses else self.chunks.read(data, event.name)


def _is_chat(data: Object) -> bool:
    return bool(mappings(data.get("choices"))) or text(data.get("object")).startswith(_CHAT)


def _is_response(data: Object, name: str) -> bool:
    kind = text(data.get("type")) or name
    return kind.startswith("response.") or data.get("object") == "response" or bool(mappings(data.get("output")))


class ChatCompletions(OpenAIModel):
    """One model at ``POST {base_url}/chat/completions``."""

    takes_markers = True

    def __init__(self, server: OpenAIServer, name: str) -> None:
        super().__init__(server, name)
        self._sound_as_url, self._sound_was_taken = server.profile.sound_as_url, False
        profile = server.profiles.model(name)
        self._voice, self._voice_format = profile.voice, profile.voice_format

    async def _pieces(self, messages: Sequence[Message], options: Options) -> AsyncGenerator[list[StreamEvent], None]:
        async with (
            await self._open_with_sounds(messages, options) as stream,
            aclosing(read_events(stream.response)) as events,
        ):
            forms = ForeignAnswers(stream.response.url.host, responses=False)
            async for event in events:
                if (read := forms.read(event)) is not None:
                    yield read

    async def _open_with_sounds(
        self, messages: Sequence[Message], options: Options
    ) -> "AsyncStream[ChatCompletionChunk]":
        """Open a stream; if sounds are refused, send them in the other encoding: a gateway may hide any server."""
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
            if not self._marker(messages, options) or not _may_be_the_markers(
                exc, self._optional_names(messages, options)
            ):
                raise
            refusal = exc
        stream = await self._create([replace(message, mark=False) for message in messages], options)
        if self._takes_parts:  # only now is it certain that the markers were to blame
            self._takes_parts = False
            log.warning("The model server refuses cache markers, so none are sent any more: %s", refusal)
        return stream

    async def _create(self, messages: Sequence[Message], options: Options) -> "AsyncStream[ChatCompletionChunk]":
        marker = self._marker(messages, options)
        to_param = partial(message_param, without=options.without, marker=marker, sound_as_url=self._sound_as_url)
        params = await run_in_thread_if_large(messages, lambda: list(map(to_param, messages)))
        client = self.server.client
        return await client.chat.completions.create(
            model=self.name,
            messages=[],  # openai would walk through every field on the event loop: 50 ms for 200 messages
            stream=True,
            extra_body={**fit_fields(self._optional(messages, options), options.without), "messages": params},
        )

    def _voice_fields(self, options: Options) -> dict[str, JsonValue]:
        return voice_fields(self._voice, self._voice_format) if options.voice and self.capabilities.speaks else {}

    def _optional(self, messages: Sequence[Message], options: Options) -> dict[str, JsonValue]:
        profile, extra = self.server.profile, self.extra_body
        usage: dict[str, JsonValue] = {"stream_options": {"include_usage": True}} if profile.usage_in_stream else {}
        wanted = self._voice_fields(options) | tool_parameters(options)
        if self._sets_thinking(options):
            way, template = profile.thinking_as, profile.thinking_in_template
            switch = thinking_fields(way, self.name, thinking=bool(options.thinking), in_template=template)
            own, operators = switch.get(TEMPLATE), extra.get(TEMPLATE)
            if isinstance(own, dict) and isinstance(operators, dict):
                switch[TEMPLATE] = own | operators
            wanted |= switch
        names = ("max_completion_tokens", "max_tokens")
        length = self._length(options, names if profile.completion_tokens else names[::-1])
        apart = reasoning_format(profile.thinking_as, self.name) if self.capabilities.thinks else {}
        return {**usage, **apart, **extra, **self._caching(messages, options), **wanted, **length}


def _may_be_the_form(exc: openai.APIStatusError) -> bool:
    return isinstance(translate(exc, streaming=False), RequestRefused | MediaRefused | CannotHear)


def _may_be_the_markers(exc: openai.APIStatusError, others: Collection[str]) -> bool:
    # Text-only servers may reject content parts with an error about images or "multimodal" content.
    kinds = (RequestRefused, ImageRefused, CannotSee)
    error = translate(exc, streaming=False)
    return exc.status_code in (400, 422) and type(error) in kinds and not blamed_fields(error, others)
