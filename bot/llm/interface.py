"""What the conversation knows of a model: messages go in, events come out, and every failure is a ModelError."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pydantic import JsonValue

from bot.llm.stream_events import Call, ExtraRequest, StreamEvent

CONTROL = "cache_control"
"""Anthropic and Alibaba, and gateways before them: four in a request, each found again from 20 parts behind it."""
BREAKPOINT = "prompt_cache_breakpoint"
"""OpenAI since GPT-5.6: four are written, and found again where a later request has one at the very same place."""
MARKERS: dict[str, dict[str, JsonValue]] = {CONTROL: {"type": "ephemeral"}, BREAKPOINT: {"mode": "explicit"}}
"""Fields of a part of a message, the prompt up to whose end is to be kept."""
MOST_MARKS = 4
OWN_HIT = 0.05
"""What a token costs that an engine of one's own has read before, relative to a fresh one: it is not read again, only
looked at by those behind it."""
KEY, OPTIONS = "prompt_cache_key", "prompt_cache_options"
OURS_ALONE: dict[str, JsonValue] = {"mode": "explicit"}
"""In the options: no breakpoint of the server's own. It would stand behind what was recalled, and cost a quarter more
than not to be kept."""


@dataclass(frozen=True, slots=True)
class CacheProfile:
    """What is known of the prompt cache of a model at its server."""

    explicit: bool
    """Whether it takes markers, and bills by them."""
    minimum: int
    """A shorter prompt is not cached, in tokens."""
    lifetime_s: float
    """How long a prompt stays in the cache after it was last used, in seconds."""
    exact: bool = False
    """Its markers are breakpoints: nothing is found again without them."""
    hit: float | None = None
    """What a cached token costs there, relative to a fresh one; None: nobody knows, so that a setting says it."""


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
    """A function that the model may call; it takes one text."""

    name: str
    purpose: str
    argument: str
    meaning: str
    """Of the argument."""

    @property
    def parameters(self) -> dict[str, JsonValue]:
        """The JSON Schema of its arguments, the same bytes every time."""
        argument: dict[str, JsonValue] = {"type": "string", "description": self.meaning}
        return {"type": "object", "properties": {self.argument: argument}, "required": [self.argument]}


@dataclass(frozen=True, slots=True)
class Message:
    """One element of the messages array; `role` is system, user, assistant or tool."""

    role: str
    content: str
    mark: bool = False
    """The server is asked to keep the prompt up to the end of this message in its cache; the text stays as it is."""
    passing: int = 0
    """So many letters at its end are for this request alone; a mark stands before them."""
    parts: tuple[Part, ...] = ()
    """Where it is more than words: all of it in its order; `content` is the words alone then."""
    calls: tuple[Call, ...] = ()
    """The assistant's, behind its words."""
    answers: str = ""
    """The id of the call whose result this is (role tool)."""
    opaque: str = ""
    """What the server had beside the calls, as JSON, and wants back with them."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model takes and gives besides text."""

    sees: bool = False
    hears: bool = False
    speaks: bool = False
    thinks: bool = False
    """It can be told whether to reason before it answers."""
    most_images: int | None = None
    """So many it sees in one request; None: nobody knows."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a request asks of the model besides an answer; of a `brief` one only the first words are read."""

    thinking: bool | None = None
    """Reason before the answer, or don't; None: as the model does."""
    voice: bool = False
    """Speak the answer as well as write it."""
    lasting: bool = False
    """The next request will begin with this one and its answer: the server may keep them."""
    tools: tuple[Tool, ...] = ()
    """They stand before the prompt: all requests of a conversation have the same ones."""
    may_call: bool = False
    """Whether they may be called now."""
    aside: bool = False
    """It is no answer for a reader, whose length the operator may have bounded."""
    brief: bool = False
    cache_key: str = ""
    """Requests with the same one begin alike; it says nothing else."""
    without: frozenset[str] = frozenset()
    """Optional fields of the request that the server refuses."""


DEFAULT = Options()


class ChatModel(Protocol):
    """A model that continues a conversation."""

    @property
    def name(self) -> str:
        """The model's name, as usage is recorded under it."""

    @property
    def senses(self) -> Capabilities:
        """What it is known to take and give; a refusal may have taught that it takes less."""

    @property
    def window(self) -> int:
        """How many tokens a prompt may have."""

    @property
    def limit(self) -> int | None:
        """How many tokens it was seen to read at most, where that is less than `window`."""

    @property
    def single_turn(self) -> bool:
        """Whether it takes one message, and no history."""

    @property
    def calls(self) -> bool:
        """Whether it calls tools."""

    def learn_limit(self, tokens: int) -> None:
        """It was seen that the model reads no more than that many tokens."""

    def stream(self, messages: Sequence[Message], options: Options = DEFAULT) -> AsyncGenerator[StreamEvent, None]:
        """Answer the last message.

        Raises a ModelError for every failure; StreamCut also when the stream ends without saying why it ended. The
        caller sets the bound in time, and closes the iterator to end an answer early.
        """


class Models(Protocol):
    """All models of one server, by name."""

    def cache(self, name: str) -> CacheProfile:
        """The server's prompt cache, for the model of this name."""

    @property
    def vision_model(self) -> str | None:
        """The name of the server's model that answers about pictures where nobody named one."""

    def of(self, name: str) -> ChatModel:
        """The model of this name; the same one each time."""

    async def learn(self) -> None:
        """Ask the server what it tells of its models; it need not answer, and may take its time."""

    async def ready(self) -> None:
        """Wait, a moment at most, for what it is still to tell."""

    async def close(self) -> None:
        """Close the connections."""


class Transcriber(Protocol):
    """A model that writes down what it hears."""

    @property
    def name(self) -> str:
        """The model's name, as usage is recorded under it."""

    async def transcribe(self, sound: Sound, took: list[ExtraRequest] | None = None) -> str:
        """The words of a sound; empty when there are none. Raises a ModelError for every failure.

        What each request took is added to `took`.
        """

    async def close(self) -> None:
        """Close the connections."""


class Purpose(StrEnum):
    """What a text is embedded for: many models have a form for each."""

    QUERY = "query"
    """It asks."""
    PASSAGE = "passage"
    """It is searched."""


class Embedder(Protocol):
    """A model that gives texts a place in a space where what means the same is near."""

    @property
    def name(self) -> str:
        """The model's name; vectors of different models can't be compared."""

    async def embed(
        self, texts: Sequence[str], purpose: Purpose, took: list[ExtraRequest] | None = None
    ) -> list[list[float]]:
        """A vector for each text, in their order, all of one dimension. Raises a ModelError for every failure.

        What each request took is added to `took`, unless it costs nothing.
        """

    async def close(self) -> None:
        """Close the connections."""
