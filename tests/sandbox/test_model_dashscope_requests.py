"""What the model server reads and refuses of requests in DashScope's own form."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import dashscope
import httpx
import pytest
from dashscope import AioGeneration, AioMultiModalConversation

from sandbox.model import ModelServer, Say
from tests.media.files import picture

GENERATION: Any = AioGeneration  # typed as if it were the blocking client
CONVERSATION: Any = AioMultiModalConversation
TEXT, MULTIMODAL = (f"/services/aigc/{task}-generation/generation" for task in ("text", "multimodal"))
MESSAGE = {"result_format": "message"}
EVENTS = {"x-dashscope-sse": "enable", "accept": "text/event-stream"}


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    model = ModelServer(key="right")
    model.always(Say("fine"))
    async with model.run():
        yield model


@pytest.fixture
async def session(model: ModelServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[aiohttp.ClientSession]:
    monkeypatch.setattr(dashscope, "base_http_api_url", model.dashscope_url)
    async with aiohttp.ClientSession() as session:
        yield session


async def post(model: ModelServer, path: str, body: object, headers: dict[str, str] | None = None) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        sent = {"authorization": "Bearer right", **(headers or {})}
        return await client.post(model.dashscope_url + path, json=body, headers=sent)


def url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def user(content: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": content}]}


async def test_requests_are_kept_as_they_came(session: aiohttp.ClientSession, model: ModelServer) -> None:
    chunks = await GENERATION.call(
        "qwen-plus",
        messages=[{"role": "system", "content": "be kind"}, {"role": "user", "content": "hello"}],
        api_key="right",
        session=session,
        stream=True,
        incremental_output=True,
        enable_thinking=True,
        max_tokens=5,
        **MESSAGE,
    )
    assert [chunk.status_code async for chunk in chunks] == [200, 200]
    [request] = model.requests
    assert (request.api, request.model, request.stream, request.last_words) == ("dashscope", "qwen-plus", True, "hello")
    assert request.new == len(request.messages)
    assert request.messages[1].raw == '{"role": "user", "content": "hello"}'
    assert request.options == {
        "result_format": "message",
        "incremental_output": True,
        "enable_thinking": True,
        "max_tokens": 5,
    }
    assert request.headers["x-dashscope-sse"] == "enable"
    assert set(json.loads(request.body)) == {"model", "input", "parameters"}


async def test_parts_with_media_are_read_and_counted(session: aiohttp.ClientSession, model: ModelServer) -> None:
    shown, sound = picture(640, 480, kind="PNG"), b"ID3" + b"\0" * 717
    answer = await CONVERSATION.call(
        "qwen3-vl-plus",
        [
            {
                "role": "user",
                "content": [
                    {"image": url("image/png", shown)},
                    {"audio": url("audio/mp3", sound)},
                    {"text": "what?", "cache_control": {"type": "ephemeral"}},
                ],
            }
        ],
        api_key="right",
        session=session,
    )
    assert answer.output.choices[0].message.content == [{"text": "fine"}]
    assert (answer.usage.image_tokens, answer.usage.audio_tokens) == (300, 3)
    [message] = model.requests[0].messages
    assert (message.text, message.images, message.sounds) == ("what?", (shown,), (sound,))


async def test_a_text_model_takes_parts_of_text_too(model: ModelServer) -> None:
    marked = {"type": "text", "text": "hello", "cache_control": {"type": "ephemeral"}}
    answer = await post(model, TEXT, {"model": "m", "input": user([marked]), "parameters": MESSAGE})
    assert answer.status_code == 200
    assert model.requests[0].last_words == "hello"


@pytest.mark.parametrize("multimodal", [True, False])
async def test_wrong_key_is_answer_not_exception(
    session: aiohttp.ClientSession, model: ModelServer, multimodal: bool
) -> None:
    api, content = (CONVERSATION, [{"text": "hi"}]) if multimodal else (GENERATION, "hi")
    answer = await api.call("m", messages=[{"role": "user", "content": content}], api_key="wrong", session=session)
    assert (answer.status_code, answer.code, answer.message) == (401, "InvalidApiKey", "Incorrect API key provided.")


async def test_unknown_path_is_refused_in_same_form(model: ModelServer) -> None:
    answer = await post(model, "/services/aigc/smell-generation/generation", {})
    assert answer.status_code == 404
    assert answer.json()["code"] == "ModelNotFound"


async def test_header_alone_asks_for_a_stream(model: ModelServer) -> None:
    body = {"model": "m", "input": user("hi"), "parameters": MESSAGE}
    plain, streamed = [await post(model, TEXT, body, headers) for headers in ({}, EVENTS)]
    assert plain.json()["output"]["choices"][0]["message"]["content"] == "fine"
    assert streamed.text.startswith("id:1\nevent:result\n:HTTP_STATUS/200\ndata:{")
    refused = await post(model, TEXT, body, EVENTS | {"accept": "application/json"})
    assert refused.status_code == 400


@pytest.mark.parametrize(
    ("path", "change", "reason"),
    [
        (TEXT, {"model": ""}, "model"),
        (TEXT, {"input": None}, "input.messages must be a list"),
        (TEXT, {"input": "hi"}, "input must be an object"),
        (TEXT, {"input": {"prompt": "hi"}}, "input.messages must be a list"),
        (TEXT, {"input": user("")}, "has no text"),
        (TEXT, {"input": user([{"image": "x"}])}, "url error"),
        (TEXT, {"input": {"messages": [{"role": "assistant", "content": "hi"}]}}, "role must be user here"),
        (TEXT, {"parameters": {}}, "result_format is message here"),
        (TEXT, {"parameters": MESSAGE | {"max_tokens": 0}}, "Invalid 'max_tokens'"),
        (TEXT, {"parameters": MESSAGE | {"enable_thinking": 1}}, "enable_thinking must be true or false"),
        (TEXT, {"parameters": MESSAGE | {"enable_thinking": True}}, "incremental_output only support set True"),
        (MULTIMODAL, {"input": user("hi")}, "must be a list of parts"),
        (MULTIMODAL, {"input": user([{"smell": "x"}])}, "not a content part"),
        (MULTIMODAL, {"input": user([{"text": "x", "image": "y"}])}, "not a content part"),
        (MULTIMODAL, {"input": user([{"type": "image_url", "image_url": {"url": "x"}}])}, "type 'image_url'"),
        (MULTIMODAL, {"input": user([{"image": "https://x/y.png"}])}, "no data URL"),
        (MULTIMODAL, {"input": user([{"audio": url("audio/ogg", b"OggS")}])}, "no format"),
        (MULTIMODAL, {"input": user([{"audio": url("audio/wav", b"OggS")}])}, "is not wav"),
        (MULTIMODAL, {"parameters": {"result_format": "text"}}, "result_format is message here"),
    ],
)
async def test_what_a_real_server_refuses_is_refused(
    model: ModelServer, path: str, change: dict[str, object], reason: str
) -> None:
    said = user("hi") if path == TEXT else user([{"text": "hi"}])
    answer = await post(model, path, {"model": "m", "input": said, "parameters": MESSAGE} | change, EVENTS)
    assert answer.status_code == 400
    assert reason in answer.json()["message"]
    assert answer.json().keys() == {"code", "message", "request_id"}
    assert model.requests == []
