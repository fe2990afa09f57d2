"""Calls of tools over the three interfaces: offered, called in pieces, answered, and no part of what is said."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.llm.chat_completions import ChatCompletions
from bot.llm.dashscope import DashScopeServer
from bot.llm.interface import Message, Options, Tool
from bot.llm.model import Model
from bot.llm.openai_server import OpenAIModel, OpenAIServer
from bot.llm.responses import Responses
from bot.llm.server import Server
from bot.llm.stream_events import Call, Finished, KeepAlive, Received, StreamEvent, ToolCalls, UsageReported
from bot.llm.tool_calls import ToolCallAssembler
from sandbox.model import ModelServer, Say

LOOK = Tool("look", "Looks something up.", "word", "What to look for.")
OPTIONS = Options(tools=(LOOK,), may_call=True)
ASKED = [Message("system", "be kind"), Message("user", "what is it?")]
CALLS = (("look", '{"word": "cat"}'), ("look", '{"word": "собака"}'))


@pytest.fixture(params=["chat", "responses", "dashscope", "dashscope, seeing"])
async def model(server: ModelServer, request: pytest.FixtureRequest) -> AsyncIterator[Model]:
    async with server.run() as url:
        models = _models(request.param, url, server)
        yield models.of("qwen-plus" if request.param != "dashscope, seeing" else "qwen3-vl-plus")
        await models.close()


def _models(api: str, url: str, server: ModelServer) -> Server:
    if api.startswith("dashscope"):
        return DashScopeServer(base_url=server.dashscope_url, api_key="sk-right", extra_body={}, timeout=5.0)
    kind: type[OpenAIModel] = ChatCompletions if api == "chat" else Responses
    return OpenAIServer(kind, base_url=url, api_key="sk-right", extra_body={}, timeout=5.0)


async def _answer(model: Model, asked: list[Message], options: Options = OPTIONS) -> list[StreamEvent]:
    return [event async for event in model.stream(asked, options)]


async def test_calls_come_whole_and_with_the_end(server: ModelServer, model: Model) -> None:
    server.script(Say("Let me see.", calls=CALLS))
    *before, last, end = [
        event for event in await _answer(model, ASKED) if not isinstance(event, KeepAlive | UsageReported)
    ]
    assert isinstance(last, ToolCalls)
    assert isinstance(end, Finished)
    assert Received.of(before).text == "Let me see."
    assert [(call.name, json.loads(call.arguments)["word"]) for call in last.calls] == [
        ("look", "cat"),
        ("look", "собака"),
    ]
    assert len({call.id for call in last.calls}) == 2
    [asked] = server.requests
    assert asked.may_call
    assert '"Looks something up."' in asked.tools


async def test_tool_results_go_back_and_answer_continues(server: ModelServer, model: Model) -> None:
    server.script(Say("", calls=CALLS), Say("An animal."))
    calls = Received.of(await _answer(model, ASKED)).calls
    results = [Message("tool", f"{call.name} found nothing", answers=call.id) for call in calls]
    more = await _answer(
        model, [*ASKED, Message("assistant", "", calls=calls), *results], replace(OPTIONS, may_call=False)
    )
    assert Received.of(more).text == "An animal."
    first, second = server.requests
    assert [message.text for message in second.messages if message.tool_call_id] == ["look found nothing"] * 2
    assert not second.may_call
    assert first.tools == second.tools


async def test_without_tools_there_is_no_trace_of_them(server: ModelServer, model: Model) -> None:
    server.script(Say("hi", calls=CALLS))
    events = await _answer(model, ASKED, Options())
    assert not Received.of(events).calls
    assert b"tool" not in server.requests[0].body


def test_calls_with_useless_index_are_separated_by_id() -> None:
    """The server gives no index, or the same for each."""
    calls = ToolCallAssembler()
    for name, place in (("1", {}), ("2", {"index": 0}), ("3", {"index": 0})):
        calls.add([{**place, "id": name, "function": {"name": "look", "arguments": "{}"}}])
    assert [(call.id, call.arguments) for call in calls.take()] == [("1", "{}"), ("2", "{}"), ("3", "{}")]


def test_calls_without_index_and_id_are_separated() -> None:
    calls = ToolCallAssembler()
    for word in ("cat", "dog"):
        calls.add([{"id": "", "function": {"name": "look", "arguments": f'{{"word": "{word}"}}'}}])
    assert [(call.id, call.arguments) for call in calls.take()] == [
        ("call_0", '{"word": "cat"}'),
        ("call_1", '{"word": "dog"}'),
    ]


@pytest.mark.parametrize("repeated", ["", "1", None])
def test_pieces_of_call_stay_together_whatever_id(repeated: str | None) -> None:
    calls = ToolCallAssembler()
    calls.add([{"index": 0, "id": "1", "function": {"name": "look", "arguments": '{"word": '}}])
    calls.add([{"index": 0, "id": repeated, "function": {"name": None, "arguments": '"cat"}'}}])
    assert calls.take() == (Call("1", "look", '{"word": "cat"}'),)
