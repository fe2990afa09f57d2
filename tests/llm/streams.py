"""Byte streams in the forms that servers have, invented for the tests, and a model behind a server that sends them."""

import json
from collections.abc import AsyncIterator, Callable

import pytest

from bot.llm.chat_completions import ChatCompletions
from bot.llm.harmony import Harmony
from bot.llm.interface import Message
from bot.llm.model import Model
from bot.llm.openai_server import OpenAIServer
from bot.llm.stream_events import Received, StreamEvent
from bot.llm.thinking import ThinkingTags
from sandbox.model import ModelServer

Json = object


def chunk(finish: Json = None, **delta: Json) -> dict[str, Json]:
    """A chunk with one piece."""
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def say(text: Json) -> dict[str, Json]:
    """A chunk with a piece of the answer."""
    return chunk(content=text)


STOP = chunk("stop")
HELLO = say("Hello"), say(" there"), STOP
DEEP = "[" * 100_000
ASKED = [Message("user", "hello")]


def data(*events: Json) -> bytes:
    """Events, each with JSON data, or with this text as it is."""
    texts = [event if isinstance(event, str) else json.dumps(event) for event in events]
    return "".join(f"data: {text}\n\n" for text in texts).encode()


def stream(*events: Json) -> bytes:
    """Such events, and the sign that these were all."""
    return data(*events, "[DONE]")


@pytest.fixture
async def model(server: ModelServer) -> AsyncIterator[Model]:
    async with server.run() as url:
        models = OpenAIServer(ChatCompletions, base_url=url, api_key="sk-right", extra_body={}, timeout=5.0)
        yield models.of("some-model")
        await models.close()


async def answer(model: Model) -> list[StreamEvent]:
    return [event async for event in model.stream(ASKED)]


def text_of(events: list[StreamEvent]) -> str:
    return Received.of(events).text


SIZES = (1, 2, 3, 7, 8, 9, 1000)
"""Characters in a piece; the last is all at once."""


def split_each_way(make: Callable[[], Harmony | ThinkingTags], text: str, *, whole: bool) -> dict[int, tuple[str, str]]:
    """The answer and the reasoning in a text, by the size of the pieces that it comes in."""
    return {size: split_in_pieces(make(), text, size, whole=whole) for size in SIZES}


def split_in_pieces(splitter: Harmony | ThinkingTags, text: str, size: int, *, whole: bool) -> tuple[str, str]:
    """The answer and the reasoning in a text that comes in pieces of so many characters."""
    said, thought = "", ""
    for at in (*range(0, len(text), size), None):
        split = splitter.rest(whole=whole) if at is None else splitter.split(text[at : at + size])
        if split.taken_back:
            said, thought = "", thought + said
        said, thought = said + split.text, thought + split.reasoning
    return said, thought
