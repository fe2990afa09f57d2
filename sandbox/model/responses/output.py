"""The items that a response is made of (reasoning, then a message), and the events that tell of each one's growth."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["in_progress", "completed", "incomplete"]
Event = tuple[str, dict[str, object]]
"""An event's type, and what it holds besides."""


@dataclass(frozen=True, slots=True)
class Form:
    """The names in one kind of item: `text` and `part` begin its events' types, `place` is where its parts stand."""

    prefix: str
    text: str
    part: str
    part_type: str
    place: Literal["content", "summary"]
    head: Mapping[str, object]


_REASONING = {"type": "reasoning", "summary": []}
MESSAGE = Form(
    "msg",
    "response.output_text",
    "response.content_part",
    "output_text",
    "content",
    {"type": "message", "role": "assistant"},
)
REASONING = {
    "summary": Form(
        "rs",
        "response.reasoning_summary_text",
        "response.reasoning_summary_part",
        "summary_text",
        "summary",
        _REASONING,
    ),
    "text": Form("rs", "response.reasoning_text", "response.content_part", "reasoning_text", "content", _REASONING),
}


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A call of a function, which is an item too."""

    index: int
    name: str
    arguments: str
    id: str = field(default_factory=lambda: f"fc_{uuid.uuid4().hex}")
    call_id: str = field(default_factory=lambda: f"call_{uuid.uuid4().hex}")

    def events(self) -> list[Event]:
        """Its whole life."""
        where = {"item_id": self.id, "output_index": self.index}
        pieces = (self.arguments[:5], self.arguments[5:])
        return [
            ("response.output_item.added", {"output_index": self.index, "item": self._json("", "in_progress")}),
            *(("response.function_call_arguments.delta", {**where, "delta": piece}) for piece in pieces),
            ("response.function_call_arguments.done", {**where, "arguments": self.arguments, "name": self.name}),
            ("response.output_item.done", {"output_index": self.index, "item": self.json()}),
        ]

    def json(self) -> dict[str, object]:
        """The item as it stands in a response."""
        return self._json(self.arguments, "completed")

    def _json(self, arguments: str, status: Status) -> dict[str, object]:
        names = {"id": self.id, "type": "function_call", "call_id": self.call_id, "name": self.name}
        return {**names, "arguments": arguments, "status": status}


@dataclass(slots=True)
class Item:
    """One item, which grows; it has one part."""

    form: Form
    index: int
    text: str = ""
    status: Status = "in_progress"
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = f"{self.form.prefix}_{uuid.uuid4().hex}"

    def opening(self) -> list[Event]:
        """The events before its text."""
        return [
            ("response.output_item.added", {"output_index": self.index, "item": self._json([])}),
            (f"{self.form.part}.added", {**self._where(), "part": self._part()}),
        ]

    def grow(self, text: str) -> Event:
        """Add to its text; the event that says so."""
        self.text += text
        return f"{self.form.text}.delta", {**self._where(), "delta": text, **self._logprobs()}

    def closing(self, status: Status) -> list[Event]:
        """End it; the events after its text."""
        self.status = status
        return [
            (f"{self.form.text}.done", {**self._where(), "text": self.text, **self._logprobs()}),
            (f"{self.form.part}.done", {**self._where(), "part": self._part()}),
            ("response.output_item.done", {"output_index": self.index, "item": self.json()}),
        ]

    def json(self) -> dict[str, object]:
        """The item as it stands in a response."""
        return self._json([self._part()])

    def _json(self, parts: list[dict[str, object]]) -> dict[str, object]:
        return {"id": self.name, **self.form.head, "status": self.status, self.form.place: parts}

    def _where(self) -> dict[str, object]:
        return {"item_id": self.name, "output_index": self.index, f"{self.form.place}_index": 0}

    def _part(self) -> dict[str, object]:
        more: dict[str, object] = {"annotations": []} if self.form is MESSAGE else {}
        return {"type": self.form.part_type, "text": self.text, **more}

    def _logprobs(self) -> dict[str, object]:
        return {"logprobs": []} if self.form is MESSAGE else {}
