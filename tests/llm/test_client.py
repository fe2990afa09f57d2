"""Which failures the client tries again."""

import json

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import errors
from bot.llm.chat_completions import ChatCompletions
from bot.llm.interface import Image, Message
from bot.llm.openai_server import OpenAIServer
from sandbox.http import serve

SHOWN = [Message("user", "look", parts=(Image("image/png", b"x"), "look"))]


@pytest.mark.parametrize(
    ("status", "words", "kind", "requests"),
    [
        (500, "image input is not supported", errors.CannotSee, 1),
        (500, "input is too long", errors.ContextTooLong, 1),
        (429, "Your credit balance is too low", errors.NoCredit, 1),
        (429, "Rate limit reached", errors.RateLimited, 2),
        (500, "CUDA error: out of memory", errors.ServerTrouble, 2),
    ],
)
async def test_what_the_words_explain_is_not_tried_again(
    status: int, words: str, kind: type[errors.ModelError], requests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.llm.openai_server.RETRIES", 1)
    asked = 0

    async def refuse(_: Request) -> Response:
        nonlocal asked
        asked += 1
        headers = {"retry-after-ms": "1"}
        return Response(json.dumps({"error": {"message": words}}), status, headers, "application/json")

    async with serve(Starlette(routes=[Route("/v1/chat/completions", refuse, methods=["POST"])])) as url:
        server = OpenAIServer(ChatCompletions, base_url=f"{url}/v1", api_key="key", extra_body={}, timeout=5.0)
        with pytest.raises(kind):
            [_ async for _ in server.of("qwen-vl-plus").stream(SHOWN)]
        await server.close()
    assert asked == requests
