"""An answer in the form of the other API is read as what it is."""

import json

import pytest

from bot.llm.chat_completions import ChatCompletions
from bot.llm.openai_server import OpenAIModel, OpenAIServer
from bot.llm.responses import Responses
from bot.llm.stream_events import Finish, Finished, Received, StreamEvent, Usage, UsageReported
from sandbox.model import ModelServer, Raw
from tests.llm.streams import STOP, Json, answer, chunk, data, say, stream, text_of

USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
MESSAGE = {"role": "assistant", "content": "Hello there", "reasoning_content": "hm"}
CHAT: list[bytes] = [
    stream(chunk(reasoning_content="hm"), say("Hello"), say(" there"), {**STOP, "usage": USAGE}),
    data(chunk(reasoning_content="hm"), say("Hello"), say(" there"), STOP, {"choices": [], "usage": USAGE}),
    json.dumps({"choices": [{"message": MESSAGE, "finish_reason": "stop"}], "usage": USAGE}).encode(),
]
ITEMS: list[Json] = [
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
    {"type": "message", "content": [{"type": "output_text", "text": "Hello there"}]},
]
WHOLE = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "output": ITEMS,
    "usage": {"input_tokens": 9, "output_tokens": 2},
}
RESPONSES: list[bytes] = [
    data(
        {"type": "response.created", "response": {"id": "resp_1", "object": "response", "status": "in_progress"}},
        {"type": "response.reasoning_text.delta", "delta": "hm"},
        {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "Hello there"},
        {"type": "response.completed", "response": WHOLE},
    ),
    json.dumps(WHOLE).encode(),
]


async def _answered(server: ModelServer, api: type[OpenAIModel], body: bytes) -> list[StreamEvent]:
    server.script(Raw(body))
    async with server.run() as url:
        models = OpenAIServer(api, base_url=url, api_key="sk-right", extra_body={}, timeout=5.0)
        events = await answer(models.of("some-model"))
        await models.close()
    return events


@pytest.mark.parametrize("api", [ChatCompletions, Responses])
@pytest.mark.parametrize("body", [*CHAT, *RESPONSES])
async def test_either_form_is_read_by_either_api(server: ModelServer, api: type[OpenAIModel], body: bytes) -> None:
    events = await _answered(server, api, body)
    assert text_of(events) == "Hello there"
    assert [event.reason for event in events if isinstance(event, Finished)] == [Finish.STOP]
    assert [event.usage for event in events if isinstance(event, UsageReported)] == [Usage(9, 0, 2)]


@pytest.mark.parametrize("api", [ChatCompletions, Responses])
async def test_calls_in_either_form_are_taken(server: ModelServer, api: type[OpenAIModel]) -> None:
    call = {"index": 0, "id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    item = {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"}
    for body in (
        stream(chunk(tool_calls=[call]), chunk("tool_calls")),
        data({"type": "response.completed", "response": {**WHOLE, "output": [item]}}),
    ):
        events = await _answered(server, api, body)
        assert [(one.id, one.name) for one in Received.of(events).calls] == [("a", "look")]
