"""Parser for the events of the Responses API."""

import json
from collections.abc import Mapping

from bot.errors import StreamCut
from bot.llm.failures import failure, failure_in
from bot.llm.finishes import finish_of
from bot.llm.lenient import Object, mapping, mappings, text, thoughts, words
from bot.llm.server_sent_events import Event
from bot.llm.stream_events import Call, Finish, StreamEvent, piece
from bot.llm.tool_calls import ITEMS, pack_opaque
from bot.llm.usage_report import parse_usage

_SAID = ("response.output_text.delta", "response.refusal.delta")
_SAID_WHOLE = ("response.output_text.done", "response.refusal.done")
_THOUGHT = ("response.reasoning_text.delta", "response.reasoning_summary_text.delta", "response.reasoning.delta")
_LAST = ("response.completed", "response.incomplete", "response.failed", "response.cancelled", "response.done")


class ResponseEvents:
    """Parses one stream; `host` as in Chunks.

    `id` is the response's once known, `ended` the same once it is complete.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self.id = self.ended = ""
        self._calls: dict[str, Call] = {}
        self._opaque: dict[str, Object] = {}
        self._parts: set[tuple[object, object]] = set()
        """(output_index, content_index) of the parts that have been streamed."""
        self._over = False

    def read(self, event: Event) -> list[StreamEvent]:
        """The stream events in an SSE event. Raises a ModelError if it reports one.

        Tool calls are collected and returned with the last events.
        """
        data = event.data
        kind = text(data.get("type")) or event.name
        self.id = self.id or text(
            (data if data.get("object") == "response" else mapping(data.get("response"))).get("id")
        )
        if kind in _LAST:
            return self._last(mapping(data.get("response")), kind)
        if (error := failure_in(data, kind, self._host)) is not None:
            raise error
        if kind in _SAID:
            return piece(self._text(data, data.get("delta")))
        if kind in _SAID_WHOLE and _place(data) not in self._parts:
            return piece(self._text(data, data.get("text") or data.get("refusal")))
        if kind in _THOUGHT:
            return piece(reasoning=thoughts([data.get("delta")]))
        if kind == "response.output_item.done":
            return self._item(data, mapping(data.get("item")))
        if data.get("object") == "response" or (not kind and mappings(data.get("output"))):  # the server doesn't stream
            return self._last(data, kind)
        return []

    def end(self) -> list[StreamEvent]:
        """The last events of a stream that ended properly but without a finish reason."""
        if self._over or not (self._parts or self._calls):
            return []
        return piece(calls=tuple(self._calls.values()), opaque=self._beside(), finish=Finish.STOP)

    def _last(self, response: Object, kind: str) -> list[StreamEvent]:
        status = text(response.get("status")) or kind.removeprefix("response.")
        if response.get("error") or status in ("failed", "cancelled"):
            raise failure(response.get("error") or f"the response is {status}", self._host)
        if kind not in _LAST and status in ("queued", "in_progress"):
            raise StreamCut(f"the response is {status}")
        said = "" if self._parts else self._output(response)
        for item in mappings(response.get("output")):
            self._call(item)
        self._over = True
        finish = self._finish(response, kind, status, said=bool(said or self._parts or self._calls))
        self.ended = text(response.get("id"))
        calls = tuple(self._calls.values())
        opaque = self._beside()
        return piece(said, calls=calls, opaque=opaque, finish=finish, usage=parse_usage(response.get("usage")))

    def _finish(self, response: Object, kind: str, status: str, *, said: bool) -> Finish:
        reason = mapping(response.get("incomplete_details")).get("reason")
        if not reason and "incomplete" not in (status, kind.removeprefix("response.")):
            return finish_of(status, said=said) or Finish.STOP
        finish = finish_of(reason, said=said)
        if finish not in (Finish.LENGTH, Finish.FILTER):
            raise StreamCut(f"the response is incomplete: {reason!r:.100}")
        return finish

    def _text(self, data: Object, piece: object) -> str:
        said, _ = words(piece)
        if said:
            self._parts.add(_place(data))
        return said

    def _item(self, data: Object, item: Object) -> list[StreamEvent]:
        """A completed item; a message's text counts only if it wasn't streamed before."""
        self._call(item)
        first, _ = _place(data)
        if item.get("type") != "message" or any(place == first for place, _ in self._parts):
            return []
        return piece(self._text(data, item.get("content")))

    def _output(self, response: Object) -> str:
        """The text of a response that wasn't streamed."""
        items = (item for item in mappings(response.get("output")) if item.get("type") == "message")
        return "".join(words(item.get("content"))[0] for item in items) or text(response.get("output_text"))

    def _beside(self) -> str:
        """The reasoning before calls, encrypted by a server that keeps nothing, to be returned with the results."""
        return pack_opaque({ITEMS: list(self._opaque.values())}) if self._calls and self._opaque else ""

    def _call(self, item: Object) -> None:
        if item.get("type") == "reasoning" and item.get("encrypted_content"):
            self._opaque[text(item.get("id"))] = item
        name, arguments = text(item.get("name")), item.get("arguments")
        if item.get("type") != "function_call" or not name:
            return
        if isinstance(arguments, Mapping):
            arguments = json.dumps(arguments, ensure_ascii=False)
        number = text(item.get("call_id")) or text(item.get("id")) or f"call_{len(self._calls)}"
        self._calls.setdefault(number, Call(number, name, text(arguments)))


def _place(data: Object) -> tuple[object, object]:
    """The position of a part in the answer."""
    places = (data.get("output_index"), data.get("content_index"))
    first, second = (place if isinstance(place, int) else None for place in places)
    return first, second
