"""The Responses API: requests read, the conversations that the server keeps, and the events of an answer."""

import json
import time
import uuid
from collections.abc import Mapping

from sandbox.model.behaviour import Say
from sandbox.model.prompt_cache import PromptCount, count_tokens
from sandbox.model.refusal import RequestError
from sandbox.model.request import ChatRequest, Message, check_order, flag, json_object, message

PARTS = {"input_text": "text", "output_text": "text", "input_image": "image_url"}
"""The kinds of parts, and what Chat Completions calls them."""

Kept = dict[str, tuple[Message, ...]]
"""Conversations by the id of the response that ended them."""


def parse(body: bytes, headers: Mapping[str, str], received: float, kept: Kept) -> ChatRequest:
    """Check the body of a request; raises RequestError with the reason for the client."""
    payload = json_object(body)
    model = payload.pop("model", None)
    if not isinstance(model, str) or not model:
        raise RequestError("you must provide a model parameter", "model")
    before = _before(payload.get("previous_response_id"), kept)
    new = _input(payload.pop("input", None))
    instructions = payload.get("instructions")
    opening = (message({"role": "system", "content": instructions}, "instructions"),) if instructions else ()
    messages = (*opening, *before, *new)
    check_order(messages)
    stream = flag(payload.pop("stream", None), "stream")
    flag(payload.get("store"), "store")
    return ChatRequest(
        model=model,
        messages=messages,
        stream=stream,
        include_usage=True,
        options=payload,
        received=received,
        headers=headers,
        body=body,
        api="responses",
        new=len(new),
    )


def _before(previous: object, kept: Kept) -> tuple[Message, ...]:
    if previous is None:
        return ()
    if not isinstance(previous, str) or previous not in kept:
        sentence = f"Previous response with id '{previous}' not found."
        raise RequestError(sentence, "previous_response_id", code="previous_response_not_found")
    return kept[previous]


def _input(value: object) -> tuple[Message, ...]:
    items = [{"role": "user", "content": value}] if isinstance(value, str) else value
    if not isinstance(items, list) or not items:
        raise RequestError("input must be a text or a list that is not empty", "input")
    return tuple(_item(item, f"input[{index}]") for index, item in enumerate(items))


def _item(value: object, param: str) -> Message:
    if not isinstance(value, dict) or value.get("role") not in ("user", "assistant"):
        raise RequestError(f"{param} must be a message of the user or the assistant", param)
    content = value.get("content")
    parts = [_part(part, f"{param}.content") for part in content] if isinstance(content, list) else content
    return message({"role": value["role"], "content": parts}, param)


def _part(value: object, param: str) -> dict[str, object]:
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(value, dict) or kind not in PARTS:
        raise RequestError(f"Invalid value: {kind!r}. Supported values are: {', '.join(PARTS)}.", param)
    if kind == "input_image":
        return {"type": "image_url", "image_url": {"url": value.get("image_url")}}
    return {"type": "text", "text": value.get("text")}


class Answer:
    """One response: its events are numbered, and its end has the whole of it."""

    spoken = False

    def __init__(self, request: ChatRequest, say: Say, prompt: PromptCount, kept: Kept) -> None:
        self._request = request
        self._say = say
        self._prompt = prompt
        self._kept = kept
        self._id = f"resp_{uuid.uuid4().hex}"
        self._item = f"msg_{uuid.uuid4().hex}"
        self._created = int(time.time())
        self._number = -1

    def opening(self) -> bytes:
        """The events before the first word."""
        head = {"response": self._response("in_progress")}
        item = {"id": self._item, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        return (
            self._event("response.created", head)
            + self._event("response.in_progress", head)
            + self._event("response.output_item.added", {"output_index": 0, "item": item})
        )

    def delta(self, field: str, text: str) -> bytes:
        """A piece of ``content`` or ``reasoning_content``, as Chat Completions calls them."""
        kind = "response.output_text.delta" if field == "content" else "response.reasoning_text.delta"
        place = {"item_id": self._item, "output_index": 0, "content_index": 0}
        return self._event(kind, {**place, "delta": text})

    def speech(self, samples: bytes) -> bytes:  # noqa: ARG002 - what this interface has no place for
        """Nothing: this interface does not speak."""
        return b""

    def finish(self) -> bytes:
        """The event with the whole response; it is kept where the client wants that."""
        self._keep()
        status = "completed" if self._say.finish_reason == "stop" else "incomplete"
        return self._event(f"response.{status}", {"response": self._response(status)})

    def whole(self, finish_reason: str | None) -> bytes:
        """The body of an answer that is not streamed."""
        self._keep()
        return _json(self._response("completed" if finish_reason == "stop" else "incomplete"))

    def _keep(self) -> None:
        if self._request.options.get("store") is not False:
            said = message({"role": "assistant", "content": self._say.text or " "}, "answer")
            asked = self._request.messages
            self._kept[self._id] = (*(asked[1:] if asked[0].role == "system" else asked), said)

    def _response(self, status: str) -> dict[str, object]:
        reasons = {"length": "max_output_tokens", "content_filter": "content_filter"}
        reason = reasons.get(self._say.finish_reason) if status == "incomplete" else None
        text = {"type": "output_text", "text": self._say.text, "annotations": []}
        done = [{"id": self._item, "type": "message", "role": "assistant", "status": status, "content": [text]}]
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "model": self._request.model,
            "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            "instructions": self._request.options.get("instructions"),
            "previous_response_id": self._request.options.get("previous_response_id"),
            "output": [] if status == "in_progress" else done,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": self._usage() if status != "in_progress" and self._say.usage else None,
        }

    def _usage(self) -> dict[str, object]:
        thought, said = (count_tokens(len(text.encode())) for text in (self._say.reasoning, self._say.text))
        return {
            "input_tokens": self._prompt.total,
            "input_tokens_details": {"cached_tokens": self._prompt.cached},
            "output_tokens": thought + said,
            "output_tokens_details": {"reasoning_tokens": thought},
            "total_tokens": self._prompt.total + thought + said,
        }

    def _event(self, kind: str, fields: Mapping[str, object]) -> bytes:
        self._number += 1
        data = {"type": kind, "sequence_number": self._number, **fields}
        return f"event: {kind}\n".encode() + b"data: " + _json(data) + b"\n\n"


def _json(payload: Mapping[str, object]) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
