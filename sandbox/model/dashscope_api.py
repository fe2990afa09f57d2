"""DashScope's native API, one endpoint for text models and one for multimodal ones: requests, answers and errors.

Messages are under "input", options under "parameters". Sources: the `dashscope` package (what it sends, and how it
reads an answer) and Model Studio's guide to multi-turn conversations.
"""

import base64
import time
import uuid
from collections.abc import Mapping, Sequence

from sandbox.model.api import ApiAnswer, Field, compact_json
from sandbox.model.behaviour import Break, Say
from sandbox.model.messages import (
    RequestMedium,
    check_order,
    media_tokens,
    named_sound,
    nonempty_text,
    picture,
    read_messages,
)
from sandbox.model.prompt_cache import PromptCount, count_tokens
from sandbox.model.request import (
    ChatRequest,
    RawRequest,
    RequestError,
    RequestMessage,
    check_limit,
    check_tools,
    flag,
    model_name,
    object_in,
)

CODES = {
    401: "InvalidApiKey",
    403: "AccessDenied",
    404: "ModelNotFound",
    429: "Throttling.RateQuota",
    500: "InternalError",
    503: "ModelServingError",
}
"""DashScope's codes by status, unless the test sets one; any other status is InvalidParameter."""
UNFINISHED = "null"
"""The finish reason of all chunks but the last: this word, not JSON's null."""
MEDIA = ("image", "audio")


def dashscope_error(message: str, status: int, code: str | None = None, param: str | None = None) -> bytes:  # noqa: ARG001
    """DashScope's error JSON, which has no field for the parameter's name."""
    named = code or CODES.get(status, "InvalidParameter")
    return compact_json({"code": named, "message": message, "request_id": str(uuid.uuid4())})


class DashScopeAnswer(ApiAnswer):
    """One answer: every chunk has the request's id and the usage so far.

    By default each chunk contains the whole answer so far; the client may ask for increments. A text model's content is
    a string, a multimodal one's a list of parts, empty if there is no text.
    """

    def __init__(self, request: ChatRequest, say: Say, prompt: PromptCount, *, multimodal: bool) -> None:
        super().__init__(request, say, prompt)
        self._multimodal = multimodal
        self._id = str(uuid.uuid4())
        self._incremental = request.options.get("incremental_output") is True
        self._thinks = bool(say.reasoning) or request.options.get("enable_thinking") is True
        self._media = _media_tokens(request.messages) if multimodal else {}
        self._output_so_far: dict[Field, str] = {"reasoning": "", "content": ""}
        self._event_number = 0
        self._called = False

    def opening(self) -> bytes:
        """Nothing: the first event is the first piece."""
        return b""

    def delta(self, field: Field, text: str) -> bytes:
        """A piece, or the whole answer so far."""
        self._output_so_far[field] += text
        piece: dict[Field, str] = {"reasoning": "", "content": "", field: text}
        return self._result(piece if self._incremental else self._output_so_far, UNFINISHED)

    def speech(self, samples: bytes) -> bytes:
        """A piece of speech."""
        audio = {"data": base64.b64encode(samples).decode(), "expires_at": int(time.time())}
        output = self._output({"reasoning": "", "content": ""}, UNFINISHED) | {"audio": audio}
        return self._event("result", 200, compact_json(self._body(output)))

    def call(self, index: int, name: str, arguments: str) -> bytes:
        """A function call in two pieces."""
        self._called = True
        head = {"index": index, "id": f"call_{uuid.uuid4().hex}", "type": "function"}
        pieces = ({"name": name, "arguments": arguments[:5]}, {"name": "", "arguments": arguments[5:]})
        if not self._incremental:
            pieces = ({"name": name, "arguments": arguments},) * 2
        return b"".join(self._call_event(head | {"function": piece}) for piece in pieces)

    def _call_event(self, call: dict[str, object]) -> bytes:
        output = self._output({"reasoning": "", "content": ""}, UNFINISHED, call)
        return self._event("result", 200, compact_json(self._body(output)))

    def finish(self) -> bytes:
        """The last event, with the finish reason."""
        nothing: dict[Field, str] = {"reasoning": "", "content": ""}
        reason = "tool_calls" if self._called else self._say.finish_reason
        return self._result(nothing if self._incremental else self._output_so_far, reason)

    def failure(self, behaviour: Break) -> bytes:
        """An error event."""
        error = behaviour.error
        return self._event("error", error.status, dashscope_error(error.message, error.status, error.code))

    def unstreamed(self, *, finished: bool) -> bytes:
        """The body of an unstreamed answer."""
        self._output_so_far = {"reasoning": self._say.reasoning, "content": self._say.text}
        return compact_json(
            self._body(self._output(self._output_so_far, self._say.finish_reason if finished else UNFINISHED))
        )

    def _result(self, piece: dict[Field, str], finish_reason: str) -> bytes:
        return self._event("result", 200, compact_json(self._body(self._output(piece, finish_reason))))

    def _event(self, kind: str, status: int, data: bytes) -> bytes:
        self._event_number += 1
        return f"id:{self._event_number}\nevent:{kind}\n:HTTP_STATUS/{status}\ndata:".encode() + data + b"\n\n"

    def _body(self, output: dict[str, object]) -> dict[str, object]:
        body: dict[str, object] = {"output": output, "request_id": self._id}
        return body | {"usage": self._usage()} if self._say.usage else body

    def _output(
        self, piece: dict[Field, str], finish_reason: str, call: dict[str, object] | None = None
    ) -> dict[str, object]:
        message: dict[str, object] = {"role": "assistant", "content": self._content(piece["content"])}
        if self._thinks:
            message["reasoning_content"] = piece["reasoning"]
        if call is not None:
            message["tool_calls"] = [call]
        return {"choices": [{"message": message, "finish_reason": finish_reason}]}

    def _content(self, text: str) -> str | list[dict[str, str]]:
        if not self._multimodal:
            return text
        return [{"text": text}] if text else []

    def _usage(self) -> dict[str, object]:
        output = count_tokens(sum(len(text.encode()) for text in self._output_so_far.values()))
        return {
            "input_tokens": self._prompt.total,
            "output_tokens": output,
            "total_tokens": self._prompt.total + output,
            "prompt_tokens_details": self._prompt.details,
            **self._media,
        }


def _media_tokens(messages: Sequence[RequestMessage]) -> dict[str, int]:
    found: dict[str, int] = {}
    for kind, data in (medium for message in messages for medium in message.media):
        name = "image_tokens" if kind.startswith("image/") else "audio_tokens"
        found[name] = found.get(name, 0) + media_tokens(kind, data)
    return found


def _streams(headers: Mapping[str, str]) -> bool:
    sse, accepted = headers.get("x-dashscope-sse") == "enable", headers.get("accept", "")
    if sse and "text/event-stream" not in accepted and "*/*" not in accepted:
        raise RequestError("X-DashScope-SSE asks for events, which Accept does not allow")
    return sse or accepted == "text/event-stream"


def _check(parameters: dict[str, object], *, stream: bool, multimodal: bool) -> None:
    check_tools(parameters)
    check_limit(parameters.get("max_tokens"), "max_tokens", 1)
    incremental = flag(parameters.get("incremental_output"), "incremental_output")
    thinking = flag(parameters.get("enable_thinking"), "enable_thinking")
    if thinking and stream and not incremental:
        raise RequestError("parameter.incremental_output only support set True when enable_thinking is true")
    expected = ("message", None) if multimodal else ("message",)
    if parameters.get("result_format") not in expected:
        raise RequestError("result_format is message here")  # the other value is an old format without roles


def _text_part(part: dict[str, object], _: str, param: str) -> str | RequestMedium | None:
    if any(key in part for key in MEDIA):
        raise RequestError("url error, please check url!")  # the text endpoint's message
    return nonempty_text(part["text"], param) if "text" in part else None


def _part(part: dict[str, object], _: str, param: str) -> str | RequestMedium | None:
    if sum(key in part for key in ("text", *MEDIA)) != 1:
        return None
    if "image" in part:
        return picture(part["image"], param)
    return named_sound(part["audio"], param) if "audio" in part else nonempty_text(part["text"], param)


class DashScopeApi:
    """DashScope's wire format at one of the two endpoints."""

    error = staticmethod(dashscope_error)

    def __init__(self, *, multimodal: bool) -> None:
        self._multimodal = multimodal

    def parse(self, raw: RawRequest) -> ChatRequest:
        payload = raw.json()
        model = model_name(payload)
        given = object_in(payload.get("input"), "input").get("messages")
        read_part = _part if self._multimodal else _text_part
        messages = read_messages(given, "input.messages", read_part, plain=not self._multimodal)
        check_order(messages, "input.messages")
        parameters = object_in(payload.get("parameters"), "parameters")
        stream = _streams(raw.headers)
        _check(parameters, stream=stream, multimodal=self._multimodal)
        return ChatRequest("dashscope", raw, model, messages, len(messages), stream, parameters)

    def answer(self, request: ChatRequest, say: Say, prompt: PromptCount) -> DashScopeAnswer:
        return DashScopeAnswer(request, say, prompt, multimodal=self._multimodal)
