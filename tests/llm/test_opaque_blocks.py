"""What a server has beside its calls of tools goes back with them, as it was, and nowhere else."""

import json
from typing import Any

import pytest

from bot.conversation.tools import ToolUsingModel
from bot.errors import StreamCut
from bot.llm.chat_completions import ChatCompletions
from bot.llm.dashscope import DashScopeServer
from bot.llm.interface import Message, Tool
from bot.llm.model import Model
from bot.llm.openai_server import OpenAIModel, OpenAIServer
from bot.llm.responses import Responses
from bot.llm.stream_events import Call, Received, StreamEvent
from sandbox.model import Behaviour, ChatRequest, Fail, ModelServer, Raw, Say
from sandbox.model.model_server import NATIVE
from tests.llm.streams import Json, chunk, data, say, stream

LOOK = Tool("look", "Looks something up.", "word", "What to look for.")
SIGNATURE: Json = {"google": {"thought_signature": "c2ln"}}
CALL: dict[str, Json] = {"index": 0, "id": "1", "function": {"name": "look", "arguments": '{"word": "cat"}'}}


pytestmark = pytest.mark.usefixtures("running")


def _models(server: ModelServer, kind: type[OpenAIModel]) -> OpenAIServer:
    url = f"{server.dashscope_url.removesuffix(NATIVE)}/v1"
    return OpenAIServer(kind, base_url=url, api_key="sk-right", extra_body={}, timeout=5.0)


async def _use(call: Call) -> str:
    return "an animal"


async def _asked(model: Model) -> list[StreamEvent]:
    assisted = ToolUsingModel(model, (LOOK,), _use, len, 10)
    return [event async for event in assisted.stream([Message("user", "what is it?")])]


async def _sent_back(server: ModelServer, *pieces: Json) -> dict[str, Any]:
    """The message with the calls, as the next request has it."""
    server.script(Raw(stream(*pieces, chunk("tool_calls"))), Say("A cat."))
    models = _models(server, ChatCompletions)
    events = await _asked(models.of("deepseek-v4"))
    await models.close()
    assert Received.of(events).text.endswith("A cat.")
    return _of_assistant(server)


def _of_assistant(server: ModelServer) -> dict[str, Any]:
    sent = json.loads(server.requests[-1].body)
    [message] = [one for one in sent.get("input", sent)["messages"] if one["role"] == "assistant"]
    return dict(message)


async def test_the_thoughts_before_a_call_go_back(server: ModelServer) -> None:
    thought = [chunk(reasoning_content="They ask \ud83d"), chunk(reasoning_content="\ude00. \ud83d")]
    message = await _sent_back(server, *thought, say("Well"), chunk(tool_calls=[CALL]))
    assert message["reasoning_content"] == "They ask 😀. \ufffd"
    assert message["content"] == "Well"


async def test_details_of_reasoning_go_back(server: ModelServer) -> None:
    details: list[Json] = [{"type": "reasoning.text", "text": "a"}, {"type": "reasoning.encrypted", "data": "xyz"}]
    message = await _sent_back(
        server, *(chunk(reasoning_details=[detail]) for detail in details), chunk(tool_calls=[CALL])
    )
    assert message["reasoning_details"] == details


async def test_blocks_of_thinking_go_back_whole(server: ModelServer) -> None:
    pieces = [{"thinking": "a"}, {"thinking": "b"}, {"thinking": "", "signature": "c2ln"}, {"thinking": "c"}]
    blocks: list[Json] = [{"type": "thinking", **piece} for piece in pieces]
    message = await _sent_back(server, *(chunk(thinking_blocks=[block]) for block in blocks), chunk(tool_calls=[CALL]))
    first = {"type": "thinking", "thinking": "ab", "signature": "c2ln"}
    assert message["thinking_blocks"] == [first, {"type": "thinking", "thinking": "c"}]


@pytest.mark.parametrize("name", ["look<|channel|>commentary", "functions.look", " look "])
async def test_tool_name_with_stray_characters_is_recognized(server: ModelServer, name: str) -> None:
    message = await _sent_back(server, chunk(tool_calls=[CALL | {"function": {"name": name, "arguments": "{}"}}]))
    assert message["tool_calls"][0]["function"]["name"] == "look"


async def test_calls_that_do_not_end_are_ended(server: ModelServer) -> None:
    piece: Json = {"index": 0, "id": "1", "function": {"name": "look", "arguments": "x" * 5_000}}
    server.script(Raw(data(*[chunk(tool_calls=[piece])] * 30, chunk("tool_calls"))))
    models = _models(server, ChatCompletions)
    with pytest.raises(StreamCut):
        await _asked(models.of("any"))
    await models.close()


@pytest.mark.parametrize("place", ["call", "function", "message"])
async def test_a_signature_goes_back_to_where_it_stood(server: ModelServer, place: str) -> None:
    function = {"name": "look", "arguments": "{}"} | ({"thought_signature": "c2ln"} if place == "function" else {})
    call: Json = CALL | {"function": function} | ({"extra_content": SIGNATURE} if place == "call" else {})
    more = [chunk(extra_content=SIGNATURE)] if place == "message" else []
    message = await _sent_back(server, chunk(tool_calls=[call]), *more)
    [sent] = message["tool_calls"]
    if place == "function":
        assert sent["function"]["thought_signature"] == "c2ln"
    else:
        assert (sent if place == "call" else message)["extra_content"] == SIGNATURE
    assert "index" not in sent


async def test_a_server_that_refuses_thoughts_gets_none(server: ModelServer) -> None:
    def answers(request: ChatRequest) -> Behaviour:
        sent = json.loads(request.body)["messages"]
        if sent[-1]["role"] == "user":
            return Raw(stream(chunk(reasoning_content="hm"), chunk(tool_calls=[CALL]), chunk("tool_calls")))
        refused = any("reasoning_content" in message for message in sent)
        return Fail(400, "property 'reasoning_content' is unsupported") if refused else Say("A cat.")

    server.answer_with(answers)
    models = _models(server, ChatCompletions)
    for requests in (3, 5):
        events = await _asked(models.of("some-model"))
        assert Received.of(events).text == "A cat."
        assert len(server.requests) == requests
    await models.close()


async def test_dashscope_has_its_thoughts_back(server: ModelServer) -> None:
    message = {"role": "assistant", "content": "", "reasoning_content": "They ask.", "tool_calls": [CALL]}
    event = {"output": {"choices": [{"message": message, "finish_reason": "tool_calls"}]}}
    server.script(Raw(data(event)), Say("A cat."))
    models = DashScopeServer(base_url=server.dashscope_url, api_key="sk-right", extra_body={}, timeout=5.0)
    await _asked(models.of("deepseek-v4"))
    await models.close()
    assert _of_assistant(server)["reasoning_content"] == "They ask."


async def test_details_of_reasoning_in_pieces_are_joined(server: ModelServer) -> None:
    piece: dict[str, Json] = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    sealed: Json = {"type": "reasoning.encrypted", "data": "xyz", "index": 0}
    details: list[Json] = [piece | {"text": "Let"}, piece | {"text": " me."}, piece | {"signature": "Et8B"}, sealed]
    message = await _sent_back(
        server, *(chunk(reasoning_details=[detail]) for detail in details), chunk(tool_calls=[CALL])
    )
    assert message["reasoning_details"] == [piece | {"text": "Let me.", "signature": "Et8B"}, sealed]


async def test_thoughts_wanted_back_without_calls_are_given(server: ModelServer) -> None:
    def answers(request: ChatRequest) -> Behaviour:
        sent = json.loads(request.body)["messages"]
        wanted = all(one.get("reasoning_content") for one in sent if one["role"] == "assistant")
        return Say("A cat.") if wanted else Fail(400, "The `reasoning_content` must be passed back to the API.")

    server.answer_with(answers)
    models = _models(server, ChatCompletions)
    asked = [Message("user", "hi"), Message("assistant", "Hello."), Message("user", "what is it?")]
    for requests in (2, 3):
        assert Received.of([event async for event in models.of("deepseek-v4").stream(asked)]).text == "A cat."
        assert len(server.requests) == requests
    await models.close()


async def test_encrypted_items_stand_before_the_call_again(server: ModelServer) -> None:
    items: list[Json] = [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "xyz"},
        {"type": "function_call", "id": "fc_1", "call_id": "1", "name": "look", "arguments": "{}"},
    ]
    response = {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": items}}
    server.script(Raw(data(response)), Say("A cat."))
    models = _models(server, Responses)
    await _asked(models.of("gpt-5"))
    await models.close()
    asked = [json.loads(request.body) for request in server.requests]
    assert [one["include"] for one in asked] == [["reasoning.encrypted_content"]] * 2
    kinds = [one.get("type", "message") for one in asked[-1]["input"]]
    assert kinds == ["message", "reasoning", "function_call", "function_call_output"]


async def test_value_without_json_form_is_not_returned(server: ModelServer) -> None:
    message = await _sent_back(server, chunk(tool_calls=[CALL | {"extra_content": {"odd": float("nan")}}]))
    assert message["tool_calls"][0]["function"] == CALL["function"]


@pytest.mark.parametrize(("field", "thought"), [("reasoning", "hm"), ("content", " ")])
async def test_reasoning_goes_back_where_it_is_required(server: ModelServer, field: str, thought: str) -> None:
    """Even if it came in a field of another name."""
    refusal = Fail(400, "The `reasoning_content` in the thinking mode must be passed back to the API.")

    def answers(request: ChatRequest) -> Behaviour:
        sent = json.loads(request.body)["messages"]
        if sent[-1]["role"] == "user":
            return Raw(stream(chunk(**{field: "hm"}), chunk(tool_calls=[CALL]), chunk("tool_calls")))
        return Say("A cat.") if "reasoning_content" in sent[1] else refusal

    server.answer_with(answers)
    models = _models(server, ChatCompletions)
    for requests in (3, 5):
        await _asked(models.of("some-model"))
        assert len(server.requests) == requests
        assert _of_assistant(server)["reasoning_content"] == thought
    await models.close()
