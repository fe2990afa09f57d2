"""Streams of DashScope's own interface in odd forms: no answer is lost to one, and no half passes as whole."""

import json

import pytest

from bot import errors
from bot.llm.model import Model
from bot.llm.stream_events import Finish, Finished
from sandbox.model import ModelServer, Raw
from tests.llm.streams import answer, text_of
from tests.llm.test_dashscope import model as model
from tests.llm.test_dashscope import models as models


def _events(*outputs: object) -> bytes:
    texts = [output if isinstance(output, str) else json.dumps(output) for output in outputs]
    return "".join(f"id:1\nevent:result\n:HTTP_STATUS/200\ndata:{text}\n\n" for text in texts).encode()


def _output(content: object, reason: object = "null", **more: object) -> dict[str, object]:
    return {
        "output": {"choices": [{"message": {"role": "assistant", "content": content, **more}, "finish_reason": reason}]}
    }


NO_CHOICES: list[object] = ["x", [None], {}]
END = _output("", "stop")
ODD: dict[str, bytes] = {
    "nulls": _events(_output(None), _output("Hello"), {"output": {"choices": None}}, _output(" there", None), END),
    "odd fields": _events(
        _output("Hello", tool_calls={}, reasoning_content=[]), _output({"text": " there"}, 0, tool_calls=[None]), END
    ),
    "no choices": _events({"output": {"text": "Hello", "finish_reason": "null"}})
    + _events({"output": {"text": " there", "finish_reason": "stop"}}),
    "odd usage": _events(_output("Hello") | {"usage": {"input_tokens": "9"}}, _output(" there") | {"usage": None}, END),
    "parts": _events(_output([{"text": "Hello"}, {"image": "x"}, None]), _output([" there"]), END),
    "halves": _events(_output("Hello\0"), _output(" there"), END),
    "null": _events("null", _output("Hello"), "[]", '"text"', "7", "", "ping", _output(" there"), END, "null"),
    "no output": _events(_output("Hello"), {"output": None}, {"output": "x"}, _output(" there"), END),
    "a list for usage": _events(_output("Hello"), _output(" there"), END | {"usage": [1]}),
    "odd choices": _events(
        _output("Hello"), *({"output": {"choices": odd}} for odd in NO_CHOICES), _output(" there"), END
    ),
    "no role": _events({"output": {"choices": [{"message": {"content": "Hello there"}}]}}, END),
    "no stream": json.dumps({"output": {"choices": [{"message": {"content": "Hello there"}}]}}).encode(),
    "done and no finish reason": _events(_output("Hello"), _output(" there"), "[DONE]"),
    "a finish reason beside the choices": _events(
        _output("Hello", None), {"output": {"choices": [{"message": {"content": " there"}}], "finish_reason": "stop"}}
    ),
    "a finish reason as Gemini writes it": _events(
        _output("Hello there", None), {"output": {"choices": [{"message": {}, "finishReason": "STOP"}]}}
    ),
    "thoughts as a part": _events(_output([{"type": "thinking", "thinking": "hm"}, {"text": "Hello there"}]), END),
    "a closing tag alone": _events(_output("hm\n</think>"), _output("Hello there"), END),
}
BROKEN: dict[str, bytes] = {
    "closed": _events(_output("Hello")),
    "a page": b"<html>502 Bad Gateway</html>",
    "half an event": _events(_output("Hello")) + b'data:{"output',
    "broken off": _events(_output("Hello"), _output("", "network_error")),
}


async def test_an_event_of_odd_form_loses_no_answer(server: ModelServer, model: Model) -> None:
    for name, body in ODD.items():
        server.script(Raw(body))
        events = await answer(model)
        assert text_of(events) == "Hello there", name
        assert [event.reason for event in events if isinstance(event, Finished)] == [Finish.STOP], name


async def test_half_an_answer_is_a_broken_stream(server: ModelServer, model: Model) -> None:
    for name, body in BROKEN.items():
        server.script(Raw(body))
        with pytest.raises(errors.ModelError) as caught:
            await answer(model)
        assert type(caught.value) is errors.StreamCut, name


async def test_bytes_that_are_no_characters_cost_themselves(server: ModelServer, model: Model) -> None:
    server.script(Raw(_events(_output("Hello"), END).replace(b"llo", b"llo\xff")))
    assert text_of(await answer(model)) == "Hello\ufffd"
