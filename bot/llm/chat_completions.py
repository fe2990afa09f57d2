"""The chunks of a chat completion, read into deltas, of whatever form they are.

An answer in the form of the other API than the one that was asked: gateways hand on what stands behind them.

Chat Completions, as every OpenAI-compatible server speaks it.

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
from bot.llm.client import made
from bot.llm.failures import failure, failure_in, translate
from bot.llm.fields import TEMPLATE, blamed, fitted, switched, told_apart
from bot.llm.finishes import finish_of, reason_in
from bot.llm.interface import Delta, Finish, Message, Options, Sound, Usage
from bot.llm.lenient import Object, mapping, mappings, text, thoughts, words
from bot.llm.openai_server import OpenAIModel, OpenAIServer
from bot.llm.parameters import param, spoken, transcript_in, voice_in
from bot.llm.response_events import ResponseEvents
from bot.llm.server_sent_events import Event, events
from bot.llm.tool_calls import Opaque, ToolCallAssembler, tool_parameters
from bot.llm.usage_report import reported

if TYPE_CHECKING:
    from openai import AsyncStream
    from openai.types.chat import ChatCompletionChunk

_THOUGHTS = ("reasoning_content", "reasoning", "reasoning_details", "thinking", "thinking_blocks", "reasoning_text")
"""Qwen and DeepSeek say the first, OpenRouter, Groq and Ollama the second, LiteLLM the fifth, Copilot the last."""
_CHAT = ("chat.completion", "text_completion")

log = logging.getLogger(__name__)


class Chunks:
    """Reads one stream; `host` is the server's, since some words mean something else at some."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._calls, self._opaque = ToolCallAssembler(), Opaque()
        self._said = False
        """There was something that is an answer."""
        self._by_delta = self._over = False

    def read(self, chunk: Object, name: str = "") -> Delta:
        """What a chunk adds. Raises a ModelError for a failure that it tells of; `name` is its event's."""
        if (told := failure_in(chunk, name, self._host)) is not None:
            raise told
        choice = _first_choice(chunk)
        if (error := choice.get("error")) and not isinstance(error, bool):  # OpenRouter
            raise failure(error, self._host)
        if error := mapping(chunk.get("x_groq")).get("error"):  # why it stopped early
            raise failure(error, self._host)
        body = self._body(choice)
        said, thought = words(body.get("content"))
        audio = mapping(body.get("audio"))
        voice = voice_in(audio)
        said = said or text(body.get("refusal")) or transcript_in(audio)
        thought = thought or thoughts([body.get(field) for field in _THOUGHTS])
        self._calls.add(mappings(body.get("tool_calls")))
        self._opaque.add(body)
        self._said = self._said or bool(said or voice or self._calls.begun)
        finish = finish_of(reason_in(choice, chunk), said=self._said)
        self._over = self._over or finish is not None
        calls = self._calls.take() if finish else ()
        return Delta(
            text=said,
            reasoning=thought,
            finish=finish,
            usage=_usage(chunk, choice),
            voice=voice,
            calls=calls,
            opaque=self._opaque.take() if calls else "",
        )

    def end(self) -> Delta | None:
        """What the end of a stream adds that says that it is done, for a server that names no reason."""
        if not self._said or self._over:
            return None
        return Delta(finish=Finish.STOP, calls=self._calls.take(), opaque=self._opaque.take())

    def _body(self, choice: Object) -> Object:
        """The piece in a choice; a whole message stands there if the server does not stream.

        MiniMax repeats the whole message behind its pieces.
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
    """The one answer that was asked for."""
    return next((choice for choice in mappings(chunk.get("choices")) if not _is_another(choice.get("index"))), {})


def _is_another(index: object) -> bool:
    return isinstance(index, int) and index != 0


def _usage(chunk: Object, choice: Object) -> Usage | None:
    """What was reported: beside the choices, by Moonshot inside of one, by Groq in a field of its own."""
    places = (chunk.get("usage"), choice.get("usage"), mapping(chunk.get("x_groq")).get("usage"))
    return next((usage for place in places if (usage := reported(place)) is not None), None)


class ForeignAnswers:
    """Reads one stream; `host` is the server's (see Chunks)."""

    def __init__(self, host: str, *, responses: bool) -> None:
        """`responses`: what is in neither form is read as the Responses API."""
        self.chunks, self.responses = Chunks(host), ResponseEvents(host)
        self._in_responses = responses

    def read(self, event: Event) -> Delta:
        """What an event adds. Raises a ModelError for a failure that it tells of."""
        data = event.data
        chat, response = _is_chat(data), _is_response(data, event.name)
        if chat != response:
            self._in_responses = response
        return self.responses.read(event) if self._in_responses else self.chunks.read(data, event.name)

    def end(self) -> Delta | None:
        """What the end of a stream adds that says that it is done, for a server that names no reason."""
        return self.responses.end() if self._in_responses else self.chunks.end()


def _is_chat(data: Object) -> bool:
    return bool(mappings(data.get("choices"))) or text(data.get("object")).startswith(_CHAT)


def _is_response(data: Object, name: str) -> bool:
    kind = text(data.get("type")) or name
    return kind.startswith("response.") or data.get("object") == "response" or bool(mappings(data.get("output")))


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
            forms = ForeignAnswers(stream.response.url.host, responses=False)
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
