"""Tools and tool calls in the Chat Completions format, which DashScope's native API shares."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence

from pydantic import JsonValue

from bot.errors import StreamCut
from bot.llm.answer_stream import clean_text
from bot.llm.fields import THOUGHTLESS
from bot.llm.interface import Message, Options, Tool
from bot.llm.lenient import mapping, mappings, text
from bot.llm.stream_events import Call

MOST_ARGUMENTS = 100_000
"""The most characters in all calls of an answer: tools take a few words."""
MOST_TRIES = 100
"""How often the arguments of a call are parsed to find out whether they are complete."""
_CALL = ("index", "id", "type", "function")
_FUNCTION = ("name", "arguments")
_INNER = "function"
ITEMS = "items"
"""Items before the calls, in the Responses API."""
_THOUGHTS = "thoughts"
"""Reasoning from a field that needn't be returned."""
NO_THOUGHT = " "
"""Stands in for reasoning that must be returned but never came: Kimi's models refuse an empty string."""
OURS = (ITEMS, _THOUGHTS)
"""Keys of our own, not fields of a message."""
_TEXTS = ("reasoning_content",)
_BLOCKS = "thinking_blocks"
_DETAILS = "reasoning_details"
_LISTS = (_DETAILS, _BLOCKS)
"""OpenRouter; LiteLLM in front of Claude, which refuses its own calls without these."""
_OBJECTS = ("extra_content", "provider_specific_fields")
"""Gemini, and LiteLLM in front of it."""


class _Begun:
    def __init__(self) -> None:
        self.id = self.name = ""
        self.pieces: list[str] = []
        self.opaque: dict[str, object] = {}
        self.end = ""
        """The last character of the arguments that isn't blank."""
        self.tries = 0
        """How often it was examined whether the arguments are complete."""

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)


class ToolCallAssembler:
    """Assembles calls that come in pieces: id and name once, the arguments bit by bit."""

    def __init__(self) -> None:
        self._begun: dict[int, _Begun] = {}
        """By stream index. Some servers (Gemini's OpenAI-compatible API) send the same index for all; a new id then
        starts a new call."""
        self._done: list[_Begun] = []
        self._size = 0

    @property
    def has_begun(self) -> bool:
        """Whether there are calls that were not taken yet."""
        return bool(self._begun)

    def add(self, pieces: Iterable[Mapping[str, object]]) -> None:
        """Add the pieces in a chunk. Raises StreamCut if the arguments grow without end."""
        for at, piece in enumerate(pieces):
            index, function = piece.get("index"), mapping(piece.get("function"))
            place, name = index if type(index) is int else at, text(piece.get("id"))
            call = self._begun.setdefault(place, _Begun())
            if (name and call.id and name != call.id) or _is_another(call, piece, function):
                self._done.append(call)
                call = self._begun[place] = _Begun()
            call.id = call.id or name
            call.name = call.name or text(function.get("name"))
            arguments = _arguments(function.get("arguments"))
            call.pieces.append(arguments)
            call.end = arguments.rstrip()[-1:] or call.end
            self._size += len(arguments) + 1
            if self._size > MOST_ARGUMENTS:
                raise StreamCut(f"arguments of more than {MOST_ARGUMENTS} characters")
            call.opaque |= {name: value for name, value in piece.items() if name not in _CALL and value is not None}
            inner = {name: value for name, value in function.items() if name not in _FUNCTION and value is not None}
            if inner:
                call.opaque[_INNER] = {**mapping(call.opaque.get(_INNER)), **inner}

    def take(self) -> tuple[Call, ...]:
        """The completed calls in order; a call without an id gets its number as id."""
        calls = [call for call in (*self._done, *self._begun.values()) if call.name]
        self._begun, self._done = {}, []
        return tuple(
            Call(call.id or f"call_{number}", call.name, call.arguments, pack_opaque(call.opaque))
            for number, call in enumerate(calls)
        )


class Opaque:
    """Fields next to the calls in a message that must be returned with them.

    DeepSeek's thinking models refuse their own calls without the reasoning before them, Gemini without a signature.
    """

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}
        self._others: dict[str, object] = {}

    def add(self, message: Mapping[str, object]) -> None:
        """Add the fields in a piece of a message."""
        for name in _TEXTS:
            if isinstance(piece := message.get(name), str):
                self._texts.setdefault(name, []).append(piece)
        if isinstance(piece := message.get("reasoning"), str):
            self._texts.setdefault(_THOUGHTS, []).append(piece)
        for name in _LISTS:
            pieces = message.get(name)
            if isinstance(pieces, list) and pieces:
                known = self._others.setdefault(name, [])
                assert isinstance(known, list)
                known += pieces
        for name in _OBJECTS:
            if isinstance(value := message.get(name), Mapping):
                self._others[name] = {**mapping(self._others.get(name)), **value}

    def take(self) -> str:
        """All fields as JSON."""
        for name, joined in ((_BLOCKS, _join_blocks), (_DETAILS, _join_details)):
            blocks = self._others.get(name)
            if isinstance(blocks, list):
                self._others[name] = joined(mappings(blocks))
        texts = {name: "".join(pieces) for name, pieces in self._texts.items()}
        return pack_opaque({**texts, **self._others})


def _join_blocks(blocks: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Join the pieces of thinking blocks; a block ends with its signature."""
    joined: list[dict[str, object]] = []
    thoughts: list[list[str]] = []
    for block in blocks:
        last = joined[-1] if joined else {}
        if "thinking" in block and "thinking" in last and not last.get("signature"):
            last.update(block)
            thoughts[-1].append(text(block["thinking"]))
        else:
            joined.append(dict(block))
            thoughts.append([text(block.get("thinking"))])
    return [
        {**block, "thinking": "".join(pieces)} if len(pieces) > 1 else block
        for block, pieces in zip(joined, thoughts, strict=True)
    ]


def _join_details(details: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Join reasoning details with the same index; Claude refuses a signature that is separate from its text."""
    joined: list[dict[str, object]] = []
    texts: list[dict[str, list[str]]] = []
    for detail in details:
        last = joined[-1] if joined else {}
        same = detail.get("index") is not None and all(detail.get(key) == last.get(key) for key in ("index", "type"))
        if not same or "data" in detail:
            joined.append(dict(detail))
            texts.append({})
            continue
        for key in ("text", "summary"):
            if key in detail:
                texts[-1].setdefault(key, [text(last.get(key))]).append(text(detail[key]))
        last.update({key: value for key, value in detail.items() if value is not None and key not in texts[-1]})
    return [
        {**detail, **{key: "".join(pieces) for key, pieces in parts.items()}}
        for detail, parts in zip(joined, texts, strict=True)
    ]


def pack_opaque(values: Mapping[str, object]) -> str:
    """The values as JSON; "" if there are none or they can't be serialized."""
    try:
        return clean_text(json.dumps(values, ensure_ascii=False, allow_nan=False)) if values else ""
    except (ValueError, RecursionError):
        return ""


def unpack_opaque(opaque: str) -> dict[str, object]:
    """The values in a text made by `packed`."""
    values = json.loads(opaque) if opaque else {}
    assert isinstance(values, dict)
    return values


def tool_parameters(options: Options) -> dict[str, JsonValue]:
    """Request fields that offer tools."""
    if not options.tools:
        return {}
    return {
        "tools": [{"type": "function", "function": _function(tool)} for tool in options.tools],
        "tool_choice": "auto" if options.may_call else "none",
    }


def add_calls(param: dict[str, object], message: Message, without: Collection[str] = frozenset()) -> dict[str, object]:
    """A message's own fields plus the calls it makes, or the id of the call it answers.

    `without`: fields next to the calls that are not sent.
    """
    if message.answers:
        return {**param, "tool_call_id": message.answers}
    values = unpack_opaque(message.opaque) if message.calls else {}
    opaque = {name: value for name, value in values.items() if name not in (*without, *OURS)}
    if THOUGHTLESS in without and message.role == "assistant" and not opaque.get("reasoning_content"):
        opaque["reasoning_content"] = values.get(_THOUGHTS) or NO_THOUGHT
    if not message.calls:
        return {**opaque, **param}
    return {**opaque, **param, "tool_calls": [_call_param(call) for call in message.calls]}


def _call_param(call: Call) -> dict[str, object]:
    opaque = unpack_opaque(call.opaque)
    inner = mapping(opaque.pop(_INNER, None))
    function = {**inner, "name": call.name, "arguments": call.arguments}
    return {**opaque, "id": call.id, "type": "function", "function": function}


def _function(tool: Tool) -> dict[str, JsonValue]:
    return {"name": tool.name, "description": tool.purpose, "parameters": tool.parameters}


def _is_another(call: _Begun, piece: Mapping[str, object], function: Mapping[str, object]) -> bool:
    """Whether a piece with neither index nor id starts a new call, because the current one is complete."""
    if not call.name or piece.get("index") is not None or piece.get("id") or not function.get("name"):
        return False
    if call.tries >= MOST_TRIES or call.end != "}":
        return False
    call.tries += 1
    try:
        return isinstance(json.loads(call.arguments), dict)
    except (ValueError, RecursionError):
        return False


def _arguments(value: object) -> str:
    """Arguments as a string: some servers send the object itself."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else text(value)
