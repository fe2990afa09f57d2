"""Tools and calls of them in the form that Chat Completions has, which DashScope's own interface shares."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from bot.llm.interface import Call, Message, Options, Tool
from bot.llm.loose import mapping, text


@dataclass(slots=True)
class _Begun:
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class Calls:
    """Calls that come in pieces: the id and the name once, the arguments bit by bit."""

    begun: dict[int, _Begun] = field(default_factory=dict)
    """By their index in the stream; where some servers (Gemini's, behind OpenAI's interface) give all the same one, a
    new id begins a new call."""
    done: list[_Begun] = field(default_factory=list)

    def add(self, pieces: Iterable[Mapping[str, object]]) -> None:
        """Take what a chunk has of them."""
        for at, piece in enumerate(pieces):
            index, function = piece.get("index"), mapping(piece.get("function"))
            place, name = index if type(index) is int else at, text(piece.get("id"))
            call = self.begun.setdefault(place, _Begun())
            if name and call.id and name != call.id:
                self.done.append(call)
                call = self.begun[place] = _Begun()
            call.id = call.id or name
            call.name = call.name or text(function.get("name"))
            call.arguments += _arguments(function.get("arguments"))

    def take(self) -> tuple[Call, ...]:
        """Those that are whole now, in their order; a server that gives no id gets its own number back."""
        calls = [call for call in (*self.done, *self.begun.values()) if call.name]
        self.begun, self.done = {}, []
        return tuple(Call(one.id or f"call_{at}", one.name, one.arguments) for at, one in enumerate(calls))


def tool_parameters(options: Options) -> dict[str, JsonValue]:
    """What a request has on top that offers tools."""
    if not options.tools:
        return {}
    return {
        "tools": [{"type": "function", "function": _function(tool)} for tool in options.tools],
        "tool_choice": "auto" if options.may_call else "none",
    }


def with_calls(param: dict[str, object], message: Message) -> dict[str, object]:
    """A message's own form, with the calls that it makes or the one that it answers."""
    if message.answers:
        return {**param, "tool_call_id": message.answers}
    return {**param, "tool_calls": _made(message.calls)} if message.calls else param


def _made(calls: Sequence[Call]) -> list[dict[str, object]]:
    return [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in calls
    ]


def _function(tool: Tool) -> dict[str, JsonValue]:
    return {"name": tool.name, "description": tool.purpose, "parameters": tool.parameters}


def _arguments(value: object) -> str:
    """Arguments as the text that they should be: some servers send the object itself."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else text(value)
