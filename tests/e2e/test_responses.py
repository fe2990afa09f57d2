"""The whole bot over the Responses API."""

from tests.e2e.conftest import Stage
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_memory import SMALL, Model, compact, say, talk


async def test_a_conversation_goes_on_at_the_server_until_it_is_compacted(stage: Stage, hurry: None) -> None:
    model = Model(stage)
    await stage.start(LLM_API="responses", **SMALL)
    await talk(stage, 7)
    assert [request.new for request in model.asked] == [1] * 7
    await compact(stage)
    await say(stage, "and now?")
    await say(stage, "and then?")
    writing, first, second = model.asked[7:]
    assert (writing.options["store"], first.new, second.new) == (False, 7, 1)
    assert first.messages[0].text != model.asked[0].messages[0].text
    assert {request.api for request in model.asked} == {"responses"}


async def test_an_edit_is_another_conversation_for_the_server(stage: Stage, hurry: None) -> None:
    model = Model(stage)
    await stage.start(LLM_API="responses")
    first = await stage.ann.say(stage.home, "my word is red")
    await stage.replies(1)
    await say(stage, "hello")
    await stage.ann.edit(first, "my word is blue")
    await say(stage, "what is my word?")
    assert [request.new for request in model.asked] == [1, 1, 5]
    assert "blue" in model.asked[2].messages[1].text
