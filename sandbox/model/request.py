"""A request that is refused, and how OpenAI's APIs say so.

A chat request as it came over the wire, checked: the same values, whichever API it came through.
"""

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
    """The JSON of an error, in the form of one API."""

    def __call__(self, message: str, status: int, code: str | None = None, param: str | None = None) -> bytes:
        """The body."""
        ...


def openai_error(message: str, status: int, code: str | None = None, param: str | None = None) -> bytes:
    """OpenAI's error JSON."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return json.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}}).encode()


@dataclass(frozen=True, slots=True)
class RequestMessage:
    """One message: `text` is its words, `content` all that the model reads (media too).

    `raw` is its JSON as it came, keys in their order: two messages of one API are the same when these are. `media` are
    its pictures and sounds, each as its kind and its bytes. `calls` are the ids of the functions' calls that it makes,
    `answers` is the id of the call whose result it is. All but `raw` are the same in every API. `ends` are the places
    in `content` where its parts end, `marks` those of them that have a cache marker of any kind.
    """

    role: str
    text: str
    content: str
    raw: str
    media: tuple[tuple[str, bytes], ...] = ()
    calls: tuple[str, ...] = ()
    answers: str = ""
    ends: tuple[int, ...] = ()
    marks: tuple[int, ...] = ()

    @property
    def images(self) -> tuple[bytes, ...]:
        """The pictures."""
        return tuple(data for kind, data in self.media if kind.startswith("image/"))

    @property
    def sounds(self) -> tuple[bytes, ...]:
        """The sounds."""
        return tuple(data for kind, data in self.media if not kind.startswith("image/"))


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A checked request; `options` holds what is neither model, messages nor streaming.

    `messages` are the whole conversation that the model reads, `new` how many of them came with this request: all,
    unless it goes on from a response that the server keeps. (Instructions are no message of it, and always come.)
    """

    api: ApiName
    model: str
    messages: tuple[RequestMessage, ...]
    new: int
    stream: bool
    include_usage: bool
    options: Mapping[str, object]
    received: float
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def last_words(self) -> str:
        """The text of the newest message, which is the user's."""
        return self.messages[-1].text

    @property
    def tools(self) -> str:
        """The functions that are offered, which stand before the prompt; empty when none are."""
        offered = self.options.get("tools")
        return json.dumps(offered, ensure_ascii=False) if offered else ""

    @property
    def may_call(self) -> bool:
        """Whether they may be called."""
        return bool(self.tools) and self.options.get("tool_choice") != "none"

    @property
    def wants_speech(self) -> bool:
        """Whether the client asked to be answered by voice."""
        modalities = self.options.get("modalities")
        return isinstance(modalities, list) and "audio" in modalities


def json_object(body: bytes) -> dict[str, object]:
    """The body as a JSON object; raises RequestError when it is none."""
    try:
        payload = json.loads(body)
    except ValueError as exc:
        raise RequestError("the body is not valid JSON") from exc
    if not isinstance(payload, dict):
        raise RequestError("the body must be a JSON object")
    return payload


def model_name(payload: dict[str, object]) -> str:
    """Takes the model's name out of the body; raises RequestError when there is none."""
    model = payload.pop("model", None)
    if not isinstance(model, str) or not model:
        raise RequestError("you must provide a model parameter", "model")
    return model


def flag(value: object, param: str, default: bool = False) -> bool:
    """A yes or no that may be left out; raises RequestError for anything else."""
    if value is not None and not isinstance(value, bool):
        raise RequestError(f"{param} must be true or false", param)
    return default if value is None else value


def object_in(value: object, param: str) -> dict[str, object]:
    """A JSON object that may be left out; raises RequestError for anything else."""
    if value is not None and not isinstance(value, dict):
        raise RequestError(f"{param} must be an object", param)
    return value or {}


def check_tools(options: Mapping[str, object]) -> None:
    """Raises RequestError unless functions were left out, or each has a name and the schema of its arguments."""
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
    """Raises RequestError unless a number of tokens was left out, or is `least` or more."""
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise RequestError(f"Invalid '{param}': must be an integer of at least {least}, got {value!r}.", param)
