"""The model interface of the conversation: messages go in, events come out, and every failure is a ModelError."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from pydantic import JsonValue

from bot.llm.stream_events import Call, ExtraRequest, StreamEvent

CONTROL = "cache_control"
"""Anthropic and Alibaba, and gateways in front of them: four per request, each found from up to 20 parts after it."""
BREAKPOINT = "prompt_cache_breakpoint"
"""OpenAI since GPT-5.6: four are written, and found only if a later request has one at the same position."""
MARKERS: dict[str, dict[str, JsonValue]] = {CONTROL: {"type": "ephemeral"}, BREAKPOINT: {"mode": "explicit"}}
"""Fields of a message part that ask the server to cache the prompt up to the end of that part."""
MOST_MARKS = 4
OWN_HIT = 0.05
"""The relative price of a cached token on a self-hosted engine: it isn't read again, but later tokens attend to it."""
KEY, OPTIONS = "prompt_cache_key", "prompt_cache_options"
OURS_ALONE: dict[str, JsonValue] = {"mode": "explicit"}
"""In the options: no implicit breakpoint. The server would put it after the recalled text, at a price of a quarter more
than not caching."""


@dataclass(frozen=True, slots=True)
class CacheProfile:
    """What is known about a model's prompt cache at its server."""

    explicit: bool
    """Whether it accepts markers and bills by them."""
    minimum: int
    """The fewest tokens of a prompt that is cached."""
    lifetime_s: float
    """How long a prompt stays cached after its last use, in seconds."""
    exact: bool = False
    """Its markers are breakpoints: nothing is cached without them."""
    hit: float | None = None
    """The relative price of a cached token; None: unknown, so a setting applies."""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: a MIME type and the file's bytes."""

    mime: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound: ``mp3`` or ``wav``, and the file's bytes."""

    format: str
    data: bytes


Part = str | Image | Sound


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call, with a single text argument."""

    name: str
    purpose: str
    argument: str
    meaning: str
    """A description of the argument."""

    @property
    def parameters(self) -> dict[str, JsonValue]:
        """The JSON Schema of its arguments, always the same bytes."""
        argument: dict[str, JsonValue] = {"type": "string", "description": self.meaning}
        return {"type": "object", "properties": {self.argument: argument}, "required": [self.argument]}


@dataclass(frozen=True, slots=True)
class Message:
    """An element of the messages array; `role` is system, user, assistant or tool."""

    role: str
    content: str
    mark: bool = False
    """Ask the server to cache the prompt up to the end of this message; the text is unaffected."""
    passing: int = 0
    """The number of characters at its end that only this request has; a mark goes before them."""
    notes: int = 0
    """The number of characters at its beginning that are notes, which stay when older messages are left out."""
    parts: tuple[Part, ...] = ()
    """If there is more than text: all parts in order; `content` is then the text alone."""
    calls: tuple[Call, ...] = ()
    """Calls by the assistant, after its text."""
    answers: str = ""
    """The id of the call whose result this is (role tool)."""
    opaque: str = ""
    """Fields that came with the calls and must be returned with them, as JSON."""

    def with_notes(self, notes: str) -> "Message":
        """The message with notes at its beginning."""
        parts = list(self.parts)
        if parts and isinstance(parts[0], str):
            parts[0] = notes + parts[0]
        elif parts:
            parts.insert(0, notes)
        return replace(self, content=notes + self.content, parts=tuple(parts), notes=len(notes))


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model takes and produces besides text."""

    sees: bool = False
    hears: bool = False
    speaks: bool = False
    thinks: bool = False
    """Thinking can be switched on and off."""
    most_images: int | None = None
    """The most pictures per request; None: unknown."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a request; of a `brief` one only the first words are read."""

    thinking: bool | None = None
    """Think before answering; None: the model's default."""
    voice: bool = False
    """Answer with speech as well as text."""
    lasting: bool = False
    """The next request will begin with this one and its answer, so the server may store them."""
    tools: tuple[Tool, ...] = ()
    """They precede the prompt, so all requests of a conversation have the same ones."""
    may_call: bool = False
    """Whether the tools may be called now."""
    aside: bool = False
    """A side request, to which the operator's limit on answers doesn't apply."""
    brief: bool = False
    cache_key: str = ""
    """Requests with the same key share a prefix; it has no other meaning."""
    without: frozenset[str] = frozenset()
    """Optional fields of the request that the server refuses."""


DEFAULT = Options()


class ChatModel(Protocol):
    """A model that continues a conversation."""

    @property
    def name(self) -> str:
        """The name under which usage is recorded."""

    @property
    def capabilities(self) -> Capabilities:
        """The known capabilities, minus those that were refused."""

    @property
    def window(self) -> int:
        """The most tokens of a prompt."""

    @property
    def limit(self) -> int | None:
        """The most tokens that it was seen to read, if fewer than `window`."""

    @property
    def single_turn(self) -> bool:
        """Whether it takes one message and no history."""

    @property
    def calls(self) -> bool:
        """Whether it can call tools."""

    def learn_limit(self, tokens: int) -> None:
        """Record that the model reads no more than this many tokens."""

    def stream(self, messages: Sequence[Message], options: Options = DEFAULT) -> AsyncGenerator[StreamEvent, None]:
        """Answer the last message.

        Raises a ModelError for every failure; StreamCut also if the stream ends without a finish reason. The caller
        limits the time, and closes the iterator to end an answer early.
        """


class ModelWrapper:
    """A base for models that wrap another one: they differ in how they stream an answer."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    @property
    def name(self) -> str:
        """The name under which usage is recorded."""
        return self._model.name

    @property
    def capabilities(self) -> Capabilities:
        """The known capabilities, minus those that were refused."""
        return self._model.capabilities

    @property
    def window(self) -> int:
        """The most tokens of a prompt."""
        return self._model.window

    @property
    def limit(self) -> int | None:
        """The most tokens that it was seen to read, if fewer than `window`."""
        return self._model.limit

    @property
    def single_turn(self) -> bool:
        """Whether it takes one message and no history."""
        return self._model.single_turn

    @property
    def calls(self) -> bool:
        """Whether it can call tools."""
        return self._model.calls

    def learn_limit(self, tokens: int) -> None:
        """Record that the model reads no more than this many tokens."""
        self._model.learn_limit(tokens)


class Models(Protocol):
    """All models of one server, by name."""

    def cache(self, name: str) -> CacheProfile:
        """The server's prompt cache for the model of this name."""

    @property
    def vision_model(self) -> str | None:
        """The server's model for pictures if no setting names one."""

    def of(self, name: str) -> ChatModel:
        """The model of this name; always the same object."""

    async def learn(self) -> None:
        """Ask the server for its models; it may be slow or not answer."""

    async def ready(self) -> None:
        """Wait briefly for an answer to `learn`."""

    async def close(self) -> None:
        """Close the connections."""


class Transcriber(Protocol):
    """A transcription model."""

    @property
    def name(self) -> str:
        """The name under which usage is recorded."""

    async def transcribe(self, sound: Sound, requests: list[ExtraRequest] | None = None) -> str:
        """The transcript of a sound; "" if there are no words. Raises a ModelError for every failure.

        Each request is added to `requests`.
        """

    async def close(self) -> None:
        """Close the connections."""


class Purpose(StrEnum):
    """The purpose of an embedding: many models distinguish them."""

    QUERY = "query"
    """A question."""
    PASSAGE = "passage"
    """A text to be searched."""


class Embedder(Protocol):
    """A model that maps texts to vectors so that similar meanings are near each other."""

    @property
    def name(self) -> str:
        """The model's name; vectors of different models aren't comparable."""

    async def embed(
        self, texts: Sequence[str], purpose: Purpose, requests: list[ExtraRequest] | None = None
    ) -> list[list[float]]:
        """A vector for each text, in order, all of the same dimension. Raises a ModelError for every failure.

        Each request is added to `requests` unless it is free.
        """

    async def close(self) -> None:
        """Close the connections."""
