"""What the APIs of the model server have in common: parse a request, and encode an answer."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Literal, Protocol

from sandbox.model.behaviour import Break, Say
from sandbox.model.prompt_cache import PromptCount
from sandbox.model.request import ChatRequest, ErrorBody, RawRequest

Field = Literal["reasoning", "content"]
"""What a delta is a piece of."""


class ApiAnswer(ABC):
    """One answer in the format of its API; playback calls the methods in the order of sending."""

    def __init__(self, request: ChatRequest, say: Say, prompt: PromptCount) -> None:
        self._request = request
        self._say = say
        self._prompt = prompt

    @abstractmethod
    def opening(self) -> bytes:
        """The beginning of a stream."""

    @abstractmethod
    def delta(self, field: Field, text: str) -> bytes:
        """A piece of the answer or of its reasoning."""

    @abstractmethod
    def speech(self, samples: bytes) -> bytes:
        """A piece of speech."""

    @abstractmethod
    def call(self, index: int, name: str, arguments: str) -> bytes:
        """A function call in two pieces."""

    @abstractmethod
    def finish(self) -> bytes:
        """The end of a stream: finish reason and usage."""

    @abstractmethod
    def failure(self, behaviour: Break) -> bytes:
        """An error in the middle of a stream."""

    @abstractmethod
    def unstreamed(self, *, finished: bool) -> bytes:
        """The body of an unstreamed answer."""


class ModelApi(Protocol):
    """A wire format."""

    error: ErrorBody

    def parse(self, raw: RawRequest) -> ChatRequest:
        """Check a request; raises RequestError with the reason for the client."""
        ...

    def answer(self, request: ChatRequest, say: Say, prompt: PromptCount) -> ApiAnswer:
        """Encode `say` as an answer."""
        ...


def compact_json(payload: Mapping[str, object]) -> bytes:
    """Compact JSON."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def event(data: bytes, *lines: str) -> bytes:
    """A server-sent event: extra lines, then the data."""
    return "".join(f"{line}\n" for line in lines).encode() + b"data: " + data + b"\n\n"
