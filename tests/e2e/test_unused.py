"""What was paid for and led to no answer is in the usage too, under the model that was really asked."""

import json

import pytest

from sandbox.model import Cut, Fail, HoldStream, Say
from tests.e2e import tables
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_memory import SMALL, Model, compact, say, talk

pytestmark = pytest.mark.usefixtures("no_retries")

DOWN = Fail(503, "overloaded")
ON = {"TOOLS": "on", "OPENAI_MODEL": "qwen-plus", "FALLBACK_MODEL": "qwen-flash"}
CALLING = Say("", calls=(("recall", json.dumps({"query": "tea"})),))


def used(stage: Stage) -> dict[str, int]:
    """Tokens of input by model."""
    return dict(tables.read(stage, "SELECT model, sum(input_tokens) FROM usage GROUP BY model"))


def booked(stage: Stage) -> tuple[int, int, int]:
    """How many requests there were, turns, and requests of which the usage is estimated."""
    [found] = tables.read(stage, "SELECT requests, turns, estimated FROM usage")
    return tuple(found)


async def test_empty_answer_is_booked_with_or_without_retry(stage: Stage, hurry: None) -> None:
    stage.model.script(Say(""), Say("hello"), Say(""), Say(""))
    await stage.start()
    assert await say(stage, "hi") == "hello"
    assert "nothing to say" in await say(stage, "and now?")
    assert len(stage.model.counts) == 4
    assert used(stage) == {"stand-in": sum(count.total for count in stage.model.counts)}


async def test_each_request_is_booked_under_its_model(stage: Stage, hurry: None) -> None:
    stage.model.script(CALLING, DOWN, Say("There is none."))
    await stage.start(**ON)
    await say(stage, "which tea?")
    answer, told = await stage.replies(2)
    assert answer == "There is none."
    assert "by qwen-flash" in told
    first, second = (count.total for count in stage.model.counts)
    assert used(stage) == {"qwen-plus": first, "qwen-flash": second}


async def test_request_is_booked_though_the_next_fails(stage: Stage, hurry: None) -> None:
    stage.model.script(CALLING, DOWN, DOWN)
    await stage.start(**ON)
    assert "having problems right now" in await say(stage, "which tea?")
    assert used(stage) == {"qwen-plus": stage.model.counts[0].total}


@pytest.mark.long
async def test_compaction_by_fallback_is_booked_under_it(stage: Stage, hurry: None) -> None:
    model = Model(stage)
    await stage.start(FALLBACK_MODEL="other", **SMALL)
    await talk(stage, 6)
    stage.model.script(DOWN)
    await compact(stage)
    asked = [request.model for request in model.asked]
    assert asked == ["stand-in"] * 6 + ["other"]
    assert used(stage)["other"] == stage.model.counts[-1].total


async def test_answer_stopped_after_tools_books_last_request(stage: Stage) -> None:
    hold = HoldStream(3)
    stage.model.script(CALLING, Say("one two three four", hold=hold))
    await stage.start(**ON)
    await stage.ann.say(stage.home, "which tea?")
    await stage.home.wait(lambda chat: chat.draft is not None, PATIENCE_S)
    await stage.ann.say(stage.home, "/stop")
    await stage.replies(1)
    hold.release()
    assert booked(stage) == (2, 1, 1)
    assert used(stage)["qwen-plus"] == pytest.approx(sum(count.total for count in stage.model.counts), rel=0.5)


async def test_broken_stream_is_booked_approximately(stage: Stage, hurry: None) -> None:
    stage.model.script(
        Cut("one two three four", after=3), Say("hello"), Cut("one two", after=1), Cut("one two", after=1)
    )
    await stage.start()
    assert await say(stage, "hi") == "hello"
    assert booked(stage) == (2, 1, 1)
    assert "broke" in await say(stage, "and now?")
    assert booked(stage) == (4, 1, 3)
    assert used(stage)["stand-in"] == pytest.approx(sum(count.total for count in stage.model.counts), rel=0.5)


async def test_answer_ended_by_edit_is_booked_partly(stage: Stage) -> None:
    """It costs what had been said of it."""
    hold = HoldStream(3)
    stage.model.script(Say("one two three four", hold=hold), Say("five"))
    await stage.start()
    question = await stage.ann.say(stage.home, "which tea?")
    await hold.reached(PATIENCE_S)
    await stage.home.wait(lambda chat: chat.draft is not None, PATIENCE_S)
    await stage.ann.edit(question, "which coffee?")
    assert await stage.replies(1) == ["five"]
    assert booked(stage) == (2, 1, 1)
