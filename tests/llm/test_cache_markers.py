"""Cache markers on the wire, against a real server: they arrive, and a server that refuses them still answers."""

import json
import logging
from collections.abc import AsyncIterator, Sequence

import pytest

from bot import errors
from bot.conversation.cache_markers import mark_stable_messages
from bot.conversation.prompt import append_text
from bot.llm.chat_completions import ChatCompletions
from bot.llm.interface import Message
from bot.llm.model import Model
from bot.llm.openai_server import OpenAIServer
from bot.llm.stream_events import Received, StreamEvent
from sandbox.model import Behaviour, ChatRequest, Fail, ModelServer, Say

PLAIN = [Message("system", "be kind"), Message("user", "hello"), Message("assistant", "hi"), Message("user", "bye")]
MARKED = mark_stable_messages(PLAIN)


@pytest.fixture
async def model(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Model]:
    async with server.run() as url:
        client = OpenAIServer(ChatCompletions, base_url=url, api_key="sk-right", extra_body={}, timeout=5.0)
        yield client.of("qwen-plus")
        await client.close()


async def _ask(model: Model, messages: Sequence[Message]) -> list[StreamEvent]:
    return [event async for event in model.stream(messages)]


def _words(events: Sequence[StreamEvent]) -> str:
    return Received.of(events).text


def _contents(request: ChatRequest) -> list[object]:
    return [message["content"] for message in json.loads(request.body)["messages"]]


def _has_markers(request: ChatRequest) -> bool:
    return b"cache_control" in request.body


def _takes_plain_text_only(request: ChatRequest) -> Behaviour:
    if _has_markers(request):
        return Fail(400, "messages[0].content: invalid type: sequence, expected a string")
    return Say("hello")


async def test_marked_message_is_a_part_with_marker(server: ModelServer, model: Model) -> None:
    server.always(Say("hello"))
    await _ask(model, MARKED)
    marker = {"type": "ephemeral"}
    assert _contents(server.requests[0]) == [
        [{"type": "text", "text": "be kind", "cache_control": marker}],
        [{"type": "text", "text": "hello", "cache_control": marker}],
        "hi",
        [{"type": "text", "text": "bye", "cache_control": marker}],
    ]


async def test_text_of_this_request_follows_the_marker(server: ModelServer, model: Model) -> None:
    """What only this request adds must not be part of the cached prefix."""
    server.always(Say("hello"))
    await _ask(model, mark_stable_messages(append_text(PLAIN, "Recalled.")))
    parts = _contents(server.requests[0])[-1]
    assert parts == [
        {"type": "text", "text": "bye", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "\n\nRecalled."},
    ]
    assert server.requests[0].last_words == "bye\n\nRecalled."


async def test_prompt_is_same_with_and_without_markers(server: ModelServer, model: Model) -> None:
    server.always(Say("hello"))
    await _ask(model, MARKED)
    await _ask(model, PLAIN)
    with_markers, without = server.requests
    assert [(one.role, one.content) for one in with_markers.messages] == [
        (one.role, one.content) for one in without.messages
    ]


async def test_a_server_that_refuses_parts_answers_without_them(
    server: ModelServer, model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer_with(_takes_plain_text_only)
    with caplog.at_level(logging.WARNING):
        assert _words(await _ask(model, MARKED)) == "hello"
        assert _words(await _ask(model, MARKED)) == "hello"
    assert [_has_markers(request) for request in server.requests] == [True, False, False]
    assert len([record for record in caplog.records if "cache markers" in record.message]) == 1


async def test_marker_refused_as_image_part_is_dropped(server: ModelServer, model: Model) -> None:
    """A server for text only may call any content part multimodal."""
    server.script(Fail(400, "this model takes no multimodal content"), Say("hello"))
    assert _words(await _ask(model, MARKED)) == "hello"


async def test_markers_are_not_blamed_for_other_refusals(server: ModelServer, model: Model) -> None:
    """A request that is refused without markers too says nothing about them."""
    server.script(Fail(400, "temperature is out of range"), Fail(400, "temperature is out of range"))
    with pytest.raises(errors.RequestRefused):
        await _ask(model, MARKED)
    server.always(Say("hello"))
    await _ask(model, MARKED)
    assert _has_markers(server.requests[-1])


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (Fail(400, "This model's maximum context length is 32768 tokens"), errors.ContextTooLong),
        (Fail(400, "inappropriate content", code="data_inspection_failed"), errors.ContentRefused),
        (Fail(401, "Incorrect API key"), errors.WrongKey),
        (Fail(503, "overloaded"), errors.ServerTrouble),
    ],
)
async def test_other_failures_are_no_matter_of_markers(
    server: ModelServer, model: Model, refusal: Fail, kind: type[errors.ModelError]
) -> None:
    server.script(refusal, Say("hello"))
    with pytest.raises(kind):
        await _ask(model, MARKED)
    assert len(server.requests) == 1


async def test_refused_request_without_markers_is_not_repeated(server: ModelServer, model: Model) -> None:
    server.script(Fail(400, "temperature is out of range"), Say("hello"))
    with pytest.raises(errors.RequestRefused):
        await _ask(model, PLAIN)
    assert len(server.requests) == 1
