"""Answers of the Responses API, streamed or not, and the store of responses to continue from.

A response consists of items (reasoning, then a message, then calls); events report how each one grows.
"""

import base64
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sandbox.model.api import ApiAnswer, Field, compact_json, event
from sandbox.model.behaviour import Break, Say
from sandbox.model.messages import text_message
from sandbox.model.prompt_cache import PromptCount, count_tokens
from sandbox.model.request import ChatRequest, RequestError, RequestMessage

Status = Literal["in_progress", "completed", "incomplete"]
Event = tuple[str, dict[str, object]]
"""The type of an event and its other fields."""
_REASONING = {"type": "reasoning", "summary": []}
INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""The names of these finish reasons in this API; any other means a complete response."""


@dataclass(frozen=True, slots=True)
class ItemFormat:
    """The names of one kind of item: `text` and `part` are prefixes of event types, `parts_field` has its parts."""

    id_prefix: str
    text: str
    part: str
    part_type: str
    parts_field: Literal["content", "summary"]
    head: Mapping[str, object]


MESSAGE = ItemFormat(
    "msg",
    "response.output_text",
    "response.content_part",
    "output_text",
    "content",
    {"type": "message", "role": "assistant"},
)


REASONING = {
    "summary": ItemFormat(
        "rs",
        "response.reasoning_summary_text",
        "response.reasoning_summary_part",
        "summary_text",
        "summary",
        _REASONING,
    ),
    "text": ItemFormat(
        "rs", "response.reasoning_text", "response.content_part", "reasoning_text", "content", _REASONING
    ),
}


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function call, which is an item of its own."""

    index: int
    name: str
    arguments: str
    id: str = field(default_factory=lambda: f"fc_{uuid.uuid4().hex}")
    call_id: str = field(default_factory=lambda: f"call_{uuid.uuid4().hex}")

    def events(self) -> list[Event]:
        """All events of the call."""
        where = {"item_id": self.id, "output_index": self.index}
        pieces = (self.arguments[:5], self.arguments[5:])
        return [
            ("response.output_item.added", {"output_index": self.index, "item": self._json("", "in_progress")}),
            *(("response.function_call_arguments.delta", {**where, "delta": piece}) for piece in pieces),
            ("response.function_call_arguments.done", {**where, "arguments": self.arguments, "name": self.name}),
            ("response.output_item.done", {"output_index": self.index, "item": self.json()}),
        ]

    def json(self) -> dict[str, object]:
        """The item in a response."""
        return self._json(self.arguments, "completed")

    def _json(self, arguments: str, status: Status) -> dict[str, object]:
        names = {"id": self.id, "type": "function_call", "call_id": self.call_id, "name": self.name}
        return {**names, "arguments": arguments, "status": status}


@dataclass(slots=True)
class Item:
    """One growing item with a single part."""

    format: ItemFormat
    index: int
    text: str = ""
    status: Status = "in_progress"
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = f"{self.format.id_prefix}_{uuid.uuid4().hex}"

    def opening(self) -> list[Event]:
        """The events before its text."""
        return [
            ("response.output_item.added", {"output_index": self.index, "item": self._json([])}),
            (f"{self.format.part}.added", {**self._where(), "part": self._part()}),
        ]

    def grow(self, text: str) -> Event:
        """Add text; returns the event."""
        self.text += text
        return f"{self.format.text}.delta", {**self._where(), "delta": text, **self._logprobs()}

    def closing(self, status: Status) -> list[Event]:
        """End the item; returns the events after its text."""
        self.status = status
        return [
            (f"{self.format.text}.done", {**self._where(), "text": self.text, **self._logprobs()}),
            (f"{self.format.part}.done", {**self._where(), "part": self._part()}),
            ("response.output_item.done", {"output_index": self.index, "item": self.json()}),
        ]

    def json(self) -> dict[str, object]:
        """The item in a response."""
        return self._json([self._part()])

    def _json(self, parts: list[dict[str, object]]) -> dict[str, object]:
        return {"id": self.id, **self.format.head, "status": self.status, self.format.parts_field: parts}

    def _where(self) -> dict[str, object]:
        return {"item_id": self.id, "output_index": self.index, f"{self.format.parts_field}_index": 0}

    def _part(self) -> dict[str, object]:
        more: dict[str, object] = {"annotations": []} if self.format is MESSAGE else {}
        return {"type": self.format.part_type, "text": self.text, **more}

    def _logprobs(self) -> dict[str, object]:
        return {"logprobs": []} if self.format is MESSAGE else {}


class ResponseStore:
    """Responses that a later ``previous_response_id`` may name; they expire only when a test says so.

    `missing_status` is the refusal of an unknown id: OpenAI and DashScope use 400, other servers 404. With `ignores` an
    id is ignored, as by Ollama; with `refuses`, an id or ``store: true`` is refused, as by OpenRouter. A
    `deletion_status` other than 200 means that nothing is deleted.
    """

    def __init__(self) -> None:
        self.missing_status = 400
        self.ignores = self.refuses = False
        self.deletion_status = 200
        self._conversations: dict[str, tuple[RequestMessage, ...]] = {}

    @property
    def ids(self) -> tuple[str, ...]:
        """The known ids, oldest first."""
        return tuple(self._conversations)

    def put(self, name: str, prompt: Sequence[RequestMessage], answer: str) -> None:
        """Store a response with the conversation before it."""
        self._conversations[name] = (*prompt, text_message("assistant", answer))

    def find(self, name: object) -> tuple[RequestMessage, ...]:
        """The conversation up to a response; raises RequestError if it isn't stored."""
        if self.ignores:
            return ()
        found = self._conversations.get(name) if isinstance(name, str) else None
        if found is None:
            raise RequestError(
                f"Previous response with id '{name}' not found.",
                "previous_response_id",
                status=self.missing_status,
                code="previous_response_not_found",
            )
        return found

    def check(self, store: object, previous: object) -> None:
        """Raise RequestError if the server is stateless and says so."""
        if self.refuses and (store is True or previous is not None):
            raise RequestError("This API is stateless.", "store")

    def delete(self, name: str) -> int:
        """Delete a response; returns the HTTP status."""
        if self.deletion_status != 200:
            return self.deletion_status
        return 404 if self._conversations.pop(name, None) is None else 200

    def expire(self, *names: str) -> None:
        """Drop these responses, or all, as a server does after some days; unknown ids are ignored."""
        for name in names or self.ids:
            self._conversations.pop(name, None)


class ResponsesAnswer(ApiAnswer):
    """One response: its events are numbered, and at its end it is stored unless the request says otherwise.

    A response with function calls isn't stored: here the client has to send everything again.
    """

    def __init__(self, request: ChatRequest, say: Say, prompt: PromptCount, store: ResponseStore) -> None:
        super().__init__(request, say, prompt)
        self._store = store
        self._id = f"resp_{uuid.uuid4().hex}"
        self._created = int(time.time())
        self._items: list[Item] = []
        self._calls: list[FunctionCall] = []
        self._event_number = 0

    def opening(self) -> bytes:
        """The events that begin the response."""
        return b"".join(
            self._event(f"response.{kind}", response=self._json("in_progress")) for kind in ("created", "in_progress")
        )

    def delta(self, field: Field, text: str) -> bytes:
        """A piece of the current item, with the events of a change of item."""
        wanted = MESSAGE if field == "content" else REASONING[self._say.reasoning_as]
        change: list[Event] = []
        if not self._items or self._items[-1].format is not wanted:
            change = self._closing("completed")
            self._items.append(Item(wanted, len(self._items)))
            change += self._items[-1].opening()
        return self._events([*change, self._items[-1].grow(text)])

    def speech(self, samples: bytes) -> bytes:
        """A piece of speech."""
        return self._event("response.audio.delta", delta=base64.b64encode(samples).decode())

    def call(self, index: int, name: str, arguments: str) -> bytes:  # noqa: ARG002 - its place here is another one
        """A function call, as an item of its own."""
        ended = [] if self._calls else self._closing("completed")
        self._calls.append(FunctionCall(len(self._items) + len(self._calls), name, arguments))
        return self._events([*ended, *self._calls[-1].events()])

    def finish(self) -> bytes:
        """The end of the last item, and the complete response."""
        self._store_response()
        closing = b"" if self._calls else self._events(self._closing(self._status))
        return closing + self._event(f"response.{self._status}", response=self._ended())

    def failure(self, behaviour: Break) -> bytes:
        """One of the two events that report an error; the response isn't stored."""
        error = {"code": behaviour.error.code or "server_error", "message": behaviour.error.message}
        if behaviour.event == "error":
            return self._event("error", **error, param=None)
        self._closing("incomplete")
        return self._event("response.failed", response=self._json("failed") | {"error": error})

    def unstreamed(self, *, finished: bool) -> bytes:
        """The body of an unstreamed response."""
        if self._say.reasoning:
            self.delta("reasoning", self._say.reasoning)
        if self._say.text:
            self.delta("content", self._say.text)
        if not finished:
            return compact_json(self._json("in_progress"))
        self._store_response()
        self._closing(self._status)
        return compact_json(self._ended())

    @property
    def _status(self) -> Status:
        return "incomplete" if self._say.finish_reason in INCOMPLETE else "completed"

    def _closing(self, status: Status) -> list[Event]:
        return self._items[-1].closing(status) if self._items else []

    def _ended(self) -> dict[str, object]:
        reason = INCOMPLETE.get(self._say.finish_reason)
        details = {"incomplete_details": {"reason": reason} if reason else None}
        return self._json(self._status) | details | {"usage": self._usage() if self._say.usage else None}

    def _json(self, status: Status | Literal["failed"]) -> dict[str, object]:
        options = self._request.options
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": options.get("instructions"),
            "max_output_tokens": options.get("max_output_tokens"),
            "model": self._request.model,
            "output": [*(item.json() for item in self._items), *(call.json() for call in self._calls)],
            "parallel_tool_calls": True,
            "previous_response_id": options.get("previous_response_id"),
            "store": options.get("store", True),
            "tool_choice": "auto",
            "tools": [],
            "usage": None,
        }

    def _usage(self) -> dict[str, object]:
        reasoning_bytes = sum(len(item.text.encode()) for item in self._items if item.format is not MESSAGE)
        output = count_tokens(reasoning_bytes + len(self._text.encode()))
        return {
            "input_tokens": self._prompt.total,
            "input_tokens_details": self._prompt.details,
            "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": count_tokens(reasoning_bytes)},
            "total_tokens": self._prompt.total + output,
        }

    @property
    def _text(self) -> str:
        return "".join(item.text for item in self._items if item.format is MESSAGE)

    def _store_response(self) -> None:
        request = self._request
        if request.options.get("store", True) is not False and not self._calls:
            instructed = request.options.get("instructions") is not None
            self._store.put(self._id, request.messages[1:] if instructed else request.messages, self._text)

    def _events(self, events: Sequence[Event]) -> bytes:
        return b"".join(self._event(kind, **fields) for kind, fields in events)

    def _event(self, kind: str, **fields: object) -> bytes:
        number = self._event_number
        self._event_number += 1
        return event(compact_json({"type": kind, "sequence_number": number, **fields}), f"event: {kind}")
