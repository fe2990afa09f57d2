"""What is large in a request is encoded beside the event loop, and is the same there."""

import json
import threading
from functools import partial

import pytest

from bot.llm import client, parameters, responses
from bot.llm.chat_completions import ChatCompletions
from bot.llm.client import MUCH, to_json
from bot.llm.interface import Image, Message
from bot.llm.openai_server import OpenAIServer
from bot.llm.responses import Responses
from sandbox.model import ModelServer, Say
from tests.media.files import picture

WORDS = {"words": ['a"b\n', "é中\u2028", None, True, 1.5], "more": {"": []}}
SHOWN = [Message("user", "look", parts=(Image("image/png", picture(kind="PNG")), "look"))]


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
        assert "".join([delta.text async for delta in models.of("gpt-4o").stream(SHOWN)]) == "A picture."
        await models.close()
    assert threads
    assert threading.main_thread() not in threads
    assert b"base64,iVBOR" in server.requests[0].body
