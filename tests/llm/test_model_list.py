"""What servers tell of their models in their lists."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.llm.chat_completions import ChatCompletions
from bot.llm.fallback import WithFallback
from bot.llm.interface import OWN_HIT, Message
from bot.llm.known import KNOWN
from bot.llm.model_list import profiles_in_list
from bot.llm.openai_server import OpenAIServer
from bot.llm.profiles import ModelProfile, Profiles
from bot.llm.stream_events import TextDelta
from sandbox.http import serve
from sandbox.model import ModelServer
from tests.llm.model_lists import LISTS

NOTHING: dict[str, object] = {
    "some features": {"data": [{"id": "some-model", "capabilities": ["chat"], "features": []}]},
    "names alone": {"data": [{"id": "some-model", "object": "model"}]},
    "null": None,
    "a text": "models",
    "strings": {"data": ["some-model"]},
    "odd numbers": {"data": [{"id": "some-model", "context_length": -1, "max_model_len": True, "n_ctx": "much"}]},
    "only trained": {"data": [{"id": "some-model", "owned_by": "llamacpp", "meta": {"n_ctx_train": 40_960}}]},
    "a number for a name": {"data": [{"id": 7, "context_length": 8192}]},
    "no list": {"data": {"some-model": {}}},
}


NATIVE = {
    "/props": (
        {"data": [{"id": "x.gguf", "owned_by": "llamacpp", "meta": {"n_ctx_train": 40_960}}]},
        {"default_generation_settings": {"n_ctx": 4096}, "modalities": {"vision": False}},
    ),
    "/api/ps": (
        {"data": [{"id": "some-model:4b", "owned_by": "library"}]},
        {"models": [{"name": "some-model:4b", "model": "some-model:4b", "context_length": 4096}]},
    ),
}


@asynccontextmanager
async def server(content: bytes, profiles: Profiles = KNOWN, status: int = 200) -> AsyncIterator[OpenAIServer]:
    async def models(_: Request) -> Response:
        return Response(content, status, media_type="application/json")

    async with serve(Starlette(routes=[Route("/v1/models", models)])) as url:
        found = OpenAIServer(
            ChatCompletions, base_url=f"{url}/v1", api_key="sk-any", extra_body={}, timeout=5.0, profiles=profiles
        )
        try:
            await found.learn()
            yield found
        finally:
            await found.close()


@pytest.mark.parametrize(("body", "told"), LISTS.values(), ids=LISTS)
async def test_a_list_is_read_in_any_form(body: object, told: ModelProfile | int) -> None:
    wanted = ModelProfile(context_window=told) if isinstance(told, int) else told
    async with server(json.dumps(body).encode()) as models:
        assert models.profile_of("maker/Some-Model").model_dump(include=wanted.model_fields_set) == wanted.model_dump(
            exclude_unset=True
        )
        assert models.of("maker/Some-Model").window == wanted.context_window


@pytest.mark.parametrize("body", NOTHING.values(), ids=NOTHING)
def test_what_tells_nothing_is_left_out(body: object) -> None:
    assert "some-model" not in profiles_in_list(body)


@pytest.mark.parametrize(
    ("content", "status"), [(b"<html>", 200), (b"\xff\xfe", 200), (b"[" * 100_000, 200), (b"{}", 500), (b"", 404)]
)
async def test_a_list_that_is_none_changes_nothing(content: bytes, status: int) -> None:
    async with server(content, status=status) as models:
        assert models.of("gpt-4o").window == 128_000


async def test_the_operators_file_has_the_last_word(tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text('[models."some-*"]\ncontext_window = 5000\n')
    body = {"data": [{"id": "some-model", "max_model_len": 8192, "supports_vision": False}]}
    async with server(json.dumps(body).encode(), KNOWN.with_file(path)) as models:
        found = models.of("some-model")
        assert (found.window, found.capabilities.sees) == (5000, False)
        assert models.cache("some-model").hit is None


@pytest.mark.parametrize("path", NATIVE)
async def test_local_servers_are_asked_in_their_own_way(path: str) -> None:
    listing, own = NATIVE[path]

    async def answer(request: Request) -> Response:
        return Response(json.dumps(listing if request.url.path == "/v1/models" else own), media_type="application/json")

    async with serve(Starlette(routes=[Route("/v1/models", answer), Route(path, answer)])) as url:
        models = OpenAIServer(ChatCompletions, base_url=f"{url}/v1", api_key="sk-any", extra_body={}, timeout=5.0)
        await models.learn()
        assert models.of("some-model:4b").window == 4096
        assert models.cache("some-model:4b").hit == OWN_HIT
        await models.close()


async def test_model_loaded_later_reports_its_window() -> None:
    loaded: list[dict[str, object]] = []
    said = {"choices": [{"index": 0, "delta": {"content": "fine"}, "finish_reason": "stop"}]}

    async def answer(request: Request) -> Response:
        if request.url.path == "/api/ps":
            return Response(json.dumps({"models": loaded}), media_type="application/json")
        if request.url.path == "/v1/models":
            listing = {"data": [{"id": "some-model:latest", "owned_by": "library"}]}
            return Response(json.dumps(listing), media_type="application/json")
        loaded.append({"name": "some-model:latest", "context_length": 4096})
        return Response(f"data: {json.dumps(said)}\n\ndata: [DONE]\n\n", media_type="text/event-stream")

    paths = [Route(path, answer, methods=["GET", "POST"]) for path in ("/v1/models", "/api/ps", "/v1/chat/completions")]
    async with serve(Starlette(routes=paths)) as url:
        models = OpenAIServer(ChatCompletions, base_url=f"{url}/v1", api_key="sk-any", extra_body={}, timeout=5.0)
        await models.learn()
        model = models.of("some-model")
        assert (model.window, model.limit) == (32_768, None)
        assert TextDelta("fine") in [event async for event in model.stream([Message("user", "hello")])]
        assert models._asking is not None
        await models._asking
        assert model.limit == 4096
        await models.close()


async def test_a_server_that_is_loading_is_asked_later() -> None:
    listing = {"data": [{"id": "some-model", "max_model_len": 131_072, "input_modalities": ["text"]}]}
    said = {"choices": [{"index": 0, "delta": {"content": "fine"}, "finish_reason": "stop"}]}
    is_up = asyncio.Event()

    async def answer(request: Request) -> Response:
        if not is_up.is_set():
            return Response('{"error": {"message": "Loading model"}}', 503)
        if request.url.path == "/v1/models":
            return Response(json.dumps(listing), media_type="application/json")
        return Response(f"data: {json.dumps(said)}\n\ndata: [DONE]\n\n", media_type="text/event-stream")

    paths = [Route(path, answer, methods=["GET", "POST"]) for path in ("/v1/models", "/v1/chat/completions")]
    async with serve(Starlette(routes=paths)) as url:
        models = OpenAIServer(ChatCompletions, base_url=f"{url}/v1", api_key="sk-any", extra_body={}, timeout=5.0)
        await models.learn()
        is_up.set()
        model = models.of("some-model")
        assert TextDelta("fine") in [event async for event in model.stream([Message("user", "hello")])]
        assert models._asking is not None
        await models._asking
        assert (model.window, model.limit, model.capabilities.sees) == (131_072, None, False)
        await models.close()


async def test_fallback_uses_what_its_server_lists() -> None:
    body = json.dumps({"data": [{"id": "other", "max_model_len": 8192}]}).encode()
    async with server(body) as models:
        both = WithFallback(models, models, "other", patience=1.0)
        before = OpenAIServer(ChatCompletions, base_url=models.base_url, api_key="any", extra_body={}, timeout=5.0)
        late = WithFallback(models, before, "other", patience=1.0)
        await both.learn()
        await late.learn()
        assert (both.fallback.window, late.fallback.window) == (8192, 8192)
        assert both.fallback is models.of("other")
        await before.close()


@asynccontextmanager
async def slow() -> AsyncIterator[tuple[OpenAIServer, ModelServer]]:
    """A server that does not tell of its models until it is let to."""
    box = ModelServer()
    box.models_available.clear()
    box.model_details = {"max_model_len": 8192, "supports_vision": False, "supports_tools": True}
    async with box.run() as url:
        models = OpenAIServer(ChatCompletions, base_url=url, api_key="sk-any", extra_body={}, timeout=5.0)
        yield models, box
        await models.close()


async def test_a_list_that_comes_late_is_taken_over() -> None:
    async with slow() as (models, box):
        model = models.of("stand-in")
        learning = asyncio.create_task(models.learn())
        assert (model.window, model.capabilities.sees, model.calls) == (32_768, True, False)
        box.models_available.set()
        await learning
        assert models.of("stand-in") is model
        assert (model.window, model.capabilities.sees, model.calls) == (8192, False, True)


async def test_what_refusals_taught_holds_over_a_list() -> None:
    async with slow() as (models, box):
        model = models.of("stand-in")
        model.capabilities = replace(model.capabilities, sees=False)
        box.model_details = {"supports_vision": True}
        box.models_available.set()
        await models.learn()
        assert not model.capabilities.sees


async def test_a_prompt_waits_but_briefly_for_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.llm.server.READY_S", 0.05)
    async with slow() as (models, box):
        await models.ready()  # nobody has asked for the list
        learning = asyncio.create_task(models.learn())
        await asyncio.sleep(0)
        await models.ready()
        assert not learning.done()
        box.models_available.set()
        await learning
        await models.ready()
