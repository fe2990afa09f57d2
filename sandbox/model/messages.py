"""Parsing and checking of a request's messages: what a real server refuses is refused here, alike for every API."""

import json
from collections.abc import Callable, Sequence
from itertools import accumulate

from sandbox.model.request import RequestError, RequestMessage
from sandbox.model.request_media import RequestMedium

MARKERS = ("cache_control", "prompt_cache_breakpoint")
"""Cache marker fields of a part: Qwen's and Anthropic's, and OpenAI's since GPT-5.6."""
MOST_MARKERS = 4
"""Anthropic refuses more ``cache_control`` markers."""
ROLES = ("system", "user", "assistant", "tool")

ReadPart = Callable[[dict[str, object], str, str], str | RequestMedium | None]
"""Reads a content part of one API, given its message's role and path: text, a medium, or None if unknown."""


def read_all(value: object, param: str, read_part: ReadPart, *, plain: bool = True) -> tuple[RequestMessage, ...]:
    """Parse a messages array; the order is checked later. Raises RequestError.

    `plain`: whether content may be a string.
    """
    if not isinstance(value, list) or not value:
        raise RequestError(f"{param} must be a list that is not empty", param)
    return tuple(_message(item, f"{param}.[{index}]", read_part, plain) for index, item in enumerate(value))


def of_text(role: str, text: str) -> RequestMessage:
    """A message with text only."""
    raw = json.dumps({"role": role, "content": text}, ensure_ascii=False)
    return RequestMessage(role, text, text, raw, ends=(len(text),))


def words(value: object, param: str) -> str:
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
        place = f"{param}.[{index}]"
        if message.answers:
            if message.answers not in called:
                raise RequestError(f"{place} is no result of a call that stands before it", place)
            called.remove(message.answers)
            continue
        if message.role != expected:
            raise RequestError(f"{place}.role must be {expected} here: roles alternate, not {message.role!r}", place)
        called |= set(message.calls)
        if not message.calls:
            expected = "user" if expected == "assistant" else "assistant"
    if called:
        raise RequestError(f"the call {called.pop()} has no result", param)
    if expected == "user":
        raise RequestError("the last message must be the user's, or the result of a call", param)
    _check_markers(messages, param)


def _check_markers(messages: Sequence[RequestMessage], param: str) -> None:
    kept = [f'"{MARKERS[0]}":' in message.raw for message in messages for _ in message.marks]
    if sum(kept) > MOST_MARKERS:
        raise RequestError(f"A maximum of {MOST_MARKERS} blocks with cache_control may be provided.", param)
    if any(message.role == "assistant" and f'"{MARKERS[1]}":' in message.raw for message in messages if message.marks):
        raise RequestError(f"{MARKERS[1]} is not allowed in an assistant's message", param)


def _message(value: object, param: str, read_part: ReadPart, plain: bool) -> RequestMessage:
    if not isinstance(value, dict):
        raise RequestError(f"{param} must be an object", param)
    role = value.get("role")
    if role not in ROLES:
        raise RequestError(f"{param}.role must be one of {', '.join(ROLES)}, not {role!r}", param)
    calls, answers = _calls(value.get("tool_calls"), f"{param}.tool_calls"), value.get("tool_call_id")
    if (role == "tool") != isinstance(answers, str) or (calls and role != "assistant"):
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
        calls=calls,
        answers=answers or "",
        ends=ends,
        marks=tuple(end for end, part in zip(ends, content, strict=True) if _is_marked(part))
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
        return [words(content, param)]
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
