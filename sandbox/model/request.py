"""A chat request as it came over the wire, checked: what a real server would refuse is refused here, in plain words."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sandbox.model.media import Medium, medium
from sandbox.model.refusal import RequestError


@dataclass(frozen=True, slots=True)
class Message:
    """One element of the messages array: `text` is its words, `content` all that the model reads (media too).

    `raw` is its JSON as it came, keys in their order: two messages are the same when these are. `media` are its
    pictures and sounds, each as its kind and its bytes.
    """

    role: str
    text: str
    content: str
    raw: str
    media: tuple[tuple[str, bytes], ...] = ()

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

    `messages` are the whole conversation, `new` how many of them this request brought: fewer than all where the server
    was asked to go on from what it keeps.
    """

    model: str
    messages: tuple[Message, ...]
    stream: bool
    include_usage: bool
    options: Mapping[str, object]
    received: float
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    api: Literal["chat", "responses"] = "chat"
    new: int | None = None

    @property
    def last_words(self) -> str:
        """The text of the newest message, which is the user's."""
        return self.messages[-1].text


def parse(body: bytes, headers: Mapping[str, str], received: float) -> ChatRequest:
    """Check the body of a request; raises RequestError with the reason for the client."""
    payload = json_object(body)
    model = payload.pop("model", None)
    if not isinstance(model, str) or not model:
        raise RequestError("you must provide a model parameter", "model")
    stream = flag(payload.pop("stream", None), "stream")
    if not stream and payload.get("stream_options") is not None:
        raise RequestError("stream_options is allowed only when stream is true", "stream_options")
    return ChatRequest(
        model=model,
        messages=_messages(payload.pop("messages", None)),
        stream=stream,
        include_usage=_include_usage(payload.pop("stream_options", None)),
        options=payload,
        received=received,
        headers=headers,
        body=body,
    )


def json_object(body: bytes) -> dict[str, object]:
    """The body as a JSON object; raises RequestError when it is none."""
    try:
        payload = json.loads(body)
    except ValueError as exc:
        raise RequestError("the body is not valid JSON") from exc
    if not isinstance(payload, dict):
        raise RequestError("the body must be a JSON object")
    return payload


def flag(value: object, param: str) -> bool:
    """A switch that may be left out; raises RequestError."""
    if value is not None and not isinstance(value, bool):
        raise RequestError(f"{param} must be true or false", param)
    return bool(value)


def _include_usage(options: object) -> bool:
    if options is None:
        return False
    if not isinstance(options, dict):
        raise RequestError("stream_options must be an object", "stream_options")
    return flag(options.get("include_usage"), "stream_options.include_usage")


def _messages(value: object) -> tuple[Message, ...]:
    if not isinstance(value, list) or not value:
        raise RequestError("messages must be a list that is not empty", "messages")
    messages = tuple(message(item, f"messages.[{index}]") for index, item in enumerate(value))
    check_order(messages)
    return messages


def message(value: object, param: str) -> Message:
    """One element of a messages array; raises RequestError."""
    if not isinstance(value, dict):
        raise RequestError(f"{param} must be an object", param)
    role = value.get("role")
    if role not in ("system", "user", "assistant"):
        raise RequestError(f"{param}.role must be system, user or assistant, not {role!r}", param)
    parts = _parts(value.get("content"), f"{param}.content")
    return Message(
        role=str(role),
        text="".join(part for part in parts if isinstance(part, str)),
        content="".join(part if isinstance(part, str) else part.read for part in parts),
        raw=json.dumps(value, ensure_ascii=False),
        media=tuple((part.kind, part.data) for part in parts if not isinstance(part, str)),
    )


def _parts(content: object, param: str) -> list[str | Medium]:
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(parts, list) or not parts:
        raise RequestError(f"{param} must be a text or a list of parts that is not empty", param)
    return [_part(part, f"{param}.[{index}]") for index, part in enumerate(parts)]


def _part(value: object, param: str) -> str | Medium:
    kind = value.get("type") if isinstance(value, dict) else None
    if isinstance(value, dict) and kind == "text":
        text = value.get("text")
        if not isinstance(text, str) or not text:
            raise RequestError(f"{param} has no text", param)
        return text
    if isinstance(value, dict) and (found := medium(value, param)):
        return found
    raise RequestError(f"{param} is not a content part that is known here (type {kind!r})", param)


def check_order(messages: tuple[Message, ...]) -> None:
    """One system message at most, at the head; then user and assistant in turn, the user first and last.

    Raises RequestError.
    """
    start = 1 if messages[0].role == "system" else 0
    for index, message in enumerate(messages[start:]):
        expected = "assistant" if index % 2 else "user"
        if message.role != expected:
            param = f"messages.[{start + index}]"
            raise RequestError(f"{param}.role must be {expected} here: roles alternate, not {message.role!r}", param)
    if messages[-1].role != "user":
        raise RequestError("the last message must be the user's", "messages")
