"""Sounds in the form that a server takes, and the voice of an answer."""

import json
from collections.abc import AsyncIterator

import pytest

from bot import errors
from bot.llm.chat_completions import ChatCompletions
from bot.llm.interface import Message, Options, Sound
from bot.llm.known import KNOWN
from bot.llm.model import Model
from bot.llm.openai_server import OpenAIServer
from bot.llm.stream_events import Received
from sandbox.model import Fail, ModelServer, Say
from sandbox.model.behaviour import Behaviour
from sandbox.model.request import ChatRequest

ASKED = [Message("user", "what is it?", parts=(Sound("mp3", b"ID3" + bytes(200)), "what is it?"))]


@pytest.fixture
async def servers(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAIServer]:
    async with server.run() as url:
        servers = OpenAIServer(ChatCompletions, base_url=url, api_key="sk-right", extra_body={}, timeout=5.0)
        yield servers
        await servers.close()


async def _ask(model: Model, options: Options | None = None) -> str:
    return Received.of([event async for event in model.stream(ASKED, options or Options())]).text


def _forms(server: ModelServer) -> list[bool]:
    """Of each request, whether it had a data URL in it."""
    return [b"data:;base64," in request.body for request in server.requests]


@pytest.mark.parametrize(
    ("url", "as_url"),
    [
        ("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", True),
        ("https://ws1.ap-southeast-1.maas.aliyuncs.com/compatible-mode/v1", True),
        ("https://api.openai.com/v1", False),
        ("https://generativelanguage.googleapis.com/v1beta/openai", False),
        ("http://127.0.0.1:8000/v1", False),
    ],
)
def test_only_model_studio_wants_a_data_url(url: str, as_url: bool) -> None:
    assert KNOWN.server(url).sound_as_url is as_url


@pytest.mark.parametrize(
    "refusal",
    [
        Fail(400, "Invalid value: input_audio.data must be a data URL"),
        Fail(422, body=b'{"detail": [{"msg": "Value error, audio must start with data:"}]}'),
        Fail(400, "The audio could not be decoded"),
        Fail(400, "audio input is not supported"),
    ],
)
async def test_refused_audio_form_is_replaced_by_other(
    server: ModelServer, servers: OpenAIServer, refusal: Fail
) -> None:
    def answer(request: ChatRequest) -> Behaviour:
        return Say("a song") if b"data:;base64," in request.body else refusal

    server.answer_with(answer)
    model = servers.of("qwen3-omni-flash")
    assert [await _ask(model), await _ask(model)] == ["a song", "a song"]
    assert _forms(server) == [False, True, True]


async def test_a_server_that_refuses_both_is_asked_twice(server: ModelServer, servers: OpenAIServer) -> None:
    server.answer_with(lambda _: Fail(400, "The audio could not be decoded"))
    with pytest.raises(errors.MediaRefused):
        await _ask(servers.of("qwen3-omni-flash"))
    assert _forms(server) == [False, True]


async def test_a_form_that_was_taken_stays(server: ModelServer, servers: OpenAIServer) -> None:
    server.script(Say("a song"), Fail(400, "The audio could not be decoded"), Say("a song"))
    model = servers.of("qwen3-omni-flash")
    await _ask(model)
    with pytest.raises(errors.MediaRefused):
        await _ask(model)
    await _ask(model)
    assert _forms(server) == [False, False, False]


@pytest.mark.parametrize(
    ("name", "voice", "told"),
    [
        ("qwen3-omni-flash", None, {"voice": "Cherry", "format": "wav"}),
        ("qwen3-omni-flash", "Ethan", {"voice": "Ethan", "format": "wav"}),
        ("gpt-audio", None, {"voice": "alloy", "format": "pcm16"}),
        ("gpt-audio", "verse", {"voice": "verse", "format": "pcm16"}),
    ],
)
async def test_the_voice_is_the_models_or_the_operators(
    server: ModelServer, servers: OpenAIServer, name: str, voice: str | None, told: dict[str, str]
) -> None:
    servers.profiles = KNOWN.with_voice(voice) if voice else KNOWN
    model = servers.of(name)
    model.capabilities = servers.profiles.model("qwen3-omni-flash").capabilities
    await _ask(model, Options(voice=True))
    assert json.loads(server.requests[0].body)["audio"] == told
