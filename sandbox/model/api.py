"""What every API of the model server can do: read a request, and put an answer into its own bytes."""

from collections.abc import Mapping
from typing import Literal, Protocol

from sandbox.model.behaviour import Break, Say
from sandbox.model.prompt_cache import PromptCount
from sandbox.model.request import ChatRequest, ErrorBody

Field = Literal["reasoning", "content"]
"""What a delta is a piece of."""


class ApiAnswer(Protocol):
    """One answer in the bytes of its API; playback asks for them in the order in which they are sent."""

    def opening(self) -> bytes:
        """What a stream begins with."""
        ...

    def delta(self, field: Field, text: str) -> bytes:
        """A piece of the answer or of the reasoning before it."""
        ...

    def speech(self, samples: bytes) -> bytes:
        """A piece of the spoken answer."""
        ...

    def call(self, index: int, name: str, arguments: str) -> bytes:
        """A call of a function, in two pieces."""
        ...

    def finish(self) -> bytes:
        """What a stream ends with: why it ended, and what it cost."""
        ...

    def broken(self, told: Break) -> bytes:
        """What tells of an error in the middle of a stream."""
        ...

    def whole(self, *, finished: bool) -> bytes:
        """The body of an answer that is not streamed."""
        ...


class ModelApi(Protocol):
    """A wire format."""

    error: ErrorBody

    def parse(self, body: bytes, headers: Mapping[str, str], received: float) -> ChatRequest:
        """Check a request; raises RequestError with the reason for the client."""
        ...

    def answer(self, request: ChatRequest, say: Say, prompt: PromptCount) -> ApiAnswer:
        """What `say` is in this API's bytes."""
        ...
