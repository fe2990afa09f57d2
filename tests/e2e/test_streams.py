"""Odd streams in the whole bot: the answer arrives, once, and is paid for once."""

import time

import pytest

from bot import errors, texts
from sandbox.model import Behaviour, ChatRequest, Fail, Raw, Say
from tests.e2e.conftest import Stage
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_memory import SMALL, Model, say, talk
from tests.llm.streams import HELLO, STOP, chunk, data, stream
from tests.llm.streams import say as piece
from tests.selection import first

THINKING = piece([{"type": "thinking", "thinking": [{"type": "text", "text": "who is it?"}]}])
USAGE = {"choices": [], "usage": {"prompt_tokens": 700, "completion_tokens": 20, "total_tokens": 720}}
ODD = {
    "nothing in a chunk": stream("null", *HELLO, "null"),
    "content as a list": stream(THINKING, piece([{"type": "text", "text": "Hello there"}]), STOP),
    "done without a finish reason": stream(*HELLO[:2]),
    "no stream": b'{"choices": [{"message": {"content": "Hello there"}, "finish_reason": "stop"}]}',
}


async def test_an_answer_of_odd_form_arrives_once(stage: Stage) -> None:
    await stage.start()
    for count, (name, body) in enumerate(ODD.items(), start=1):
        stage.model.script(Raw(body))
        await stage.ann.say(stage.home, name)
        assert (await stage.replies(count))[-1] == "Hello there", name
        assert len(stage.model.requests) == count, name


async def test_answer_after_an_open_line_arrives_promptly(stage: Stage) -> None:
    stage.model.script(Raw(data(*HELLO, USAGE), left_open=True), Say("And on."))
    await stage.start(MODEL_TIMEOUT="60")
    began = time.monotonic()
    assert await say(stage, "hello") == "Hello there"
    assert time.monotonic() - began < 20  # two seconds of grace, on a busy machine
    assert "700" in await say(stage, "/usage")
    assert await say(stage, "and?") == "And on."
    assert len(stage.model.requests) == 2


async def test_half_a_character_breaks_no_later_request(stage: Stage) -> None:
    halves = [chunk(reasoning_content="\ud83d"), piece("Hi \ud83d"), piece("\ude00 \ude00\0"), STOP]
    stage.model.script(Raw(stream(*halves)), Say("fine"))
    await stage.start()
    assert await say(stage, "hello") == "Hi 😀 \ufffd"
    assert await say(stage, "and now?") == "fine"
    assert stage.model.requests[1].messages[-2].text == "Hi 😀 \ufffd"


@pytest.mark.parametrize("reason", first(["network_error", "abort", "insufficient_system_resource"]))
async def test_half_an_answer_does_not_pass_as_whole(stage: Stage, reason: str) -> None:
    half = Raw(stream(piece("half an ans"), chunk(reason)))
    stage.model.script(half, Say("a whole answer"), half, half, Say("at last"))
    await stage.start()
    assert await say(stage, "hello") == "a whole answer"
    assert await say(stage, "and?") == errors.StreamCut().sentence
    assert await say(stage, "/retry") == "at last"


@pytest.mark.parametrize("reason", first(["network_error", "max_tokens", "xyzzy"]))
async def test_half_a_summary_becomes_no_notes(stage: Stage, hurry: None, reason: str) -> None:
    model = Model(stage)
    model.notes = Raw(stream(piece("# Notes\n- half a no"), chunk(reason)))
    await stage.start(**SMALL)
    await talk(stage, 6)
    await say(stage, "/memory")
    await stage.ann.press(stage.home.replies[-1], "Compact now")
    assert (await stage.replies(8))[-1] == texts.COMPACT_CUT
    assert "half a no" not in await say(stage, "/memory")
    await say(stage, "hello")
    assert len(model.asked[-1].messages) == 1 + 2 * 6 + 1


async def test_a_report_of_zeros_ends_no_budget_late(stage: Stage) -> None:
    zeros = {"choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}}
    stage.model.always(Raw(stream(piece("word " * 400), STOP, zeros)))
    await stage.start(BUDGET_USER="400", OWNER_IDS="77")
    assert "word" in await say(stage, "tell me all")
    assert "used up your budget" in await say(stage, "and more")
    assert len(stage.model.requests) == 1


async def test_endless_answer_ends_with_continue_button(stage: Stage) -> None:
    stage.model.script(Raw(data(*[piece("word ")] * 1000), left_open=True), Say("and so on"))
    await stage.start(MAX_ANSWER_TOKENS="100")
    await stage.ann.say(stage.home, "hello")
    answer, cut = (await stage.replies(2))[-2:]
    assert 100 <= answer.count("word") <= 200
    assert cut == texts.CUT_BY_LENGTH
    await stage.ann.press(stage.home.replies[-1], texts.CONTINUE)
    assert (await stage.replies(3))[-1] == "and so on"
    assert b'"max_tokens":100' in stage.model.requests[-1].body


async def test_thoughts_before_a_closing_tag_are_no_answer(stage: Stage) -> None:
    stage.model.script(Raw(stream(piece("Who is "), piece("it?\n</think>"), piece("\n\nHello there"), STOP)), Say("hi"))
    await stage.start()
    assert await say(stage, "hello") == "Hello there"
    assert await say(stage, "and?") == "hi"
    assert b"Who is it?" not in stage.model.requests[-1].body


async def test_refused_field_is_dropped_for_all_chats(stage: Stage) -> None:
    def answers(request: ChatRequest) -> Behaviour:
        return Fail(400, "Unknown parameter: 'stream_options'.") if b"stream_options" in request.body else Say("hi")

    stage.model.answer_with(answers)
    await stage.start()
    for requests in (2, 3):
        assert await say(stage, "hello") == "hi"
        assert len(stage.model.requests) == requests
