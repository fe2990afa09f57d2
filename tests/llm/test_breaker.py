"""A server that is down is not asked, until it answers again."""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import errors
from bot.llm import breaker
from bot.llm import breaker as breaker_module
from bot.llm.breaker import FAILURES, CircuitBreaker
from bot.llm.chat_completions import ChatCompletions
from bot.llm.interface import Image, Message
from bot.llm.openai_server import OpenAIServer
from sandbox.http import serve
from sandbox.model import Behaviour, Fail, Hang, ModelServer, Say
from tests.media.files import picture

DOWN = errors.ServerTrouble("503")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "PROBE_EVERY_S", 0.01)


class Server:
    def __init__(self) -> None:
        self.up = asyncio.Event()
        self.asked = 0

    async def answers(self) -> bool:
        self.asked += 1
        return self.up.is_set()


@pytest.fixture
async def server() -> Server:
    return Server()


def _is_open(one: CircuitBreaker) -> bool:
    try:
        one.check()
    except errors.ServerTrouble:
        return False
    return True


async def _until(happened: Callable[[], bool]) -> None:
    while not happened():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.005)


async def test_several_failures_in_row_mean_server_down(server: Server) -> None:
    one = CircuitBreaker("host", server.answers)
    for _ in range(FAILURES - 1):
        one.failed(DOWN)
    assert _is_open(one)
    one.answered()
    for _ in range(FAILURES):
        assert _is_open(one)
        one.failed(errors.NoAnswerInTime("silence"))
    assert not _is_open(one)
    await one.close()


async def test_a_refusal_shows_that_it_is_up(server: Server) -> None:
    one = CircuitBreaker("host", server.answers)
    for _ in range(FAILURES):
        one.failed(DOWN)
        one.failed(errors.WrongKey("401"))
    assert _is_open(one)


async def test_probe_detects_recovery_and_continued_outage(server: Server) -> None:
    one = CircuitBreaker("host", server.answers)
    for _ in range(FAILURES):
        one.failed(DOWN)
    async with asyncio.timeout(5):
        await _until(lambda: server.asked >= 3)
        assert not _is_open(one)
        server.up.set()
        await _until(lambda: _is_open(one))
    one.failed(DOWN)
    assert not _is_open(one)
    await one.close()


async def test_probe_failing_unexpectedly_is_not_the_last(server: Server) -> None:
    async def answers() -> bool:
        if await server.answers():
            return True
        raise LookupError("nobody thought of this")

    one = CircuitBreaker("host", answers)
    for _ in range(FAILURES):
        one.failed(DOWN)
    async with asyncio.timeout(5):
        await _until(lambda: server.asked >= 2)
        server.up.set()
        await _until(lambda: _is_open(one))


@pytest.mark.parametrize("body", ["<html>welcome</html>", "null", "[]", "", "not JSON"])
async def test_any_answer_about_models_means_server_up(body: str) -> None:
    async def models(_: Request) -> Response:
        return Response(body, media_type="text/html" if body.startswith("<") else "application/json")

    async with serve(Starlette(routes=[Route("/v1/models", models)])) as url:
        client = OpenAIServer(ChatCompletions, base_url=f"{url}/v1", api_key="key", extra_body={}, timeout=5.0)
        for _ in range(FAILURES):
            client.breaker.failed(DOWN)
        async with asyncio.timeout(5):
            await _until(lambda: _is_open(client.breaker))
        await client.close()


async def test_silent_server_is_down_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(breaker, "PROBE_EVERY_S", 60.0)
    server = ModelServer()
    server.always(Hang())
    async with server.run() as url:
        client = OpenAIServer(ChatCompletions, base_url=url, api_key="key", extra_body={}, timeout=5.0)
        # Who only changes his mind says nothing about the server.
        for bound, long in ((0.0, 60.0), *[(0.4, 0.3)] * FAILURES):
            monkeypatch.setattr(breaker_module, "LONG_SILENCE_S", long)
            assert _is_open(client.breaker)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(bound):
                    await anext(client.of("any").stream([Message("user", "hello")]))
        assert not _is_open(client.breaker)
        await client.close()


SHOWN = [Message("user", "look", parts=(Image("image/jpeg", picture()), "look"))]


async def _ask(client: OpenAIServer, name: str, messages: Sequence[Message] = SHOWN) -> type[Exception] | None:
    try:
        async for _ in client.of(name).stream(messages):
            pass
    except errors.ModelError as exc:
        return type(exc)
    return None


async def test_a_model_that_fails_shuts_out_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "PROBE_EVERY_S", 60.0)
    server = ModelServer()
    server.answer_with(lambda asked: Fail(503, "overloaded") if asked.model == "first" else Say("hello"))
    async with server.run() as url:
        client = OpenAIServer(ChatCompletions, base_url=url, api_key="key", extra_body={}, timeout=5.0)
        for _ in range(FAILURES + 1):
            assert await _ask(client, "first") is errors.ServerTrouble
        assert len(server.requests) == FAILURES
        assert await _ask(client, "other") is None
        await client.close()


async def test_dead_server_is_down_for_all_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "PROBE_EVERY_S", 60.0)
    server = ModelServer()
    async with server.run() as url:
        pass
    client = OpenAIServer(ChatCompletions, base_url=url, api_key="key", extra_body={}, timeout=5.0)
    for at in range(FAILURES):
        assert await _ask(client, f"model {at}") is errors.ServerTrouble
    assert not _is_open(client.breaker)
    await client.close()


@pytest.mark.parametrize(
    "failure",
    [
        Fail(500, "image input is not supported - hint: you may need to provide the mmproj"),
        Fail(500, "the request exceeds the available context size, try increasing it"),
        Fail(500, "input new_sensitive (1026)"),
    ],
    ids=lambda failure: failure.message[:12],
)
async def test_what_is_explained_is_no_trouble(monkeypatch: pytest.MonkeyPatch, failure: Behaviour) -> None:
    monkeypatch.setattr(breaker, "PROBE_EVERY_S", 60.0)
    server = ModelServer()
    server.always(failure)
    async with server.run() as url:
        client = OpenAIServer(ChatCompletions, base_url=url, api_key="key", extra_body={}, timeout=5.0)
        for at in range(FAILURES + 1):
            await _ask(client, "qwen-vl-plus")
            assert len(server.requests) == at + 1
        assert _is_open(client.breaker)
        await client.close()


async def test_one_conversation_alone_shuts_out_no_other(server: Server) -> None:
    broken = errors.ServerTrouble("assertion failed")
    broken.status = 500
    one = CircuitBreaker("host", server.answers)
    for _ in range(FAILURES):
        one.failed(broken, 1)
    assert _is_open(one)
    for about in range(2, FAILURES + 1):
        one.failed(broken, about)
    assert not _is_open(one)
    await one.close()


async def test_only_who_was_shown_something_is_blind() -> None:
    server = ModelServer()
    server.always(Fail(400, "this model does not support image input"))
    async with server.run() as url:
        client = OpenAIServer(ChatCompletions, base_url=url, api_key="key", extra_body={}, timeout=5.0)
        await _ask(client, "qwen-vl-plus", [Message("user", "look")])
        assert client.of("qwen-vl-plus").capabilities.sees
        assert await _ask(client, "qwen-vl-plus") is errors.CannotSee
        assert not client.of("qwen-vl-plus").capabilities.sees
        await client.close()
