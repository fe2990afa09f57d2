"""A chat request after parsing and checking, the same for every API, and refusals."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

ApiName = Literal["chat", "responses", "dashscope"]


class RequestError(Exception):
    """The request is refused; the message says why."""

    def __init__(self, message: str, param: str | None = None, *, status: int = 400, code: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.status = status
        self.code = code


class ErrorBody(Protocol):
    """Encodes an error in the format of one API."""

    def __call__(self, message: str, status: int, code: str | None = None, param: str | None = None) -> bytes: ...


def openai_error(message: str, status: int, code: str | None = None, param: str | None = None) -> bytes:
    """OpenAI's error JSON."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return json.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}}).encode()


@dataclass(frozen=True, slots=True)
class RequestMessage:
    """One message: `text` is its words, `content` everything the model reads, including media.

    `raw` is its JSON as received: two messages of the same API are equal if these are. `media` has (kind, bytes) of
    pictures and sounds. `call_ids` are those of its function calls, `tool_call_id` is that of the call whose result it
    is. Everything but `raw` is independent of the API. `ends` are the offsets in `content` where its parts end,
    `markers` those of them with a cache marker of any kind.
    """

    role: str
    text: str
    content: str
    raw: str
    media: tuple[tuple[str, bytes], ...] = ()
    call_ids: tuple[str, ...] = ()
    tool_call_id: str = ""
    ends: tuple[int, ...] = ()
    markers: tuple[int, ...] = ()

    @property
    def images(self) -> tuple[bytes, ...]:
        return tuple(data for kind, data in self.media if kind.startswith("image/"))

    @property
    def sounds(self) -> tuple[bytes, ...]:
        return tuple(data for kind, data in self.media if not kind.startswith("image/"))


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as it came: `received` is the monotonic time of its arrival."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    received: float = 0.0

    def json(self) -> dict[str, object]:
        """The body as a JSON object; raises RequestError."""
        return json_object(self.body)


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A checked request; `options` has everything besides model, messages and streaming.

    `messages` is the whole conversation that the model reads, `new` how many of them came with this request: all,
    unless it continues from a stored response. (Instructions aren't part of a stored conversation and always come.)
    """

    api: ApiName
    raw: RawRequest
    model: str
    messages: tuple[RequestMessage, ...]
    new: int
    stream: bool
    options: Mapping[str, object]
    include_usage: bool = True

    @property
    def body(self) -> bytes:
        return self.raw.body

    @property
    def headers(self) -> Mapping[str, str]:
        return self.raw.headers

    @property
    def received(self) -> float:
        return self.raw.received

    @property
    def last_words(self) -> str:
        """The text of the newest message, which is the user's."""
        return self.messages[-1].text

    @property
    def tools(self) -> str:
        """The offered functions, which precede the prompt; "" if none."""
        offered = self.options.get("tools")
        return json.dumps(offered, ensure_ascii=False) if offered else ""

    @property
    def may_call(self) -> bool:
        """Whether the model may call them."""
        return bool(self.tools) and self.options.get("tool_choice") != "none"

    @property
    def wants_speech(self) -> bool:
        """Whether the client asked for speech."""
        modalities = self.options.get("modalities")
        return isinstance(modalities, list) and "audio" in modalities


def json_object(body: bytes) -> dict[str, object]:
    """The body as a JSON object; raises RequestError."""
    try:
        payload = json.loads(body)
    except ValueError as exc:
        raise RequestError("the body is not valid JSON") from exc
    if not isinstance(payload, dict):
        raise RequestError("the body must be a JSON object")
    return payload


def model_name(payload: Mapping[str, object]) -> str:
    """The model's name; raises RequestError if it is missing."""
    model = payload.get("model")
    if not isinstance(model, str) or not model:
        raise RequestError("you must provide a model parameter", "model")
    return model


def flag(value: object, param: str, default: bool = False) -> bool:
    """An optional boolean; raises RequestError."""
    if value is not None and not isinstance(value, bool):
        raise RequestError(f"{param} must be true or false", param)
    return default if value is None else value


def object_in(value: object, param: str) -> dict[str, object]:
    """An optional JSON object; raises RequestError."""
    if value is not None and not isinstance(value, dict):
        raise RequestError(f"{param} must be an object", param)
    return value or {}


def check_tools(options: Mapping[str, object]) -> None:
    """Raise RequestError unless tools are missing or each has a name and a schema."""
    offered = options.get("tools")
    if offered is None:
        if options.get("tool_choice") is not None:
            raise RequestError("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice")
        return
    if not isinstance(offered, list) or not offered:
        raise RequestError("tools must be a list that is not empty", "tools")
    for index, tool in enumerate(offered):
        function = tool.get("function", tool) if isinstance(tool, dict) else {}
        schema = function.get("parameters")
        if not isinstance(function.get("name"), str) or not isinstance(schema, dict) or schema.get("type") != "object":
            raise RequestError(f"tools[{index}] needs a name and a schema of its arguments", "tools")
    if options.get("tool_choice", "auto") not in ("auto", "none", "required"):
        raise RequestError("tool_choice must be auto, none or required", "tool_choice")


def check_limit(value: object, param: str, least: int) -> None:
    """Raise RequestError unless a number of tokens is missing or at least `least`."""
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise RequestError(f"Invalid '{param}': must be an integer of at least {least}, got {value!r}.", param)
