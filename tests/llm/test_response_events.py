"""Events of the Responses API as servers send them, and worse: no answer is lost to a form."""

from collections.abc import AsyncIterator

import pytest

from bot import errors
from bot.llm.model import Model
from bot.llm.openai_server import OpenAIServer
from bot.llm.responses import Responses
from bot.llm.stream_events import Call, Finish, Finished, ReasoningDelta, Received, ToolCalls, Usage, UsageReported
from sandbox.model import ModelServer, Raw
from tests.llm.streams import DEEP, Json, answer, data, stream, text_of

NONE: list[Json] = [None, [], {}, True, 7]


@pytest.fixture
async def model(server: ModelServer) -> AsyncIterator[Model]:
    async with server.run() as url:
        models = OpenAIServer(Responses, base_url=url, api_key="sk-right", extra_body={}, timeout=5.0)
        yield models.of("some-model")
        await models.close()


def _event(kind: str, **more: Json) -> dict[str, Json]:
    return {"type": f"response.{kind}", **more}


def _delta(text: Json, **more: Json) -> dict[str, Json]:
    return _event("output_text.delta", output_index=0, content_index=0, delta=text, **more)


def _end(status: Json = "completed", kind: str = "completed", **more: Json) -> dict[str, Json]:
    return _event(kind, response={"id": "resp_1", "object": "response", "status": status, "error": None, **more})


SAID = {"type": "message", "content": [{"type": "output_text", "text": "Hello there"}]}
CALL = {"type": "function_call", "call_id": "a", "name": "look", "arguments": {"word": "cat"}}
USAGE = {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11}
HELLO = _delta("Hello"), _delta(" there"), _end(usage=USAGE)
SKIPPED: list[Json] = [
    *("null", "[]", "[null]", "17", '"text"', "", "{}", "ping", DEEP, {"type": "ping"}, {"type": 7}, {"type": None}),
    *(_delta(odd) for odd in [*NONE[:4], [None], {"type": "odd", "text": "no"}]),
    *(_event("output_item.done", item=odd) for odd in [*NONE, {"type": "function_call"}]),
    *(_event("reasoning_text.delta", delta=odd) for odd in NONE[:4]),
    *(_event("output_text.done", output_index=0, content_index=0, text=odd) for odd in [*NONE[:4], "Hello there"]),
    *(_event("created", response=odd) for odd in [*NONE, {"object": "response", "status": "in_progress"}]),
]


async def test_an_event_of_no_form_is_skipped(server: ModelServer, model: Model) -> None:
    for odd in SKIPPED:
        server.script(Raw(stream(_delta("Hello"), odd, _delta(" there"), odd, HELLO[-1])))
        events = await answer(model)
        assert text_of(events) == "Hello there", odd
        assert [event.reason for event in events if isinstance(event, Finished)] == [Finish.STOP], odd
        assert [event.usage for event in events if isinstance(event, UsageReported)] == [Usage(9, 0, 2)], odd
        assert not any(isinstance(event, ToolCalls | ReasoningDelta) for event in events), odd


WIRES: dict[str, bytes] = {
    "without done": data(*HELLO),
    "with done and no last event": stream(*HELLO[:2]),
    "parts": stream(_delta([{"type": "output_text", "text": "Hello"}]), _delta({"text": " there"}), _end()),
    "names of events": b'event: response.output_text.delta\ndata: {"delta": "Hello there"}\n\n' + data(_end()),
    "text in the last event": stream(_end(output=[SAID])),
    "text in one piece": stream(_event("output_text.done", output_index=0, text="Hello there"), _end(output=[SAID])),
    "text told twice": stream(
        *HELLO[:2], _event("output_text.done", output_index=0, content_index=0, text="no"), _end()
    ),
    "text in a whole item": data(_event("output_item.done", output_index=0, item=SAID), _end()),
    "text told again in an item": data(*HELLO[:2], _event("output_item.done", output_index=0, item=SAID), _end()),
    "no names at all": b'{"status": "completed", "output": [{"type": "message", "content": "Hello there"}]}',
    "a status that is late": data(*HELLO[:2], _end("in_progress")),
    "refusal": stream(_event("refusal.delta", delta="Hello there"), _end()),
    "no stream": b'{"object": "response", "status": "completed", "output_text": "Hello there"}',
    "odd ends": stream(*HELLO[:2], _event("completed", response=None)),
    "odd outputs": stream(*HELLO[:2], _end(output=[None, {}, {"type": "message", "content": 5}], usage=[])),
    "no status": stream(*HELLO[:2], _end(None)),
    "halves": data(_delta("Hello\0 there"), _end()),
}


async def test_an_answer_of_any_form_arrives(server: ModelServer, model: Model) -> None:
    for name, body in WIRES.items():
        server.script(Raw(body))
        events = await answer(model)
        assert text_of(events) == "Hello there", name
        assert [event.reason for event in events if isinstance(event, Finished)] == [Finish.STOP], name


@pytest.mark.parametrize(
    "body",
    [
        data(_event("output_item.done", item=CALL), _end()),
        data(_end(output=[SAID, CALL])),
        data(_event("output_item.done", item=CALL), _end(output=[CALL])),
        stream(_event("output_item.done", item=CALL)),
    ],
    ids=["an item", "in the last event", "in both", "done"],
)
async def test_a_call_is_taken_once(server: ModelServer, model: Model, body: bytes) -> None:
    server.script(Raw(body))
    calls = list(Received.of(await answer(model)).calls)
    assert calls == [Call("a", "look", '{"word": "cat"}')]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("max_output_tokens", Finish.LENGTH), ("max_tokens", Finish.LENGTH), ("content_filter", Finish.FILTER)],
)
async def test_an_incomplete_answer_says_why(server: ModelServer, model: Model, reason: str, finish: Finish) -> None:
    server.script(Raw(data(*HELLO[:2], _end("incomplete", "incomplete", incomplete_details={"reason": reason}))))
    assert [event.reason for event in await answer(model) if isinstance(event, Finished)] == [finish]


BROKEN: dict[str, tuple[bytes, type[errors.ModelError]]] = {
    "closed": (data(*HELLO[:2]), errors.StreamCut),
    "nothing said": (stream(), errors.StreamCut),
    "failed": (data(_end("failed", "failed")), errors.StreamCut),
    "failed, odd": (data(_event("failed", response=None)), errors.StreamCut),
    "failed, with a code": (
        data(_event("failed", response={"error": {"code": "rate_limit_exceeded", "message": "slow down"}})),
        errors.RateLimited,
    ),
    "failed, called complete": (data(*HELLO[:2], _end("failed")), errors.StreamCut),
    "aborted, called complete": (data(*HELLO[:2], _end("aborted")), errors.StreamCut),
    "cancelled": (data(*HELLO[:2], _end("cancelled", "cancelled")), errors.StreamCut),
    "incomplete, no reason": (data(*HELLO[:2], _end("incomplete", "incomplete")), errors.StreamCut),
    "incomplete, odd reason": (
        data(*HELLO[:2], _end("incomplete", incomplete_details={"reason": "network_error"})),
        errors.StreamCut,
    ),
    "queued": (b'{"object": "response", "status": "queued", "output": []}', errors.StreamCut),
    "an error": (data({"type": "error", "code": "rate_limit_exceeded", "message": "slow"}), errors.RateLimited),
    "an error inside": (data({"type": "error", "error": {"code": 429, "message": "slow"}}), errors.RateLimited),
    "an error of odd form": (data({"type": "error", "code": None, "message": None}), errors.StreamCut),
}


async def test_broken_stream_is_reported_as_such(server: ModelServer, model: Model) -> None:
    for name, (body, kind) in BROKEN.items():
        server.script(Raw(body))
        with pytest.raises(errors.ModelError) as caught:
            await answer(model)
        assert type(caught.value) is kind, (name, caught.value)
