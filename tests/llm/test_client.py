"""Which failures the client tries again.

What is large in a request is encoded beside the event loop, and is the same there.
"""

import json
import threading
from functools import partial

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import errors
from bot.llm import client, parameters, responses
from bot.llm.chat_completions import ChatCompletions
from bot.llm.client import MUCH, to_json
from bot.llm.interface import Image, Message
from bot.llm.openai_server import OpenAIServer
from bot.llm.responses import Responses
from bot.llm.stream_events import Received
from sandbox.http import serve
from sandbox.model import ModelServer, Say
from tests.media.files import picture

SHOWN = [Message("user", "look", parts=(Image("image/png", b"x"), "look"))]
WORDS = {"words": ['a"b\n', "é中\u2028", None, True, 1.5], "more": {"": []}}
LARGE_SHOWN = [Message("user", "look", parts=(Image("image/png", picture(kind="PNG")), "look"))]


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


@pytest.mark.parametrize("much", [0, MUCH])
def test_json_is_what_it_was(much: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MUCH", much)
    assert to_json(WORDS) == json.dumps(WORDS, ensure_ascii=False, separators=(",", ":")).encode()


def test_half_a_sign_is_replaced() -> None:
    assert to_json({"a": "\ud800"}, "replace") == b'{"a":"?"}'


@pytest.mark.parametrize("api", [ChatCompletions, Responses])
async def test_large_request_is_made_in_threads(
    api: type[ChatCompletions | Responses], server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[threading.Thread] = set()

    def noted(make: object, *of: object) -> object:
        threads.add(threading.current_thread())
        return make(*of)  # type: ignore[operator]

    monkeypatch.setattr(client, "MUCH", 10)
    coded = parameters.base64_text
    for module in (parameters, responses):
        monkeypatch.setattr(module, "base64_text", partial(noted, coded))
    monkeypatch.setattr("bot.llm.client.to_json", partial(noted, to_json))
    server.script(Say("A picture."))
    async with server.run() as url:
        models = OpenAIServer(api, base_url=url, api_key="sk-right", extra_body={}, timeout=5.0)
        assert Received.of([event async for event in models.of("gpt-4o").stream(LARGE_SHOWN)]).text == "A picture."
        await models.close()
    assert threads
    assert threading.main_thread() not in threads
    assert b"base64,iVBOR" in server.requests[0].body
