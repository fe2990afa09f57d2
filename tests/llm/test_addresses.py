"""Addresses with a query, as Azure has them: it goes out with every request, and the key where it is looked for."""

import httpx2
import openai
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.errors import ModelError
from bot.llm.chat_completions import ChatCompletions
from bot.llm.client import make_client
from bot.llm.embeddings import Embeddings
from bot.llm.interface import Message, Purpose, Sound
from bot.llm.openai_server import OpenAIServer
from bot.llm.responses import Responses
from bot.llm.transcription import Transcriptions
from sandbox.http import serve


async def test_a_query_goes_out_with_every_request() -> None:
    seen: list[tuple[str, str]] = []

    async def refuse(request: Request) -> Response:
        seen.append((request.url.path, request.url.query))
        return JSONResponse({"error": {"message": "no"}}, 400)

    async with serve(Starlette(routes=[Route("/{path:path}", refuse, methods=["GET", "POST"])])) as url:
        base = f"{url}/openai?api-version=2024-10-21&x=a%20b"
        for api in (ChatCompletions, Responses):
            server = OpenAIServer(api, base_url=base, api_key="key", extra_body={}, timeout=5.0)
            with pytest.raises(ModelError):
                await anext(server.of("gpt-5").stream([Message("user", "hello")]))
            assert await server.answers()
            await server.close()
        embedder = Embeddings(base_url=base, api_key="key", model="e", timeout=5.0)
        with pytest.raises(ModelError):
            await embedder.embed(["hello"], Purpose.QUERY)
        transcriber = Transcriptions(base_url=base, api_key="key", model="t", timeout=5.0)
        with pytest.raises(ModelError):
            await transcriber.transcribe(Sound("mp3", b"x"))
        await embedder.close()
        await transcriber.close()
    paths = ["chat/completions", "models", "responses", "models", "embeddings", "audio/transcriptions"]
    assert [path for path, _ in seen] == [f"/openai/{path}" for path in paths]
    assert {query.replace("+", "%20") for _, query in seen} == {"api-version=2024-10-21&x=a%20b"}


@pytest.mark.parametrize(
    ("url", "elsewhere", "own"),
    [
        ("https://h.openai.azure.com/openai/deployments/d?api-version=1", "https://evil.example/v1", "key"),
        ("https://h.openai.azure.com/openai/v1", None, None),
        ("https://api.openai.com/v1", None, None),
        ("https://evil.example/h.openai.azure.com/openai/deployments/d", None, None),
    ],
)
async def test_azure_gets_key_in_its_own_header(
    url: str, elsewhere: str | None, own: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Azure's older addresses read the key from `api-key`; a redirect elsewhere gets no key at all."""
    seen: list[httpx2.Request] = []

    def refuse(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        if elsewhere and len(seen) == 1:
            return httpx2.Response(307, headers={"Location": elsewhere})
        return httpx2.Response(400, json={"error": {"message": "no"}})

    transport = httpx2.MockTransport(refuse)
    monkeypatch.setattr(
        openai,
        "DefaultAsyncHttpxClient",
        lambda **given: httpx2.AsyncClient(
            transport=transport, follow_redirects=True, event_hooks=given["event_hooks"]
        ),
    )
    one = make_client(url, "key", silence=5, connect=5)
    with pytest.raises(Exception, match="no"):
        await one.models.list()
    assert seen[0].headers.get("api-key") == own
    assert all("key" not in str(request.headers.get("api-key")) for request in seen[1:])
    assert "authorization" not in (seen[1].headers if elsewhere else {})
    await one.close()


async def test_addresses_of_kept_responses_hold_no_query() -> None:
    server = OpenAIServer(
        Responses, base_url="https://x.example/v1/?key=secret", api_key="key", extra_body={}, timeout=5.0
    )
    assert server.responses_url == "https://x.example/v1/responses/"
    await server.close()
