"""The bytes of a chat completion, streamed or whole, in OpenAI's form."""

import base64
import json
import time
import uuid
from collections.abc import Mapping

from sandbox.model.behaviour import Say
from sandbox.model.prompt_cache import PromptCount, count_tokens
from sandbox.model.request import ChatRequest

DONE = b"data: [DONE]\n\n"


class Completion:
    """One completion: its chunks share an id, and its usage counts what was said so far."""

    def __init__(self, request: ChatRequest, say: Say, prompt: PromptCount) -> None:
        self._request = request
        self._say = say
        self._prompt = prompt
        self._id = f"chatcmpl-{uuid.uuid4().hex}"
        self._created = int(time.time())
        self._said = 0

    def opening(self) -> bytes:
        """The first chunk, which names the role."""
        return self._chunk({"role": "assistant", "content": ""})

    def delta(self, field: str, text: str) -> bytes:
        """A piece of ``content`` or ``reasoning_content``."""
        self._said += len(text.encode())
        return self._chunk({field: text})

    @property
    def spoken(self) -> bool:
        """Whether the client asked to be answered by voice."""
        modalities = self._request.options.get("modalities")
        return isinstance(modalities, list) and "audio" in modalities

    def speech(self, samples: bytes) -> bytes:
        """A piece of the spoken answer, as Qwen-Omni sends it."""
        return self._chunk({"audio": {"data": base64.b64encode(samples).decode(), "expires_at": self._created}})

    def finish(self) -> bytes:
        """The chunk with the finish reason, usage where it was asked for, and the end mark."""
        end = self._chunk({}, self._say.finish_reason)
        if self._say.usage is True and self._request.include_usage:
            end += _event({**self._head("chat.completion.chunk"), "choices": [], "usage": self._usage()})
        return end + DONE

    def whole(self, finish_reason: str | None) -> bytes:
        """The body of an answer that is not streamed."""
        message = {"role": "assistant", "content": self._say.text}
        if self._say.reasoning:
            message["reasoning_content"] = self._say.reasoning
        self._said = len((self._say.reasoning + self._say.text).encode())
        choice = {"index": 0, "message": message, "finish_reason": finish_reason}
        body = {**self._head("chat.completion"), "choices": [choice]}
        return _json(body | {"usage": self._usage()} if self._say.usage else body)

    def _chunk(self, delta: Mapping[str, object], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        chunk = {**self._head("chat.completion.chunk"), "choices": [choice]}
        if self._say.usage == "every chunk":
            chunk["usage"] = self._usage()
        elif self._say.usage and self._request.include_usage:
            chunk["usage"] = None  # OpenAI announces the last chunk's usage with a null in all others
        return _event(chunk)

    def _head(self, kind: str) -> dict[str, object]:
        return {"id": self._id, "object": kind, "created": self._created, "model": self._request.model}

    def _usage(self) -> dict[str, object]:
        said = count_tokens(self._said)
        return {
            "prompt_tokens": self._prompt.total,
            "completion_tokens": said,
            "total_tokens": self._prompt.total + said,
            "prompt_tokens_details": {"cached_tokens": self._prompt.cached},
        }


def error_body(message: str, kind: str, param: str | None = None, code: str | None = None) -> bytes:
    """OpenAI's error JSON."""
    return _json({"error": {"message": message, "type": kind, "param": param, "code": code}})


def _event(payload: Mapping[str, object]) -> bytes:
    return b"data: " + _json(payload) + b"\n\n"


def _json(payload: Mapping[str, object]) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
