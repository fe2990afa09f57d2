"""The bytes of a stream in the form of each interface, written by hand, so that they can be wrong."""

import json
from collections.abc import Callable, Mapping
from typing import Protocol

from sandbox.model import Behaviour, Raw
from tests.llm.streams import Json, chunk, data, stream

READ, SAID = 700, 20
"""What `usage` and `end` report, where they do."""


class Wire(Protocol):
    """How an interface says it."""

    usage: tuple[Json, ...]
    """Events with the usage, where it comes after the end."""

    def say(self, content: Json) -> Json:
        """A piece of the answer."""
        ...

    def think(self, text: str) -> Json:
        """A piece of what the model thinks."""
        ...

    def end(self, reason: str = "stop") -> Json:
        """Why it ends."""
        ...

    def whole(self, text: str) -> bytes:
        """An answer that is no stream."""
        ...

    def events(self, *events: Json) -> bytes:
        """Events, or texts in their place."""
        ...

    def stream(self, *events: Json) -> bytes:
        """Such events, and the sign that these were all."""
        ...


class _Chat:
    usage: tuple[Json, ...] = (
        {
            "object": "chat.completion.chunk",
            "choices": [],
            "usage": {"prompt_tokens": READ, "completion_tokens": SAID, "total_tokens": READ + SAID},
        },
    )

    def say(self, content: Json) -> Json:
        return chunk(content=content)

    def think(self, text: str) -> Json:
        return chunk(reasoning_content=text)

    def end(self, reason: str = "stop") -> Json:
        return chunk(reason)

    def whole(self, text: str) -> bytes:
        message = {"role": "assistant", "content": text}
        return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()

    def events(self, *events: Json) -> bytes:
        return data(*events)

    def stream(self, *events: Json) -> bytes:
        return stream(*events)


class _Responses(_Chat):
    usage: tuple[Json, ...] = ()

    def say(self, content: Json) -> Json:
        return {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": content}

    def think(self, text: str) -> Json:
        return {"type": "response.reasoning_text.delta", "output_index": 0, "content_index": 0, "delta": text}

    def end(self, reason: str = "stop") -> Json:
        kind = "completed" if reason == "stop" else "incomplete"
        details = {} if reason == "stop" else {"incomplete_details": {"reason": reason}}
        return {"type": f"response.{kind}", "response": self._response(kind) | details}

    def whole(self, text: str) -> bytes:
        said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
        return json.dumps(self._response("completed") | {"output": [said]}).encode()

    def _response(self, status: str) -> dict[str, Json]:
        usage = {"input_tokens": READ, "output_tokens": SAID, "total_tokens": READ + SAID}
        return {"id": "", "object": "response", "status": status, "error": None, "usage": usage, "output": []}


class _DashScope(_Chat):
    usage: tuple[Json, ...] = ()

    def say(self, content: Json) -> Json:
        return self._output("null", content=content)

    def think(self, text: str) -> Json:
        return self._output("null", content="", reasoning_content=text)

    def end(self, reason: str = "stop") -> Json:
        return self._output(reason, content="")

    def whole(self, text: str) -> bytes:
        return json.dumps(self._output("stop", content=text)).encode()

    def events(self, *events: Json) -> bytes:
        texts = [event if isinstance(event, str) else json.dumps(event) for event in events]
        return "".join(f"id:1\nevent:result\n:HTTP_STATUS/200\ndata:{text}\n\n" for text in texts).encode()

    def stream(self, *events: Json) -> bytes:
        return self.events(*events, "[DONE]")

    def _output(self, reason: str, **message: Json) -> dict[str, Json]:
        choice = {"message": {"role": "assistant", **message}, "finish_reason": reason}
        return {"output": {"choices": [choice]}, "usage": {"input_tokens": READ, "output_tokens": SAID}}


_WIRES: Mapping[str, Wire] = {"chat": _Chat(), "responses": _Responses(), "dashscope": _DashScope()}


def odd(make: Callable[[Wire], bytes], *, left_open: bool = False) -> Mapping[str, Behaviour]:
    """The same oddity in the bytes of each interface; `left_open`: the line stays open behind them."""
    return {api: Raw(make(wire), left_open) for api, wire in _WIRES.items()}
