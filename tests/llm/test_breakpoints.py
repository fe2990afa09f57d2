"""GPT-5.6 and later: breakpoints stand where the next request will be the same, and are sent where they are known."""

import json
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from bot.conversation.cache_markers import mark_stable_messages
from bot.conversation.prompt import append_text
from bot.llm.chat_completions import ChatCompletions
from bot.llm.interface import BREAKPOINT, Image, Message, Options
from bot.llm.known import KNOWN
from bot.llm.model import Model
from bot.llm.openai_server import OpenAIModel, OpenAIServer
from bot.llm.responses import Responses
from bot.llm.stream_events import Received, StreamEvent
from sandbox.model import Behaviour, ChatRequest, Fail, ModelServer, Say
from sandbox.model.prompt_cache import Breakpoints
from tests.media.files import picture

MARK: dict[str, object] = {"prompt_cache_breakpoint": {"mode": "explicit"}}
KEYED = Options(cache_key="keepsake-7")
PROFILES = """
[servers."127.*"]
cache_breakpoints = true
cache_key = true
[models."new"]
cache_breakpoints = true
"""
PLAIN = [Message("system", "be kind"), Message("user", "hello"), Message("assistant", "hi"), Message("user", "bye")]
ASKED = mark_stable_messages(append_text(PLAIN, "Recalled."))

Open = Callable[..., AbstractAsyncContextManager[Model]]


@pytest.fixture
def server() -> ModelServer:
    return ModelServer(words_per_second=1000, counter=lambda tokenize: Breakpoints(tokenize, least=256))


@pytest.fixture
def opened(server: ModelServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Open:
    file = tmp_path / "profiles.toml"
    file.write_text(PROFILES)

    @asynccontextmanager
    async def models(api: type[OpenAIModel] = ChatCompletions, name: str = "new") -> AsyncIterator[Model]:
        async with server.run() as url:
            profiles = KNOWN.with_file(file)
            one = OpenAIServer(api, base_url=url, api_key="sk", extra_body={}, timeout=5.0, profiles=profiles)
            yield one.of(name)
            await one.close()

    return models


async def _ask(model: Model, messages: Sequence[Message], options: Options = KEYED) -> list[StreamEvent]:
    return [event async for event in model.stream(messages, options)]


def _body(request: ChatRequest) -> dict[str, object]:
    body = json.loads(request.body)
    assert isinstance(body, dict)
    return body


async def test_recalled_text_is_a_part_behind_the_breakpoint(server: ModelServer, opened: Open) -> None:
    async with opened() as model:
        await _ask(model, ASKED)
    body = _body(server.requests[0])
    assert body["messages"] == [
        {"role": "system", "content": [{"type": "text", "text": "be kind", **MARK}]},
        {"role": "user", "content": [{"type": "text", "text": "hello", **MARK}]},
        {"role": "assistant", "content": "hi"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "bye", **MARK}, {"type": "text", "text": "\n\nRecalled."}],
        },
    ]
    assert body["prompt_cache_key"] == "keepsake-7"
    assert body["prompt_cache_options"] == {"mode": "explicit"}


async def test_responses_api_gets_system_message_as_input(server: ModelServer, opened: Open) -> None:
    async with opened(Responses) as model:
        await _ask(model, ASKED)
    body = _body(server.requests[0])
    assert "instructions" not in body
    assert body["input"] == [
        {"role": "system", "content": [{"type": "input_text", "text": "be kind", **MARK}]},
        {"role": "user", "content": [{"type": "input_text", "text": "hello", **MARK}]},
        {"type": "message", "role": "assistant", "content": "hi"},
        {
            "role": "user",
            "content": [{"type": "input_text", "text": "bye", **MARK}, {"type": "input_text", "text": "\n\nRecalled."}],
        },
    ]
    assert body["prompt_cache_key"] == "keepsake-7"
    assert body["prompt_cache_options"] == {"mode": "explicit"}


async def test_picture_without_words_carries_the_breakpoint(server: ModelServer, opened: Open) -> None:
    shown = Message("user", "", parts=(Image("image/png", picture(kind="PNG")),))
    async with opened() as model:
        await _ask(model, mark_stable_messages(append_text([shown], "Recalled.")))
    [message] = json.loads(server.requests[0].body)["messages"]
    assert [BREAKPOINT in part for part in message["content"]] == [True, False]


@pytest.mark.parametrize("api", [ChatCompletions, Responses])
async def test_what_the_operator_says_of_the_cache_holds(
    server: ModelServer, opened: Open, tmp_path: Path, api: type[OpenAIModel]
) -> None:
    said = 'extra_body = { prompt_cache_options = { ttl = "30m" }, prompt_cache_key = "theirs" }'
    (tmp_path / "profiles.toml").write_text(f"{PROFILES}{said}\n")
    async with opened(api) as model:
        await _ask(model, ASKED)
    body = _body(server.requests[0])
    assert body["prompt_cache_options"] == {"mode": "explicit", "ttl": "30m"}
    assert body["prompt_cache_key"] == "theirs"


async def test_without_marks_the_server_keeps_what_it_likes(server: ModelServer, opened: Open) -> None:
    async with opened() as model:
        await _ask(model, PLAIN)
    assert "prompt_cache_options" not in _body(server.requests[0])


async def test_other_models_get_only_the_cache_key(server: ModelServer, opened: Open) -> None:
    async with opened(name="old") as model:
        await _ask(model, PLAIN)
    body = _body(server.requests[0])
    assert body["prompt_cache_key"] == "keepsake-7"
    assert "prompt_cache_options" not in body


@pytest.mark.parametrize("api", [ChatCompletions, Responses])
async def test_a_conversation_is_read_from_the_cache(server: ModelServer, opened: Open, api: type[OpenAIModel]) -> None:
    said = [Message("system", "x" * 1200), Message("user", "hello")]
    async with opened(api) as model:
        for turn in range(6):
            await _ask(model, mark_stable_messages(append_text(said, f"Recalled {turn}. " * 9)))
            said += [Message("assistant", "hi" * 40), Message("user", f"more {turn}")]
    assert [count.cached > 0 for count in server.counts] == [False, True, True, True, True, True]
    assert all(after.cached == before.cached + before.written for before, after in pairwise(server.counts))


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("prompt_cache_breakpoint", "Unknown parameter: 'messages[0].content[0].prompt_cache_breakpoint'."),
        ("prompt_cache_options", "Unrecognized request argument supplied: prompt_cache_options"),
        ("prompt_cache_key", "body.prompt_cache_key: Extra inputs are not permitted"),
    ],
)
@pytest.mark.parametrize("api", [ChatCompletions, Responses])
async def test_a_refused_field_is_sent_no_more(
    server: ModelServer, opened: Open, caplog: pytest.LogCaptureFixture, api: type[OpenAIModel], field: str, words: str
) -> None:
    def strict(request: ChatRequest) -> Behaviour:
        return Fail(400, words) if field.encode() in request.body else Say("hello")

    server.answer_with(strict)
    async with opened(api) as model:
        with caplog.at_level(logging.WARNING):
            for _ in range(2):
                assert Received.of(await _ask(model, ASKED)).text == "hello"
    assert [field.encode() in request.body for request in server.requests] == [True, False, False]
    assert caplog.text.count("no longer sent") == 1
    last = _body(server.requests[-1])
    assert ("prompt_cache_options" in last) is (field == "prompt_cache_key")


async def test_response_chain_continues_with_its_system_message(
    server: ModelServer, opened: Open, tmp_path: Path
) -> None:
    (tmp_path / "profiles.toml").write_text(PROFILES.replace("cache_key = true", "keeps_responses = true"))
    async with opened(Responses) as model:
        first = mark_stable_messages(PLAIN[:2])
        answer = Received.of(await _ask(model, first, Options(lasting=True))).text
        await _ask(model, mark_stable_messages([*PLAIN[:2], Message("assistant", answer), Message("user", "bye")]))
    last = server.requests[-1]
    assert last.new == 1
    assert [message.role for message in last.messages] == ["system", "user", "assistant", "user"]
    assert last.messages[-1].markers
