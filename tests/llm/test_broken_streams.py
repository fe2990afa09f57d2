"""Streams that break are told as they are, and an end that comes late or never loses no whole answer."""

import asyncio
import json
from collections.abc import AsyncGenerator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import errors
from bot.llm import answer_stream
from bot.llm.chat_completions import ChatCompletions
from bot.llm.model import Model
from bot.llm.openai_server import OpenAIServer
from bot.llm.stream_events import Finish, Finished, StreamEvent, piece
from sandbox.http import serve
from sandbox.model import ModelServer, Raw
from tests.llm.streams import DEEP, HELLO, STOP, answer, data, say, stream, text_of
from tests.llm.streams import model as model

USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}

BROKEN: dict[str, tuple[bytes, type[errors.ModelError]]] = {
    "nothing": (b"", errors.StreamCut),
    "done and nothing else": (stream(), errors.StreamCut),
    "closed": (data(*HELLO[:2]), errors.StreamCut),
    "half a chunk": (data(say("Hello")) + b'data: {"choices": [{"delta": {"con', errors.StreamCut),
    "half a chunk in the middle": (data(say("Hello"), '{"choices": [{"del', STOP), errors.StreamCut),
    "nested without end": (stream(say("Hello"), f'{{"choices": {DEEP}', STOP), errors.StreamCut),
    "a page": (b"<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>", errors.StreamCut),
    "JSON lines that end early": (b"\n".join(json.dumps(event).encode() for event in HELLO[:2]), errors.StreamCut),
    "half a body": (b'{"choices": [{"message": {"content": "Hel', errors.StreamCut),
    "a plain text with words": (b"This model's maximum context length is 9 tokens", errors.ContextTooLong),
    "a plain text": (b"upstream connect error", errors.StreamCut),
    "an error": (data(say("He"), {"error": {"message": "it broke", "code": 500}}), errors.StreamCut),
    "an error with a status": (data({"error": {"message": "slow down", "code": 429}}), errors.RateLimited),
    "an error with a status in a text": (data({"error": {"message": "no", "code": "401"}}), errors.WrongKey),
    "an error with a code": (
        data({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}),
        errors.RateLimited,
    ),
    "an error with no code": (data({"error": {"message": "maximum context length is 9"}}), errors.ContextTooLong),
    "an error that is a text": (data(say("He"), {"error": "it broke"}), errors.StreamCut),
    "an error that is a text, with words": (data({"error": "maximum context length is 9"}), errors.ContextTooLong),
    "an error in a list": (data([{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}]), errors.RateLimited),
    "an error in a body": (b'[{"error": {"code": 429, "message": "slow down"}}]', errors.RateLimited),
    "an error in a choice": (
        data({"choices": [{"index": 0, "delta": {}, "error": {"code": 502, "message": "Provider"}}]}),
        errors.StreamCut,
    ),
    "an error beside Groq's usage": (data(say("He"), {"choices": [], "x_groq": {"error": "over"}}), errors.StreamCut),
    "a field of its own": (
        data(say("He")) + b'error: {"code": 500, "message": "Context size has been exceeded."}\n\n',
        errors.ContextTooLong,
    ),
    "a detail": (data({"detail": "maximum context length is 9"}), errors.ContextTooLong),
    "a msg": (data({"code": "DataInspectionFailed", "msg": "no"}), errors.ContentRefused),
    "errors": (
        data({"success": False, "errors": [{"code": 3, "message": "prompt is too long"}]}),
        errors.ContextTooLong,
    ),
    "an error_msg": (data({"error_code": 336007, "error_msg": "prompt is too long"}), errors.ContextTooLong),
    "details": (data(say("He"), {"detail": [{"loc": ["body"], "msg": "it broke"}]}), errors.StreamCut),
    "an object that is an error": (
        data({"object": "error", "message": "maximum context length is 9", "code": 40303}),
        errors.ContextTooLong,
    ),
    "a message and a code": (
        data({"code": "data_inspection_failed", "message": "no", "request_id": "7"}),
        errors.ContentRefused,
    ),
    "minimax": (data({"base_resp": {"status_code": 1013, "status_msg": "it broke"}}), errors.StreamCut),
    "an event of errors": (b"event: error\ndata: it broke\n\n", errors.StreamCut),
    "an event of errors with words": (
        b'event: error\ndata: {"message": "maximum context length is 9"}\n\n',
        errors.ContextTooLong,
    ),
    "an error behind a half character": (data(say("Hi \ud83d"), {"error": "\ud83d"}), errors.StreamCut),
}


async def test_broken_stream_is_reported_as_such(server: ModelServer, model: Model) -> None:
    for name, (body, kind) in BROKEN.items():
        server.script(Raw(body))
        with pytest.raises(errors.ModelError) as caught:
            await answer(model)
        assert type(caught.value) is kind, (name, caught.value)
        str(caught.value).encode()


async def test_trouble_behind_a_whole_answer_is_none(server: ModelServer, model: Model) -> None:
    for late in (data({"error": "it broke"}), b'data: {"choi', data({"error": {"code": 429}})):
        server.script(Raw(data(*HELLO) + late))
        assert text_of(await answer(model)) == "Hello there", late


@pytest.mark.parametrize(
    "body",
    [data(*HELLO), data(*HELLO, {"usage": USAGE}), stream(*HELLO), stream(*HELLO[:2])],
    ids=["finish", "usage", "done", "done without a finish"],
)
async def test_a_line_left_open_loses_nothing(
    server: ModelServer, model: Model, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_stream, "GRACE_S", 0.1)
    server.script(Raw(body, left_open=True))
    async with asyncio.timeout(3):
        events = await answer(model)
    assert text_of(events) == "Hello there"
    assert [event.reason for event in events if isinstance(event, Finished)] == [Finish.STOP]


async def test_unfinished_stream_left_open_is_awaited(
    server: ModelServer, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_stream, "GRACE_S", 0.01)
    server.script(Raw(data(*HELLO[:2]), left_open=True))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await answer(model)


async def test_the_connection_is_used_again_after_done() -> None:
    ports: list[int] = []

    async def chat(request: Request) -> Response:
        assert request.client is not None
        ports.append(request.client.port)
        return Response(stream(*HELLO), media_type="text/event-stream")

    async with serve(Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])) as url:
        models = OpenAIServer(ChatCompletions, base_url=f"{url}/v1", api_key="sk-right", extra_body={}, timeout=5.0)
        for _ in range(2):
            await answer(models.of("some-model"))
        await models.close()
    assert len(set(ports)) == 1


async def test_a_finish_in_each_piece_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_stream, "GRACE_S", 0.01)

    async def told() -> AsyncGenerator[list[StreamEvent], None]:
        for text in ("Hello", " there,", " Ann"):
            yield piece(text, finish=Finish.STOP)
            if text == " there,":
                await asyncio.sleep(0.05)

    assert (
        text_of([event async for told_at_once in answer_stream.end_after_finish(told()) for event in told_at_once])
        == "Hello there, Ann"
    )


async def test_what_was_answered_is_not_logged(server: ModelServer, model: Model) -> None:
    server.script(Raw(data(say("Hello"), '{"id": "chatcmpl-1", "choices": [{"delta": {"content": "Swordfish"}')))
    with pytest.raises(errors.StreamCut) as caught:
        await answer(model)
    assert "isn't JSON" in str(caught.value)
    assert "Swordfish" not in str(caught.value)
