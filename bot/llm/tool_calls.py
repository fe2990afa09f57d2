"""Tools and calls of them in the form that Chat Completions has, which DashScope's own interface shares."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from bot.errors import StreamCut
from bot.llm.answer_stream import whole
from bot.llm.fields import THOUGHTLESS
from bot.llm.interface import Call, Message, Options, Tool
from bot.llm.lenient import mapping, mappings, text

MOST_ARGUMENTS = 100_000
"""Characters in all calls of an answer: a tool is asked for a few words."""
_CALL = ("index", "id", "type", "function")
_FUNCTION = ("name", "arguments")
_INNER = "function"
ITEMS = "items"
"""Items that stand before the calls, in the Responses API."""
_THOUGHTS = "thoughts"
"""Those that came in a field in which nobody wants them back."""
NO_THOUGHT = " "
"""Where thoughts are wanted back that never came: Kimi's models refuse an empty text for them."""
OURS = (ITEMS, _THOUGHTS)
"""Names that are no fields of a message."""
_TEXTS = ("reasoning_content",)
_BLOCKS = "thinking_blocks"
_DETAILS = "reasoning_details"
_LISTS = (_DETAILS, _BLOCKS)
"""OpenRouter; LiteLLM before Claude, which refuses its own calls without these."""
_OBJECTS = ("extra_content", "provider_specific_fields")
"""Gemini, and LiteLLM before it."""


@dataclass(slots=True)
class _Begun:
    id: str = ""
    name: str = ""
    arguments: str = ""
    opaque: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class ToolCallAssembler:
    """Calls that come in pieces: the id and the name once, the arguments bit by bit."""

    begun: dict[int, _Begun] = field(default_factory=dict)
    """By their index in the stream; where some servers (Gemini's, behind OpenAI's interface) give all the same one, a
    new id begins a new call."""
    done: list[_Begun] = field(default_factory=list)
    size: int = 0

    def add(self, pieces: Iterable[Mapping[str, object]]) -> None:
        """Take what a chunk has of them. Raises StreamCut for those that do not end."""
        for at, piece in enumerate(pieces):
            index, function = piece.get("index"), mapping(piece.get("function"))
            place, name = index if type(index) is int else at, text(piece.get("id"))
            call = self.begun.setdefault(place, _Begun())
            if (name and call.id and name != call.id) or _is_another(call, piece, function):
                self.done.append(call)
                call = self.begun[place] = _Begun()
            call.id = call.id or name
            call.name = call.name or text(function.get("name"))
            arguments = _arguments(function.get("arguments"))
            call.arguments += arguments
            self.size += len(arguments) + 1
            if self.size > MOST_ARGUMENTS:
                raise StreamCut(f"arguments of more than {MOST_ARGUMENTS} characters")
            call.opaque |= {name: value for name, value in piece.items() if name not in _CALL and value is not None}
            inner = {name: value for name, value in function.items() if name not in _FUNCTION and value is not None}
            if inner:
                call.opaque[_INNER] = {**mapping(call.opaque.get(_INNER)), **inner}

    def take(self) -> tuple[Call, ...]:
        """Those that are whole now, in their order; a server that gives no id gets its own number back."""
        calls = [call for call in (*self.done, *self.begun.values()) if call.name]
        self.begun, self.done = {}, []
        return tuple(
            Call(one.id or f"call_{at}", one.name, one.arguments, packed(one.opaque)) for at, one in enumerate(calls)
        )


class Opaque:
    """What stands beside the calls in a message, and has to come back with them.

    DeepSeek's models that think refuse their own calls without the thoughts before them, Gemini's without a signature.
    """

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._others: dict[str, object] = {}

    def add(self, message: Mapping[str, object]) -> None:
        """Take what a piece of a message has of it."""
        for name in _TEXTS:
            if isinstance(piece := message.get(name), str):
                self._texts[name] = self._texts.get(name, "") + piece
        if isinstance(piece := message.get("reasoning"), str):
            self._texts[_THOUGHTS] = self._texts.get(_THOUGHTS, "") + piece
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
        """All of it, as JSON."""
        for name, joined in ((_BLOCKS, _joined), (_DETAILS, _in_their_places)):
            blocks = self._others.get(name)
            if isinstance(blocks, list):
                self._others[name] = joined(mappings(blocks))
        return packed({**self._texts, **self._others})


def _joined(blocks: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Blocks of thinking that came in pieces; each ends with its signature."""
    joined: list[dict[str, object]] = []
    for block in blocks:
        last = joined[-1] if joined else {}
        if "thinking" in block and "thinking" in last and not last.get("signature"):
            joined[-1] = {**last, **block, "thinking": text(last["thinking"]) + text(block["thinking"])}
        else:
            joined.append(dict(block))
    return joined


def _in_their_places(details: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Details of reasoning that came in pieces of one place; Claude refuses a signature apart from its words."""
    joined: list[dict[str, object]] = []
    for detail in details:
        last = joined[-1] if joined else {}
        same = detail.get("index") is not None and all(detail.get(key) == last.get(key) for key in ("index", "type"))
        if not same or "data" in detail:
            joined.append(dict(detail))
            continue
        texts = {key: text(last.get(key)) + text(detail[key]) for key in ("text", "summary") if key in detail}
        joined[-1] = {**last, **{key: value for key, value in detail.items() if value is not None}, **texts}
    return joined


def packed(values: Mapping[str, object]) -> str:
    """Such values as a text that can be sent; empty: there are none, or none that JSON has a form for."""
    try:
        return whole(json.dumps(values, ensure_ascii=False, allow_nan=False)) if values else ""
    except (ValueError, RecursionError):
        return ""


def beside(opaque: str) -> dict[str, object]:
    """The values in such a text."""
    values = json.loads(opaque) if opaque else {}
    assert isinstance(values, dict)
    return values


def tool_parameters(options: Options) -> dict[str, JsonValue]:
    """What a request has on top that offers tools."""
    if not options.tools:
        return {}
    return {
        "tools": [{"type": "function", "function": _function(tool)} for tool in options.tools],
        "tool_choice": "auto" if options.may_call else "none",
    }


def with_calls(param: dict[str, object], message: Message, without: Collection[str] = frozenset()) -> dict[str, object]:
    """A message's own form, with the calls that it makes or the one that it answers.

    `without`: what is not sent of that which stood beside them.
    """
    if message.answers:
        return {**param, "tool_call_id": message.answers}
    values = beside(message.opaque) if message.calls else {}
    opaque = {name: value for name, value in values.items() if name not in (*without, *OURS)}
    if THOUGHTLESS in without and message.role == "assistant" and not opaque.get("reasoning_content"):
        opaque["reasoning_content"] = values.get(_THOUGHTS) or NO_THOUGHT
    if not message.calls:
        return {**opaque, **param}
    return {**opaque, **param, "tool_calls": [_made(call) for call in message.calls]}


def _made(call: Call) -> dict[str, object]:
    opaque = beside(call.opaque)
    inner = mapping(opaque.pop(_INNER, None))
    function = {**inner, "name": call.name, "arguments": call.arguments}
    return {**opaque, "id": call.id, "type": "function", "function": function}


def _function(tool: Tool) -> dict[str, JsonValue]:
    return {"name": tool.name, "description": tool.purpose, "parameters": tool.parameters}


def _is_another(call: _Begun, piece: Mapping[str, object], function: Mapping[str, object]) -> bool:
    """Whether a piece with neither an index nor an id begins a call behind a whole one."""
    if not call.name or piece.get("index") is not None or piece.get("id") or not function.get("name"):
        return False
    try:
        return isinstance(json.loads(call.arguments), dict)
    except (ValueError, RecursionError):
        return False


def _arguments(value: object) -> str:
    """Arguments as the text that they should be: some servers send the object itself."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else text(value)
