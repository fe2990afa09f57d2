"""A content filter that ends the answer, not the request."""

from sandbox.model import Break, Say
from tests.e2e.conftest import Stage
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_memory import say
from tests.e2e.test_refused_words import LEFT_OUT, REFUSAL


async def test_an_answer_that_the_filter_empties_is_told(stage: Stage, hurry: None) -> None:
    emptied = Say("", finish_reason="content_filter")
    stage.model.answer_with(lambda asked: emptied if asked.last_words.endswith("hello") else Say("fine"))
    await stage.start()
    assert LEFT_OUT in await say(stage, "hello")
    assert await say(stage, "and now?") == "fine"


async def test_half_an_answer_that_the_filter_ends_stands(stage: Stage, hurry: None) -> None:
    stage.model.script(Break("a mushroom is a fungus", after=10, error=REFUSAL), Say("fine"))
    await stage.start()
    await stage.ann.say(stage.home, "hello")
    answer, told = await stage.replies(2)
    assert answer.startswith("a mush")
    assert "stopped the answer here" in told
    assert await say(stage, "thanks") == "fine"
    assert any("hello" in message.text for message in stage.model.requests[-1].messages)
