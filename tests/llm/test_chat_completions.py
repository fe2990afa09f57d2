"""The real client against a real server: answers, and every failure told apart."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bot import errors
from bot.llm import openai_server
from bot.llm.chat_completions import ChatCompletions
from bot.llm.interface import Capabilities, Message
from bot.llm.known import KNOWN
from bot.llm.model import Model
from bot.llm.openai_server import OpenAIServer
from bot.llm.stream_events import Finish, Finished, Received, StreamEvent
from sandbox.http import serve
from sandbox.model import Cut, Fail, Hang, ModelServer, NoFinish, Say

ASKED = [Message("system", "be kind"), Message("user", "hello")]


@pytest.fixture
async def model(server: ModelServer) -> AsyncIterator[Model]:
    async with server.run() as url:
        client = _client(url)
        yield client.of("qwen-plus")
        await client.close()


def _client(url: str, key: str = "sk-right", timeout: float = 5.0) -> OpenAIServer:
    return OpenAIServer(
        ChatCompletions, base_url=url, api_key=key, extra_body={"enable_thinking": True}, timeout=timeout
    )


async def _answer(model: Model) -> list[StreamEvent]:
    return [event async for event in model.stream(ASKED)]


async def test_answer_streams_with_finish_and_usage(server: ModelServer, model: Model) -> None:
    server.script(Say("Hello there, Ann", reasoning="who is it"))
    events = await _answer(model)
    assert Received.of(events).text == "Hello there, Ann"
    assert Received.of(events).reasoning == "who is it"
    assert [event.reason for event in events if isinstance(event, Finished)] == [Finish.STOP]
    usage = Received.of(events).usage
    assert usage is not None
    assert usage.input > 0
    assert usage.output > 0


async def test_request_has_messages_and_operators_extra_fields(server: ModelServer, model: Model) -> None:
    server.script(Say("hi"))
    await _answer(model)
    body = json.loads(server.requests[0].body)
    assert body == {
        "model": "qwen-plus",
        "messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "enable_thinking": True,
    }


async def test_a_repeated_prefix_is_reported_as_cached(server: ModelServer, model: Model) -> None:
    server.always(Say("hi"))
    asked = [Message("system", "word " * 1000), Message("user", "hello")]
    for _ in range(2):
        events = [event async for event in model.stream(asked)]
    usage = Received.of(events).usage
    assert usage is not None
    assert usage.cached > 1000


@pytest.mark.parametrize(("reason", "finish"), [("length", Finish.LENGTH), ("content_filter", Finish.FILTER)])
async def test_an_answer_says_why_it_ended_early(
    server: ModelServer, model: Model, reason: str, finish: Finish
) -> None:
    server.script(Say("Hello", finish_reason=reason))
    assert Finished(finish) in await _answer(model)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (Fail(401, "Incorrect API key"), errors.WrongKey),
        (Fail(403, "Access denied", code="AccessDenied"), errors.NoPermission),
        (Fail(403, "Access denied, your account is in arrears", code="Arrearage"), errors.NoCredit),
        (Fail(404, "The model does not exist", code="model_not_found"), errors.NoPermission),
        (Fail(402, "Insufficient Balance"), errors.NoCredit),
        (Fail(429, "Requests rate limit exceeded"), errors.RateLimited),
        (Fail(429, "You exceeded your current quota", code="insufficient_quota"), errors.NoCredit),
        (Fail(400, "This model's maximum context length is 32768 tokens"), errors.ContextTooLong),
        (Fail(400, "Range of input length should be [1, 30720]"), errors.ContextTooLong),
        (Fail(400, "too many tokens in the request"), errors.ContextTooLong),
        (
            Fail(400, "Input data may contain inappropriate content", code="data_inspection_failed"),
            errors.ContentRefused,
        ),
        (Fail(400, "The image length and width do not meet the restrictions"), errors.ImageRefused),
        (Fail(400, "temperature is out of range"), errors.RequestRefused),
        (Fail(500), errors.ServerTrouble),
        (Fail(503, "overloaded"), errors.ServerTrouble),
        (Cut("Hello there", after=5), errors.StreamCut),
        (NoFinish("Hello there"), errors.StreamCut),
    ],
)
async def test_failures_are_told_apart(
    server: ModelServer, model: Model, failure: Fail | Say, kind: type[errors.ModelError]
) -> None:
    server.script(failure)
    with pytest.raises(errors.ModelError) as caught:
        await _answer(model)
    assert type(caught.value) is kind
    assert caught.value.__cause__ is not None or isinstance(failure, NoFinish)


async def test_null_fields_lose_no_answer(server: ModelServer, model: Model) -> None:
    chunks = (
        '{"choices": [{"index": 0, "delta": {"content": "Hello"}}], "usage": {"prompt_tokens": null}}',
        '{"choices": [{"index": 0, "delta": null, "finish_reason": "stop"}]}',
    )
    body = "".join(f"data: {chunk}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    server.script(Fail(200, body=body.encode()))
    events = await _answer(model)
    assert Received.of(events).text == "Hello"
    assert [event.reason for event in events if isinstance(event, Finished)] == [Finish.STOP]
    assert Received.of(events).usage is None


async def test_a_server_that_keeps_silent_is_given_up(server: ModelServer) -> None:
    server.script(Hang())
    async with server.run() as url:
        client = _client(url, timeout=0.05)
        with pytest.raises(errors.NoAnswerInTime):
            await _answer(client.of("qwen-plus"))
        await client.close()


async def test_unreachable_server_is_server_trouble() -> None:
    async with ModelServer().run() as url:
        pass
    client = _client(url)
    with pytest.raises(errors.ServerTrouble):
        await _answer(client.of("qwen-plus"))
    await client.close()


async def test_busy_server_is_retried_when_it_says(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_server, "RETRIES", 2)
    server.script(Fail(429, headers={"Retry-After": "0.1"}), Fail(503), Say("at last"))
    async with server.run() as url:
        client = _client(url)
        assert Received.of(await _answer(client.of("qwen-plus"))).text == "at last"
        assert len(server.requests) == 3
        await client.close()


async def test_abandoned_answer_is_closed_and_not_paid(server: ModelServer, model: Model) -> None:
    server.script(Say("word " * 500, delay=0.01))
    stream = model.stream(ASKED)
    await anext(stream)
    await stream.aclose()
    await server.wait_abandoned(1)
    assert server.abandoned == server.requests


def test_every_failure_has_a_sentence_for_the_user() -> None:
    for kind in errors.ModelError.__subclasses__():
        sentence = kind("details for the log").sentence
        assert sentence.endswith(".")
        assert "details" not in sentence


async def test_server_without_parts_or_usage_gets_neither(server: ModelServer, tmp_path: Path) -> None:
    file = tmp_path / "profiles.toml"
    file.write_text('[servers."127.*"]\ncontent_parts = false\nusage_in_stream = false\ncache_markers = true\n')
    async with server.run() as url:
        models = OpenAIServer(
            ChatCompletions,
            base_url=url,
            api_key="sk-right",
            extra_body={},
            timeout=5.0,
            profiles=KNOWN.with_file(file),
        )
        model = models.of("gpt-4o")
        assert model.capabilities == Capabilities()
        assert not models.cache("gpt-4o").explicit
        events = [event async for event in model.stream([Message("user", "hi", mark=True)])]
        await models.close()
    assert json.loads(server.requests[0].body)["messages"] == [{"role": "user", "content": "hi"}]
    assert not server.requests[0].include_usage
    assert Received.of(events).usage is None


async def test_tagged_reasoning_is_not_in_answer(server: ModelServer, model: Model) -> None:
    server.script(Say("<think>\nwho is it\n</think>\n\nHello there, Ann"))
    events = await _answer(model)
    assert Received.of(events).text == "Hello there, Ann"
    assert Received.of(events).reasoning == "\nwho is it\n"


async def test_finished_answer_survives_a_broken_line() -> None:
    """An answer that said why it ended is whole even if the connection breaks afterwards."""

    async def broken() -> AsyncIterator[bytes]:
        yield b'data: {"choices": [{"index": 0, "delta": {"content": "Hello"}, "finish_reason": "stop"}]}\n\n'
        raise ConnectionAbortedError

    async def chat(_: Request) -> Response:
        return StreamingResponse(broken(), media_type="text/event-stream")

    async with serve(Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])) as url:
        client = _client(f"{url}/v1")
        events = await _answer(client.of("qwen-plus"))
        await client.close()
    assert Received.of(events).text == "Hello"
