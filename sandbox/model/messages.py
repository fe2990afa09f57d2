"""Parsing and checking of a request's messages and media: what a real server refuses is refused here, by every API.

Pictures and sounds must be what they claim to be.
"""

import base64
import binascii
import hashlib
import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import PIL.Image

from sandbox.model.request import RequestError, RequestMessage

MARKERS = ("cache_control", "prompt_cache_breakpoint")
"""Cache marker fields of a part: Qwen's and Anthropic's, and OpenAI's since GPT-5.6."""
MOST_MARKERS = 4
"""Anthropic refuses more ``cache_control`` markers."""
ROLES = ("system", "user", "assistant", "tool")
TOKEN_BYTES = 4
PICTURE_TOKEN_PIXELS = 32 * 32
"""Qwen3-VL's pixels per token."""
SOUND_TOKEN_BYTES = 240
"""Qwen-Omni counts 25 tokens per second, and this is a 25th of a second at 48 kbit/s."""

_PICTURE = re.compile(r"data:(image/(?:jpeg|png|webp|gif));base64,(.+)", re.DOTALL)
_SOUND = re.compile(r"(?:data:[^,]*;base64,)?(.+)", re.DOTALL)
_NAMED_SOUND = re.compile(r"data:(audio/[a-z0-9-]+);base64,.+", re.DOTALL)
_SOUND_KINDS = {"audio/mp3": "mp3", "audio/mpeg": "mp3", "audio/wav": "wav", "audio/x-wav": "wav"}
_BEGINNINGS = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/webp": (b"RIFF",),
    "image/gif": (b"GIF8",),
    "mp3": (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"),
    "wav": (b"RIFF",),
}


@dataclass(frozen=True, slots=True)
class RequestMedium:
    """A picture or sound of the stated kind, with its tokens as Qwen counts."""

    kind: str
    data: bytes
    tokens: int

    @property
    def read(self) -> str:
        """Its stand-in in the prompt: this many tokens of text, the same for the same bytes."""
        name = hashlib.sha256(self.data).hexdigest()
        length = TOKEN_BYTES * self.tokens
        return (name * -(-length // len(name)))[:length]


def picture(url: object, param: str) -> RequestMedium:
    """The picture in a data URL; raises RequestError."""
    match = _PICTURE.fullmatch(str(url))
    if match is None:
        raise RequestError(f"{param}: the image is no data URL of a kind that is read here", param)
    return _checked_medium(match[1], match[2], param)


def sound(kind: object, encoded: object, param: str) -> RequestMedium:
    """A sound ("mp3" or "wav") in base64 or a data URL; raises RequestError."""
    match = _SOUND.fullmatch(str(encoded or ""))
    if kind not in ("mp3", "wav") or match is None:
        raise RequestError(f"{param}: the audio has no format that is read here", param)
    return _checked_medium(str(kind), match[1], param)


def named_sound(url: object, param: str) -> RequestMedium:
    """The sound in a data URL that states its type; raises RequestError."""
    match = _NAMED_SOUND.fullmatch(str(url))
    return sound(_SOUND_KINDS.get(match[1]) if match else None, url, param)


def media_tokens(kind: str, data: bytes) -> int:
    """Tokens as Qwen counts; raises ValueError for an unreadable picture."""
    if not kind.startswith("image/"):
        return max(1, len(data) // SOUND_TOKEN_BYTES)
    try:
        with PIL.Image.open(io.BytesIO(data)) as opened:
            return max(4, opened.width * opened.height // PICTURE_TOKEN_PIXELS)
    except PIL.UnidentifiedImageError as exc:
        raise ValueError("the image can't be read") from exc


def _checked_medium(kind: str, encoded: str, param: str) -> RequestMedium:
    try:
        data = base64.b64decode(encoded, validate=True)
    except binascii.Error as exc:
        raise RequestError(f"{param}: this is not base64", param) from exc
    if not data.startswith(_BEGINNINGS[kind]):
        raise RequestError(f"{param}: the image or audio is not {kind}", param)
    try:
        return RequestMedium(kind, data, media_tokens(kind, data))
    except ValueError as exc:
        raise RequestError(f"{param}: {exc}", param) from exc


ReadPart = Callable[[dict[str, object], str, str], str | RequestMedium | None]
"""Reads a content part of one API, given its message's role and path: text, a medium, or None if unknown."""


def read_messages(value: object, param: str, read_part: ReadPart, *, plain: bool = True) -> tuple[RequestMessage, ...]:
    """Parse a messages array; the order is checked later. Raises RequestError.

    `plain`: whether content may be a string.
    """
    if not isinstance(value, list) or not value:
        raise RequestError(f"{param} must be a list that is not empty", param)
    return tuple(_message(item, f"{param}.[{index}]", read_part, plain) for index, item in enumerate(value))


def text_message(role: str, text: str) -> RequestMessage:
    """A message with text only."""
    raw = json.dumps({"role": role, "content": text}, ensure_ascii=False)
    return RequestMessage(role, text, text, raw, ends=(len(text),))


def nonempty_text(value: object, param: str) -> str:
    """A non-empty text; raises RequestError."""
    if not isinstance(value, str) or not value:
        raise RequestError(f"{param} has no text", param)
    return value


def check_order(messages: Sequence[RequestMessage], param: str) -> None:
    """At most one system message, first; then user and assistant alternate, with the user first and last.

    Calls and their results come before the assistant's text, and every call needs a result. Raises RequestError.
    """
    start = 1 if messages[0].role == "system" else 0
    expected, called = "user", set[str]()
    for index, message in enumerate(messages[start:], start):
        path = f"{param}.[{index}]"
        if message.tool_call_id:
            if message.tool_call_id not in called:
                raise RequestError(f"{path} is not the result of an earlier call", path)
            called.remove(message.tool_call_id)
            continue
        if message.role != expected:
            raise RequestError(f"{path}.role must be {expected} here: roles alternate, not {message.role!r}", path)
        called |= set(message.call_ids)
        if not message.call_ids:
            expected = "user" if expected == "assistant" else "assistant"
    if called:
        raise RequestError(f"the call {called.pop()} has no result", param)
    if expected == "user":
        raise RequestError("the last message must be the user's, or the result of a call", param)
    _check_markers(messages, param)


def _check_markers(messages: Sequence[RequestMessage], param: str) -> None:
    anthropic = [f'"{MARKERS[0]}":' in message.raw for message in messages for _ in message.markers]
    if sum(anthropic) > MOST_MARKERS:
        raise RequestError(f"A maximum of {MOST_MARKERS} blocks with cache_control may be provided.", param)
    if any(
        message.role == "assistant" and f'"{MARKERS[1]}":' in message.raw for message in messages if message.markers
    ):
        raise RequestError(f"{MARKERS[1]} is not allowed in an assistant's message", param)


def _message(value: object, param: str, read_part: ReadPart, plain: bool) -> RequestMessage:
    if not isinstance(value, dict):
        raise RequestError(f"{param} must be an object", param)
    role = value.get("role")
    if role not in ROLES:
        raise RequestError(f"{param}.role must be one of {', '.join(ROLES)}, not {role!r}", param)
    calls, tool_call_id = _calls(value.get("tool_calls"), f"{param}.tool_calls"), value.get("tool_call_id")
    if (role == "tool") != isinstance(tool_call_id, str) or (calls and role != "assistant"):
        raise RequestError(f"{param}: only the assistant calls, and only a tool answers", param)
    content = value.get("content")
    parts = (
        []
        if calls and not content
        else _parts(content, str(role), f"{param}.content", read_part, plain or role == "tool")
    )
    read = [part if isinstance(part, str) else part.read for part in parts]
    ends = tuple(accumulate(map(len, read)))
    return RequestMessage(
        role=str(role),
        text="".join(part for part in parts if isinstance(part, str)),
        content="".join(read),
        raw=json.dumps(value, ensure_ascii=False),
        media=tuple((part.kind, part.data) for part in parts if not isinstance(part, str)),
        call_ids=calls,
        tool_call_id=tool_call_id or "",
        ends=ends,
        markers=tuple(end for end, part in zip(ends, content, strict=True) if _is_marked(part))
        if isinstance(content, list) and ends
        else (),
    )


def _is_marked(part: object) -> bool:
    return isinstance(part, dict) and any(part.get(name) is not None for name in MARKERS)


def _calls(value: object, param: str) -> tuple[str, ...]:
    if value is None:
        return ()
    match value:
        case [{"id": str()}, *_]:
            return tuple(_call(call, param) for call in value)
    raise RequestError(f"{param} must be a list of calls", param)


def check_arguments(arguments: str, param: str) -> None:
    """Raise RequestError unless the arguments are a JSON object: DashScope refuses others, and vLLM fails."""
    try:
        read = json.loads(arguments)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise RequestError(f'{param}: the "function.arguments" parameter must be in JSON format', param)


def _call(value: object, param: str) -> str:
    match value:
        case {"id": str(name), "type": "function", "function": {"name": str(), "arguments": str(arguments)}}:
            check_arguments(arguments, param)
            return name
    raise RequestError(f"{param}: a call has an id, and a function with its name and its arguments", param)


def _parts(content: object, role: str, param: str, read_part: ReadPart, plain: bool) -> list[str | RequestMedium]:
    if plain and isinstance(content, str):
        return [nonempty_text(content, param)]
    if not isinstance(content, list) or not content:
        what = "a text or a list of parts" if plain else "a list of parts"
        raise RequestError(f"{param} must be {what} that is not empty", param)
    return [_part(part, role, f"{param}.[{index}]", read_part) for index, part in enumerate(content)]


def _part(value: object, role: str, param: str, read_part: ReadPart) -> str | RequestMedium:
    found = read_part(value, role, param) if isinstance(value, dict) else None
    if found is None:
        kind = value.get("type") if isinstance(value, dict) else None
        raise RequestError(f"{param} is not a content part that is known here (type {kind!r})", param)
    return found
