"""Streams as real servers send them, and worse: no answer is lost to a form, and no half passes as whole."""

import json

import pytest

from bot.conversation.generation import Generation
from bot.conversation.side_requests import NoPreview
from bot.conversation.speaker_prefix import SpeakerPrefix
from bot.errors import StreamCut
from bot.llm.model import Model
from bot.llm.stream_events import Call, Finish, Finished, KeepAlive, Received, TextDelta, Usage, UsageReported
from sandbox.model import ModelServer, Raw
from tests.llm.streams import ASKED, DEEP, HELLO, STOP, Json, answer, chunk, data, say, stream, text_of
from tests.llm.streams import model as model

USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}


def _thinking(text: str) -> dict[str, Json]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


NONE: list[Json] = [None, [], {}, True]
SKIPPED: list[Json] = [
    *("null", "[]", "[null]", "17", "1.5", "true", '"text"', "", "{}", '{"type": "ping"}', "ping", "keep-alive"),
    *({"choices": odd} for odd in [*NONE, "text", [None], [[]], ["text"], [7], [{}]]),
    *({"choices": [{"index": 0, "delta": odd}]} for odd in [*NONE, "", 5, [None]]),
    *({"choices": [{"index": 0, "delta": {"content": odd}}]} for odd in [*NONE, [None], [{"type": "odd"}], [{}]]),
    {"choices": [{"index": 0}]},
    {"choices": [{"index": 1, "delta": {"content": "another answer"}}]},
    *({"choices": [], "usage": odd} for odd in [*NONE, "9", 9, {"prompt_tokens": "9"}, {"total_tokens": {}}]),
    *({"choices": [{"delta": {"content": ""}, "finish_reason": odd}]} for odd in [*NONE[:3], "", "null", 0]),
    *(chunk(tool_calls=odd) for odd in [*NONE, "call", 3, [None], [{}], [[]], [{"index": 0, "function": None}]]),
    *(chunk(reasoning_content=odd) for odd in [*NONE, [None], {"type": 3}]),
    *(chunk(audio=odd) for odd in [*NONE, {"data": 7, "transcript": []}]),
    {"id": None, "model": None, "created": None, "object": None, "choices": [{"index": None, "delta": {"role": None}}]},
    # Azure's first chunk.
    {"choices": [], "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {"hate": {}}}]},
    DEEP,
]


async def test_a_chunk_of_no_form_is_skipped(server: ModelServer, model: Model) -> None:
    for odd in SKIPPED:
        server.script(Raw(stream(odd, say("Hello"), odd, say(" there"), odd, STOP, odd)))
        events = await answer(model)
        assert text_of(events) == "Hello there", odd
        assert [event.reason for event in events if isinstance(event, Finished)] == [Finish.STOP], odd
        assert {type(event) for event in events} <= {TextDelta, Finished, KeepAlive}, odd


WIRES: dict[str, bytes] = {
    "carriage returns": stream(*HELLO).replace(b"\n", b"\r"),
    "carriage returns and line feeds": stream(*HELLO).replace(b"\n", b"\r\n"),
    "byte order mark": b"\xef\xbb\xbf" + stream(*HELLO),
    "comments": b": ping\n\n" + stream(*HELLO).replace(b"\n\n", b"\n\n: keep-alive\n\n:\n"),
    "no blank after the colon": stream(*HELLO).replace(b"data: ", b"data:"),
    "the field twice": stream(*HELLO[:2]).replace(b"data:", b"data: data:"),
    "done as a JSON text": stream(*HELLO[:2]).replace(b"[DONE]", b'"[DONE]"'),
    "names, ids and times": stream(*HELLO).replace(b"data:", b"event: message\nid: 7\nretry: 100\ndata:"),
    "events of many lines": stream(*HELLO).replace(b', "', b',\ndata: "'),
    "lines without blank ones": stream(*HELLO).replace(b"\n\n", b"\n"),
    "no blank line at the end": stream(*HELLO).removesuffix(b"\n\n"),
    "a separator of lines inside of a text": stream(say("Hello there"), STOP).replace(b"o t", "o\u2028t".encode()),
    "no done": data(*HELLO),
    "much behind done": stream(*HELLO) + data(say("more")) * 100,
    "null characters": stream(say("He\0llo"), say(" \x1bthere"), STOP),
    "raw control characters": stream(say("HeXllo"), say(" there"), STOP).replace(b"X", b"\x01"),
    "whole JSON in the place of a stream": json.dumps(
        {
            "object": "chat.completion",
            "choices": [{"index": 0, "message": {"content": "Hello there"}, "finish_reason": "stop"}],
        },
        indent=2,
    ).encode(),
    "whole JSON without a finish reason": json.dumps({"choices": [{"message": {"content": "Hello there"}}]}).encode(),
    "JSON lines": b"\n".join(json.dumps(event).encode() for event in HELLO),
    "a message where the piece should be": stream(
        {"choices": [{"message": {"content": "Hello"}}]},
        {"choices": [{"message": {"content": " there"}, "finish_reason": "stop"}]},
    ),
    "a whole message behind its pieces": stream(
        *HELLO[:2],
        {
            "object": "chat.completion",
            "choices": [{"index": 0, "message": {"content": "Hello there"}, "finish_reason": "stop"}],
        },
    ),
    "a text where the piece should be": stream(
        {"choices": [{"text": "Hello", "finish_reason": None}]}, {"choices": [{"text": " there"}]}, STOP
    ),
    "a piece that is a text": stream({"choices": [{"delta": "Hello"}]}, {"choices": [{"delta": " there"}]}, STOP),
    "a list of parts": stream(
        say([{"type": "text", "text": "Hello"}, {"type": "reference", "reference_ids": [1]}, {"text": " there"}]), STOP
    ),
    "a part alone": stream(say({"type": "text", "text": "Hello"}), say([" there"]), STOP),
    "a list where the piece should be": stream({"choices": [{"delta": [{"text": "Hello"}]}]}, say(" there"), STOP),
    "parts of odd kinds": stream(
        say([{"type": "TEXT", "text": {"value": "Hello"}}, {"type": "text_delta", "text": " there"}]), STOP
    ),
    "a finish reason in another place": data(*HELLO[:2], {"choices": [{"delta": {}, "finishReason": "STOP"}]}),
    "two choices in a chunk": stream(
        {"choices": [{"index": 1, "delta": {"content": "no"}}, {"index": 0, "delta": {"content": "Hello there"}}]}, STOP
    ),
    "a finish reason in each of the last": stream(*HELLO, STOP, STOP),
    "text and done": stream(*HELLO[:2]),
    "done in small letters behind a finish": data(*HELLO, "[done]"),
    "a number for a finish reason": stream(*HELLO[:2], chunk(1)),
}


async def test_an_answer_of_any_form_arrives(server: ModelServer, model: Model) -> None:
    for name, body in WIRES.items():
        server.script(Raw(body))
        events = await answer(model)
        assert " ".join(text_of(events).split()) == "Hello there", name
        assert any(isinstance(event, Finished) for event in events), name
    assert len(server.requests) == len(WIRES)


async def test_reasoning_comes_as_parts_or_in_fields(server: ModelServer, model: Model) -> None:
    thoughts: list[Json] = [
        say([_thinking("a")]),
        say([{"type": "thinking", "thinking": "b"}]),
        chunk(reasoning_content="c"),
        chunk(reasoning="d"),
        chunk(reasoning=[{"type": "reasoning.text", "text": "e"}]),
        chunk(reasoning_content={"content": "f"}),
        chunk(reasoning_details=[{"type": "reasoning.summary", "summary": "g"}, {"type": "reasoning.encrypted"}]),
        chunk(reasoning="h", reasoning_details=[{"type": "reasoning.text", "text": "h"}]),
        chunk(thinking_blocks=[{"type": "thinking", "thinking": "i", "signature": None}]),
        chunk(reasoning_text="j"),
    ]
    server.script(Raw(stream(*thoughts, say([_thinking("k"), {"type": "text", "text": "Hello"}]), STOP)))
    events = await answer(model)
    assert Received.of(events).reasoning == "abcdefghijk"
    assert text_of(events) == "Hello"


async def test_halves_of_characters_are_joined_or_replaced(server: ModelServer, model: Model) -> None:
    halves: list[Json] = [
        *(say(text) for text in ("Hi \ud83d", "\ude00!", "\ude00", "\ud83d")),
        *(chunk(reasoning_content=text) for text in ("hm \ud83d", "\ude00", "\ud83d")),
    ]
    server.script(Raw(stream(*halves, STOP)))
    events = await answer(model)
    assert text_of(events) == "Hi 😀!\ufffd\ufffd"
    assert Received.of(events).reasoning == "hm 😀\ufffd"


async def test_bytes_that_are_no_characters_cost_themselves(server: ModelServer, model: Model) -> None:
    server.script(Raw(stream(say("HelloX"), STOP).replace(b"X", b"\xff")))
    assert text_of(await answer(model)) == "Hello\ufffd"


CALLS: dict[str, tuple[list[Json], tuple[Call, ...]]] = {
    "arguments as an object": (
        [[{"index": 0, "id": "a", "function": {"name": "recall", "arguments": {"query": "Rome"}}}]],
        (Call("a", "recall", '{"query": "Rome"}'),),
    ),
    "no index": (
        [[{"id": "a", "function": {"name": "one", "arguments": "{}"}}, {"function": {"name": "two"}}]],
        (Call("a", "one", "{}"), Call("call_1", "two", "")),
    ),
    "half a character": (
        [
            [{"index": 0, "id": "a\ud83d", "function": {"name": "recall", "arguments": '{"query": "\ud83d'}}],
            [{"index": 0, "function": {"arguments": '\ude00 \ude00"}'}}],
        ],
        (Call("a\ufffd", "recall", '{"query": "😀 \ufffd"}'),),
    ),
    "half a character, escaped": (
        [[{"index": 0, "id": "a", "function": {"name": "recall", "arguments": '{"query": "\\ud83d and\\u0000"}'}}]],
        (Call("a", "recall", '{"query": "\ufffd and"}'),),
    ),
    "no names": ([[{"index": 0, "id": "a", "function": {"arguments": "{}"}}, {"index": 1, "function": 5}]], ()),
}


@pytest.mark.parametrize("end", [stream(chunk("tool_calls")), stream(STOP), stream()], ids=["calls", "stop", "done"])
async def test_calls_of_any_form_are_taken(server: ModelServer, model: Model, end: bytes) -> None:
    for name, (pieces, calls) in CALLS.items():
        server.script(Raw(data(say("Well"), *(chunk(tool_calls=piece) for piece in pieces)) + end))
        assert Received.of(await answer(model)).calls == calls, name


USAGES: dict[str, list[Json]] = {
    "at the end": [*HELLO, {"choices": [], "usage": USAGE}],
    "without choices": [*HELLO, {"usage": USAGE}],
    "in the last piece": [*HELLO[:2], STOP | {"usage": USAGE}],
    "in each piece": [
        say("Hello") | {"usage": USAGE | {"completion_tokens": 1, "total_tokens": 10}},
        say(" there") | {"usage": USAGE},
        STOP | {"usage": USAGE},
    ],
    "moonshot: in a choice": [*HELLO[:2], {"choices": [{"delta": {}, "finish_reason": "stop", "usage": USAGE}]}],
    "groq: in a field of its own": [*HELLO[:2], STOP | {"x_groq": {"id": "req_1", "usage": USAGE}}],
    "zeros behind it": [
        *HELLO,
        {"choices": [], "usage": USAGE},
        {"choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}},
        {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 0}},
    ],
}


async def test_usage_is_found_wherever_it_stands(server: ModelServer, model: Model) -> None:
    for name, chunks in USAGES.items():
        server.script(Raw(stream(*chunks)))
        assert [event.usage for event in await answer(model) if isinstance(event, UsageReported)][-1:] == [
            Usage(9, 0, 2)
        ], name


async def test_lone_closing_tag_turns_text_into_reasoning(server: ModelServer, model: Model) -> None:
    server.script(Raw(stream(say("Who is"), say(" it?\n</thi"), say("nk>\n\nHello"), say(" there"), STOP)))
    draft = Generation(NoPreview(), 5.0, SpeakerPrefix(()))
    await draft.write(model, ASKED)
    assert (draft.text, draft.reasoning) == ("Hello there", "Who is it?\n")


@pytest.mark.parametrize("text", ["Hello there.", "Paris"])
async def test_an_unknown_finish_reason_ends_whole_sentences(server: ModelServer, model: Model, text: str) -> None:
    server.script(Raw(stream(say(text), chunk("xyzzy"))))
    assert text_of(await answer(model)) == text


async def test_unknown_finish_reason_inside_sentence_is_broken(server: ModelServer, model: Model) -> None:
    server.script(Raw(stream(say("The capital of"), say(" France is"), chunk("xyzzy"))))
    with pytest.raises(StreamCut):
        await answer(model)


async def test_a_voice_that_is_no_base64_is_none(server: ModelServer, model: Model) -> None:
    for odd in ("\ud83d", "я", "=", "a"):
        server.script(Raw(stream(chunk(content="Hello", audio={"data": odd}), say(" there"), STOP)))
        assert text_of(await answer(model)) == "Hello there", odd
