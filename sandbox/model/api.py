"""The interface of the model server's APIs: parse a request, and encode an answer."""

from collections.abc import Mapping
from typing import Literal, Protocol

from sandbox.model.behaviour import Break, Say
from sandbox.model.prompt_cache import PromptCount
from sandbox.model.request import ChatRequest, ErrorBody

Field = Literal["reasoning", "content"]
"""What a delta is a piece of."""


class ApiAnswer(Protocol):
    """One answer in the format of its API; playback calls the methods in the order of sending."""

    def opening(self) -> bytes:
        """The beginning of a stream."""
        ...

    def delta(self, field: Field, text: str) -> bytes:
        """A piece of the answer or of its reasoning."""
        ...

    def speech(self, samples: bytes) -> bytes:
        """A piece of speech."""
        ...

    def call(self, index: int, name: str, arguments: str) -> bytes:
        """A function call in two pieces."""
        ...

    def finish(self) -> bytes:
        """The end of a stream: finish reason and usage."""
        ...

    def broken(self, told: Break) -> bytes:
        """An error in the middle of a stream."""
        ...

    def whole(self, *, finished: bool) -> bytes:
        """The body of an unstreamed answer."""
        ...


class ModelApi(Protocol):
    """A wire format."""

    error: ErrorBody

    def parse(self, body: bytes, headers: Mapping[str, str], received: float) -> ChatRequest:
        """Check a request; raises RequestError with the reason for the client."""
        ...

    def answer(self, request: ChatRequest, say: Say, prompt: PromptCount) -> ApiAnswer:
        """Encode `say` as an answer."""
        ...
