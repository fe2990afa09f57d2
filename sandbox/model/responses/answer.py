"""The bytes of a response, streamed or whole."""

import base64
import time
import uuid
from collections.abc import Sequence
from typing import Literal

from sandbox.model.api import Field
from sandbox.model.behaviour import Break, Say
from sandbox.model.prompt_cache import PromptCount, count_tokens
from sandbox.model.request import ChatRequest
from sandbox.model.responses.output import MESSAGE, REASONING, Event, FunctionCall, Item, Status
from sandbox.model.responses.store import ResponseStore
from sandbox.model.sse import event, packed

INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""What these finish reasons are called here; every other one is a response that is complete."""


class Reply:
    """One response: its events are numbered, and it is kept when it has ended, unless it was not to be stored.

    One that calls functions is not kept: here its client has to send all of it again.
    """

    def __init__(self, request: ChatRequest, say: Say, prompt: PromptCount, store: ResponseStore) -> None:
        self._request = request
        self._say = say
        self._prompt = prompt
        self._store = store
        self._id = f"resp_{uuid.uuid4().hex}"
        self._created = int(time.time())
        self._items: list[Item] = []
        self._calls: list[FunctionCall] = []
        self._told = 0

    def opening(self) -> bytes:
        """The response, with nothing in it yet."""
        return b"".join(
            self._event(f"response.{kind}", response=self._json("in_progress")) for kind in ("created", "in_progress")
        )

    def delta(self, field: Field, text: str) -> bytes:
        """A piece of the item that is being said, the events around a change of items included."""
        form = MESSAGE if field == "content" else REASONING[self._say.reasoning_as]
        change: list[Event] = []
        if not self._items or self._items[-1].form is not form:
            change = self._closing("completed")
            self._items.append(Item(form, len(self._items)))
            change += self._items[-1].opening()
        return self._events([*change, self._items[-1].grow(text)])

    def speech(self, samples: bytes) -> bytes:
        """A piece of the spoken answer."""
        return self._event("response.audio.delta", delta=base64.b64encode(samples).decode())

    def call(self, index: int, name: str, arguments: str) -> bytes:  # noqa: ARG002 - its place here is another one
        """A call of a function, an item of its own."""
        ended = [] if self._calls else self._closing("completed")
        self._calls.append(FunctionCall(len(self._items) + len(self._calls), name, arguments))
        return self._events([*ended, *self._calls[-1].events()])

    def finish(self) -> bytes:
        """The end of the last item, and the whole response."""
        self._keep()
        closing = b"" if self._calls else self._events(self._closing(self._status))
        return closing + self._event(f"response.{self._status}", response=self._ended())

    def broken(self, told: Break) -> bytes:
        """One of the two events of an error; the response is not kept."""
        error = {"code": told.error.code or "server_error", "message": told.error.message}
        if told.event == "error":
            return self._event("error", **error, param=None)
        self._closing("incomplete")
        return self._event("response.failed", response=self._json("failed") | {"error": error})

    def whole(self, *, finished: bool) -> bytes:
        """The body of a response that is not streamed."""
        if self._say.reasoning:
            self.delta("reasoning", self._say.reasoning)
        if self._say.text:
            self.delta("content", self._say.text)
        if not finished:
            return packed(self._json("in_progress"))
        self._keep()
        self._closing(self._status)
        return packed(self._ended())

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
        asked = self._request.options
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": asked.get("instructions"),
            "max_output_tokens": asked.get("max_output_tokens"),
            "model": self._request.model,
            "output": [*(item.json() for item in self._items), *(call.json() for call in self._calls)],
            "parallel_tool_calls": True,
            "previous_response_id": asked.get("previous_response_id"),
            "store": asked.get("store", True),
            "tool_choice": "auto",
            "tools": [],
            "usage": None,
        }

    def _usage(self) -> dict[str, object]:
        reasoned = sum(len(item.text.encode()) for item in self._items if item.form is not MESSAGE)
        output = count_tokens(reasoned + len(self._said.encode()))
        return {
            "input_tokens": self._prompt.total,
            "input_tokens_details": self._prompt.details,
            "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": count_tokens(reasoned)},
            "total_tokens": self._prompt.total + output,
        }

    @property
    def _said(self) -> str:
        return "".join(item.text for item in self._items if item.form is MESSAGE)

    def _keep(self) -> None:
        asked = self._request
        if asked.options.get("store", True) is not False and not self._calls:
            instructed = asked.options.get("instructions") is not None
            self._store.keep(self._id, asked.messages[1:] if instructed else asked.messages, self._said)

    def _events(self, events: Sequence[Event]) -> bytes:
        return b"".join(self._event(kind, **fields) for kind, fields in events)

    def _event(self, kind: str, **fields: object) -> bytes:
        number = self._told
        self._told += 1
        return event(packed({"type": kind, "sequence_number": number, **fields}), f"event: {kind}")
