"""The whole bot over the Responses API."""

from sandbox.model import Fail, Say
from tests.e2e.conftest import Stage
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_memory import SMALL, Model, compact, say, talk


def keeping(stage: Stage) -> dict[str, str]:
    """The settings for a server that is known to keep responses."""
    file = stage.folder / "profiles.toml"
    file.write_text('[servers."127.*"]\nkeeps_responses = true\n')
    return {"LLM_API": "responses", "MODEL_PROFILES": str(file)}


async def test_conversation_continues_server_side_until_compaction(stage: Stage, hurry: None) -> None:
    model = Model(stage)
    await stage.start(**keeping(stage), **SMALL)
    await talk(stage, 7)
    assert [request.new for request in model.asked] == [1] * 7
    await compact(stage)
    await say(stage, "and now?")
    await say(stage, "and then?")
    writing, first, second = model.asked[7:]
    assert (writing.options["store"], first.new, second.new) == (False, 7, 1)
    assert first.messages[1].text != model.asked[0].messages[1].text
    assert {request.api for request in model.asked} == {"responses"}


async def test_an_edit_is_another_conversation_for_the_server(stage: Stage, hurry: None) -> None:
    model = Model(stage)
    await stage.start(**keeping(stage))
    first = await stage.ann.say(stage.home, "my word is red")
    await stage.replies(1)
    await say(stage, "hello")
    await stage.ann.edit(first, "my word is blue")
    await say(stage, "what is my word?")
    assert [request.new for request in model.asked] == [1, 1, 5]
    assert "blue" in model.asked[2].messages[1].text


async def test_a_server_without_state_is_told_everything(stage: Stage, hurry: None) -> None:
    stage.model.responses.ignores = True
    model = Model(stage)
    await stage.start(LLM_API="responses")
    for word in ("my word is red", "hello", "what is my word?"):
        await say(stage, word)
    assert [request.new for request in model.asked] == [1, 3, 5]
    assert "my word is red" in model.asked[2].messages[1].text


async def test_silent_server_amnesia_costs_no_memory(stage: Stage, hurry: None) -> None:
    """A server that forgets a stored response without an error gets the history again."""
    stage.model.responses.ignores = True
    stage.model.always(Say("of course, " * 20))
    await stage.start(**keeping(stage))
    for word in ("my word is red", "hello", "what is my word?"):
        await say(stage, word)
    assert [request.new for request in stage.model.requests] == [1, 1, 3, 5]
    assert "my word is red" in stage.model.requests[-1].messages[1].text


async def test_a_chain_that_is_refused_sticks_no_chat(stage: Stage, hurry: None) -> None:
    stage.model.script(Say("Hi"), Fail(404, "no such response"), Say("red"), Say("still red"))
    await stage.start(**keeping(stage))
    assert await say(stage, "my word is red") == "Hi"
    assert await say(stage, "what is my word?") == "red"
    assert await say(stage, "sure?") == "still red"
    assert [request.new for request in stage.model.requests] == [1, 1, 3, 5]
