"""Stream events: a union of everything that arrives while a model answers, and their sum.

A request yields, in this order: Queued while it waits, SwitchedModel if another model answers, then pieces of text,
reasoning and audio, then ToolCalls, Finished and UsageReported. After tool calls ExtraRequestStarted follows, and then
the same again for that request.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self, assert_never

from bot.errors import ModelError
from storage.records import Usage as Usage


class Finish(StrEnum):
    """Why the model stopped."""

    STOP = "stop"
    LENGTH = "length"
    FILTER = "content_filter"
    UNKNOWN = "unknown"
    """The server's word for it is unknown; the answer is most likely complete."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call; `arguments` are JSON as the model wrote them."""

    id: str
    name: str
    arguments: str
    opaque: str = ""
    """Fields that came with the call and must be returned with it, as JSON; they mean nothing to the bot."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer's text, never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of the reasoning before the answer, never empty. It isn't sent back."""

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
    """Complete tool calls; the answer continues once it has their results."""

    calls: tuple[Call, ...]
    opaque: str = ""
    """See Message.opaque."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The model has finished. Usage may follow, and some servers send this with each piece."""

    reason: Finish


@dataclass(frozen=True, slots=True)
class UsageReported:
    """The usage of the request so far, replacing earlier reports.

    It is separate from Finished because some servers report it with each piece, and interrupted streams are paid for
    too.
    """

    usage: Usage


@dataclass(frozen=True, slots=True)
class SwitchedModel:
    """Another model answers than the one asked, to a `share` of the prompt if its window is smaller."""

    model: str
    failure: ModelError
    """The failure of the model that was asked."""
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class ExtraRequestStarted:
    """What follows belongs to another request, with tool results; `counted`: its prompt in counted tokens."""

    counted: int


@dataclass(frozen=True, slots=True)
class ResponseStored:
    """The server stores this response at this URL."""

    address: str


@dataclass(frozen=True, slots=True)
class Queued:
    """Whether the request is waiting for its turn."""

    waiting: bool


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Something without content."""


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
    """A request besides the first: its counted prompt and output tokens, and the reported usage."""

    counted: int
    output: int
    usage: Usage | None
    switched: SwitchedModel | None = None
    """The model that answered, if it isn't the one asked."""

    def by(self, asked: str) -> str:
        """The name of the model that answered."""
        return self.switched.model if self.switched else asked


@dataclass(slots=True)
class Received:
    """The events of one request, added up; the last `finish` and `usage` count."""

    text: str = ""
    reasoning: str = ""
    audio: bytes | bytearray = b""
    """See AudioDelta; an array, which takes more without a copy of what is already there."""
    calls: tuple[Call, ...] = ()
    opaque: str = ""
    """See Message.opaque."""
    finish: Finish | None = None
    usage: Usage | None = None
    switched: SwitchedModel | None = None
    """The model that answers, if it isn't the one asked."""

    @classmethod
    def of(cls, events: Iterable[StreamEvent]) -> Self:
        """The sum of these events."""
        received = cls()
        for event in events:
            received.add(event)
        return received

    def add(self, event: StreamEvent) -> None:
        match event:
            case TextDelta(text):
                self.text += text
            case ReasoningDelta(text):
                self.reasoning += text
            case TextRetracted():
                self.reasoning, self.text = self.reasoning + self.text, ""
            case AudioDelta(samples):
                self.audio = self.audio or bytearray()
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
    """The events of one piece, in order, without those that it doesn't contain."""
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
    """Whether it is a piece of the answer or its reasoning."""
    return isinstance(event, TextDelta | ReasoningDelta | AudioDelta)
