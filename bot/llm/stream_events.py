"""What comes back while a model answers: a union of events, and what they add up to.

A request brings, in this order: Queued while it waits, SwitchedModel where another model answers, then pieces of text,
reasoning and audio, then ToolCalls, Finished and UsageReported. After calls of tools ExtraRequestStarted follows, and
then the same again for that request.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self, assert_never

from bot.errors import ModelError
from storage.records import Usage as Usage


class Finish(StrEnum):
    """Why the model stopped by itself."""

    STOP = "stop"
    LENGTH = "length"
    FILTER = "content_filter"
    UNKNOWN = "unknown"
    """The server has a word for it that says nothing to us: the answer is most likely whole."""


@dataclass(frozen=True, slots=True)
class Call:
    """A model's call of a tool; `arguments` are JSON, as it wrote them."""

    id: str
    name: str
    arguments: str
    opaque: str = ""
    """What the server had beside it, as JSON, and wants back with it; it means nothing to us."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer's text, never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of what the model thinks before it answers, never empty. It is not sent back."""

    text: str


@dataclass(frozen=True, slots=True)
class AudioDelta:
    """A piece of the spoken answer: 16-bit samples, mono, 24 kHz."""

    samples: bytes


@dataclass(frozen=True, slots=True)
class TextRetracted:
    """All text of this request so far was reasoning; the answer follows."""


@dataclass(frozen=True, slots=True)
class ToolCalls:
    """Calls of tools, whole; the answer goes on when it has their results."""

    calls: tuple[Call, ...]
    opaque: str = ""
    """See Message.opaque."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The model has ended its answer by itself. Usage may still follow, and some servers say it in each piece."""

    reason: Finish


@dataclass(frozen=True, slots=True)
class UsageReported:
    """What the request has taken so far, in place of earlier reports.

    It is no part of Finished: some servers report it with each piece, and a stream that breaks is paid for too.
    """

    usage: Usage


@dataclass(frozen=True, slots=True)
class SwitchedModel:
    """Another model than the one that was asked gives the answer, to a `share` of the prompt if it reads less."""

    model: str
    failure: ModelError
    """Why the one that was asked does not."""
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class ExtraRequestStarted:
    """What follows belongs to another request, with the results of tool calls; `counted`: our count of its prompt."""

    counted: int


@dataclass(frozen=True, slots=True)
class ResponseStored:
    """The server keeps this response, at this address."""

    address: str


@dataclass(frozen=True, slots=True)
class Queued:
    """The request waits for its turn, or no longer."""

    waiting: bool


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """The server has sent something that says nothing."""


StreamEvent = (
    TextDelta
    | ReasoningDelta
    | AudioDelta
    | TextRetracted
    | ToolCalls
    | Finished
    | UsageReported
    | SwitchedModel
    | ExtraRequestStarted
    | ResponseStored
    | Queued
    | KeepAlive
)


@dataclass(frozen=True, slots=True)
class ExtraRequest:
    """A request besides the first one: our own count of its tokens and of what was said, and what was reported."""

    counted: int
    said: int
    usage: Usage | None
    switched: SwitchedModel | None = None
    """Who answered it, where that is not the model that was asked."""

    def by(self, asked: str) -> str:
        """The name of the model that answered."""
        return self.switched.model if self.switched else asked


@dataclass(slots=True)
class Received:
    """The events of one request, added up; of `finish` and `usage` the last report counts."""

    text: str = ""
    reasoning: str = ""
    audio: bytes = b""
    """See AudioDelta."""
    calls: tuple[Call, ...] = ()
    opaque: str = ""
    """See Message.opaque."""
    finish: Finish | None = None
    usage: Usage | None = None
    switched: SwitchedModel | None = None
    """Who answers, where that is not the model that was asked."""

    @classmethod
    def of(cls, events: Iterable[StreamEvent]) -> Self:
        """All of these."""
        received = cls()
        for event in events:
            received.add(event)
        return received

    def add(self, event: StreamEvent) -> None:
        """Add the next event."""
        match event:
            case TextDelta(text):
                self.text += text
            case ReasoningDelta(text):
                self.reasoning += text
            case TextRetracted():
                self.reasoning, self.text = self.reasoning + self.text, ""
            case AudioDelta(samples):
                self.audio += samples
            case ToolCalls(calls, opaque):
                self.calls, self.opaque = self.calls + calls, opaque or self.opaque
            case Finished(reason):
                self.finish = reason
            case UsageReported(usage):
                self.usage = usage
            case SwitchedModel():
                self.switched = event
            case ExtraRequestStarted() | ResponseStored() | Queued() | KeepAlive():
                pass
            case _:
                assert_never(event)


def piece(
    text: str = "",
    *,
    reasoning: str = "",
    audio: bytes = b"",
    calls: tuple[Call, ...] = (),
    opaque: str = "",
    finish: Finish | None = None,
    usage: Usage | None = None,
) -> list[StreamEvent]:
    """The events of what a server sends at once, in their order; what is not in it is left out."""
    events: list[StreamEvent] = []
    if reasoning:
        events.append(ReasoningDelta(reasoning))
    if text:
        events.append(TextDelta(text))
    if audio:
        events.append(AudioDelta(audio))
    if calls:
        events.append(ToolCalls(calls, opaque))
    if finish is not None:
        events.append(Finished(finish))
    if usage is not None:
        events.append(UsageReported(usage))
    return events


def speaks(event: StreamEvent) -> bool:
    """Whether it is a piece of the answer, or of the reasoning before it."""
    return isinstance(event, TextDelta | ReasoningDelta | AudioDelta)
