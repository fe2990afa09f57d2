"""Chat Completions, OpenAI's older API, which every compatible server speaks: parsing of requests, and answers."""

import base64
import time
import uuid
from collections.abc import Mapping

from sandbox.model.api import ApiAnswer, Field, compact_json, event
from sandbox.model.behaviour import Break, Say
from sandbox.model.messages import RequestMedium, check_order, nonempty_text, picture, read_messages, sound
from sandbox.model.prompt_cache import PromptCount, count_tokens
from sandbox.model.request import (
    ChatRequest,
    RawRequest,
    RequestError,
    check_tools,
    flag,
    model_name,
    object_in,
    openai_error,
)

NO_OPTIONS = frozenset({"model", "messages", "stream", "stream_options"})
"""Fields with an attribute of their own in a ChatRequest."""
DONE = b"data: [DONE]\n\n"
NAMES: Mapping[Field, str] = {"reasoning": "reasoning_content", "content": "content"}
"""The keys of a delta; the one for reasoning is Qwen's and DeepSeek's, since OpenAI has none."""


class Completion(ApiAnswer):
    """One completion: its chunks share an id, and its usage counts what has been sent so far."""

    def __init__(self, request: ChatRequest, say: Say, prompt: PromptCount) -> None:
        super().__init__(request, say, prompt)
        self._id = f"chatcmpl-{uuid.uuid4().hex}"
        self._created = int(time.time())
        self._output_bytes = 0
        self._called = False

    def opening(self) -> bytes:
        """The first chunk, with the role."""
        return self._chunk({"role": "assistant", "content": ""})

    def delta(self, field: Field, text: str) -> bytes:
        """A piece of ``content`` or ``reasoning_content``."""
        self._output_bytes += len(text.encode())
        return self._chunk({NAMES[field]: text})

    def speech(self, samples: bytes) -> bytes:
        """A piece of speech, in Qwen-Omni's format."""
        return self._chunk({"audio": {"data": base64.b64encode(samples).decode(), "expires_at": self._created}})

    def call(self, index: int, name: str, arguments: str) -> bytes:
        """A function call in two pieces."""
        self._called = True
        self._output_bytes += len(arguments.encode())
        head = {"index": index, "id": f"call_{uuid.uuid4().hex}", "type": "function"}
        function = {"name": name, "arguments": arguments[:5]}
        more = {"index": index, "function": {"arguments": arguments[5:]}}
        return self._chunk({"tool_calls": [head | {"function": function}]}) + self._chunk({"tool_calls": [more]})

    def finish(self) -> bytes:
        """The chunk with the finish reason, usage if requested, and the end mark."""
        end = self._chunk({}, "tool_calls" if self._called else self._say.finish_reason)
        if self._say.usage is True and self._request.include_usage:
            end += event(compact_json({**self._head("chat.completion.chunk"), "choices": [], "usage": self._usage()}))
        return end + DONE

    def failure(self, behaviour: Break) -> bytes:
        """An error in place of a chunk."""
        return event(openai_error(behaviour.error.message, behaviour.error.status, behaviour.error.code))

    def unstreamed(self, *, finished: bool) -> bytes:
        """The body of an unstreamed answer."""
        message = {"role": "assistant", "content": self._say.text}
        if self._say.reasoning:
            message["reasoning_content"] = self._say.reasoning
        self._output_bytes = len((self._say.reasoning + self._say.text).encode())
        choice = {"index": 0, "message": message, "finish_reason": self._say.finish_reason if finished else None}
        body = {**self._head("chat.completion"), "choices": [choice]}
        return compact_json(body | {"usage": self._usage()} if self._say.usage else body)

    def _chunk(self, delta: Mapping[str, object], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        chunk = {**self._head("chat.completion.chunk"), "choices": [choice]}
        if self._say.usage == "every chunk":
            chunk["usage"] = self._usage()
        elif self._say.usage and self._request.include_usage:
            chunk["usage"] = None  # OpenAI announces the last chunk's usage by a null in all others
        return event(compact_json(chunk))

    def _head(self, kind: str) -> dict[str, object]:
        return {"id": self._id, "object": kind, "created": self._created, "model": self._request.model}

    def _usage(self) -> dict[str, object]:
        completion = count_tokens(self._output_bytes)
        return {
            "prompt_tokens": self._prompt.total,
            "completion_tokens": completion,
            "total_tokens": self._prompt.total + completion,
            "prompt_tokens_details": self._prompt.details,
        }


def _part(part: dict[str, object], _: str, param: str) -> str | RequestMedium | None:
    match part:
        case {"type": "text"}:
            return nonempty_text(part.get("text"), param)
        case {"type": "image_url", "image_url": {"url": url}}:
            return picture(url, param)
        case {"type": "input_audio", "input_audio": {"format": kind, "data": data}}:
            return sound(kind, data, param)
    return None


class ChatApi:
    """The Chat Completions wire format."""

    error = staticmethod(openai_error)

    def parse(self, raw: RawRequest) -> ChatRequest:
        payload = raw.json()
        model = model_name(payload)
        stream = flag(payload.get("stream"), "stream")
        if not stream and payload.get("stream_options") is not None:
            raise RequestError("stream_options is allowed only when stream is true", "stream_options")
        messages = read_messages(payload.get("messages"), "messages", _part)
        check_order(messages, "messages")
        check_tools(payload)
        stream_options = object_in(payload.get("stream_options"), "stream_options")
        include_usage = flag(stream_options.get("include_usage"), "stream_options.include_usage")
        options = {name: value for name, value in payload.items() if name not in NO_OPTIONS}
        return ChatRequest("chat", raw, model, messages, len(messages), stream, options, include_usage)

    def answer(self, request: ChatRequest, say: Say, prompt: PromptCount) -> Completion:
        return Completion(request, say, prompt)
