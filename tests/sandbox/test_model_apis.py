"""One scripted conversation, played through every API: the same is said, heard, counted and kept."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import dashscope
import openai
import pytest
from dashscope import AioGeneration, AioMultiModalConversation

from sandbox.model import ModelServer, RequestMessage, Say
from tests.media.files import picture
from tests.selection import first

GENERATION: Any = AioGeneration  # typed as if it were the blocking client
CONVERSATION: Any = AioMultiModalConversation

SHOWN = picture(kind="PNG")
SHOWN_URL = f"data:image/png;base64,{base64.b64encode(SHOWN).decode()}"
LONG = "word " * 400
SCRIPT = [Say("Hello, Ann.", reasoning="who is it"), Say("A red flag.")]
QUESTIONS = [LONG, "What is this?"]

Talk = Callable[[list[dict[str, Any]], ModelServer], Awaitable[str]]


@pytest.fixture
async def model(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ModelServer]:
    model = ModelServer()
    async with model.run() as url:
        monkeypatch.setattr(dashscope, "base_http_api_url", model.dashscope_url)
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        monkeypatch.setenv("OPENAI_API_KEY", "any")
        yield model


def parts(turn: dict[str, Any], image: object, text: Callable[[str], object]) -> Any:
    return [*([image] if "shown" in turn else []), text(turn["content"])]


async def chat(turns: list[dict[str, Any]], _: ModelServer) -> str:
    shown = {"type": "image_url", "image_url": {"url": SHOWN_URL}}
    messages: Any = [
        {"role": turn["role"], "content": parts(turn, shown, lambda text: {"type": "text", "text": text})}
        for turn in turns
    ]
    async with openai.AsyncOpenAI() as client:
        chunks = await client.chat.completions.create(model="m", messages=messages, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])


async def responses(turns: list[dict[str, Any]], _: ModelServer) -> str:
    return await _respond(turns[0], turns[1:])


async def chained(turns: list[dict[str, Any]], model: ModelServer) -> str:
    return await _respond(turns[0], turns[-1:], next(reversed(model.responses.ids), None))


def _asked(text: str) -> dict[str, str]:
    return {"type": "input_text", "text": text}


def _answered(text: str) -> dict[str, str]:
    return {"type": "output_text", "text": text}


async def _respond(system: dict[str, Any], turns: list[dict[str, Any]], previous: str | None = None) -> str:
    shown = {"type": "input_image", "image_url": SHOWN_URL}
    written = {"user": _asked, "assistant": _answered}
    items: Any = [
        {"type": "message", "role": turn["role"], "content": parts(turn, shown, written[turn["role"]])}
        for turn in turns
    ]
    async with openai.AsyncOpenAI() as client:
        events = await client.responses.create(
            model="m", input=items, instructions=system["content"], previous_response_id=previous, stream=True
        )
        return "".join([event.delta async for event in events if event.type == "response.output_text.delta"])


async def text_generation(turns: list[dict[str, Any]], _: ModelServer) -> str:
    async with aiohttp.ClientSession() as session:
        chunks = await GENERATION.call("m", messages=turns, **_native(session), result_format="message")
        return "".join([chunk.output.choices[0].message.content async for chunk in chunks])


async def multimodal_generation(turns: list[dict[str, Any]], _: ModelServer) -> str:
    shown = {"image": SHOWN_URL}
    messages = [{"role": turn["role"], "content": parts(turn, shown, lambda text: {"text": text})} for turn in turns]
    async with aiohttp.ClientSession() as session:
        chunks = await CONVERSATION.call("m", messages, **_native(session))
        contents = [chunk.output.choices[0].message.content async for chunk in chunks]
        return "".join(part["text"] for content in contents for part in content)


def _native(session: aiohttp.ClientSession) -> dict[str, Any]:
    return {"api_key": "any", "session": session, "stream": True, "incremental_output": True}


async def play(talk: Talk, model: ModelServer, *, shown: bool) -> list[str]:
    model.script(*SCRIPT)
    turns: list[dict[str, Any]] = [{"role": "system", "content": "be kind"}]
    for question in QUESTIONS:
        picture = {"shown": True} if shown and question is QUESTIONS[-1] else {}
        turns.append({"role": "user", "content": question, **picture})
        turns.append({"role": "assistant", "content": await talk(turns, model)})
    return [turn["content"] for turn in turns if turn["role"] == "assistant"]


def read(messages: tuple[RequestMessage, ...]) -> list[tuple[str, str, str, object]]:
    return [(message.role, message.text, message.content, message.media) for message in messages]


@pytest.mark.parametrize("talk", first([responses, chained, text_generation, multimodal_generation]))
async def test_conversation_equals_that_of_chat_completions(model: ModelServer, talk: Talk) -> None:
    shown = talk is not text_generation
    assert await play(talk, model, shown=shown) == [say.text for say in SCRIPT]
    other = ModelServer()
    with pytest.MonkeyPatch.context() as patch:
        async with other.run() as url:
            patch.setenv("OPENAI_BASE_URL", url)
            await play(chat, other, shown=shown)
    assert [read(request.messages) for request in model.requests] == [
        read(request.messages) for request in other.requests
    ]
    assert model.counts == other.counts
    assert model.counts[1].cached >= model.counts[0].total - 1  # its last token may not have been a whole one
    assert model.requests[1].last_words == QUESTIONS[-1]


async def test_stand_in_counts_the_whole_chain(model: ModelServer) -> None:
    """It counts what it reads, not only what was sent in this request."""
    async with openai.AsyncOpenAI() as client:
        first = await client.responses.create(model="m", input="one")
        second = await client.responses.create(model="m", input="two", previous_response_id=first.id)
    assert "I was given 3 messages; your last words were: two" in second.output_text
