"""With TOOLS=on the model looks back of its own accord and takes notes; without, nothing of it is in a request."""

import json

import pytest

from bot.conversation.tools import MOST_ROUNDS
from sandbox.model import Fail, Raw, Say
from sandbox.model.behaviour import Behaviour
from sandbox.model.request import ChatRequest
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.groups import group
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_memory import SMALL, Model, compact, say, talk
from tests.llm.streams import DEEP, chunk, stream
from tests.selection import first

ON = {"TOOLS": "on", "OPENAI_MODEL": "qwen-plus"}


def call(name: str, **arguments: str) -> tuple[tuple[str, str], ...]:
    return ((name, json.dumps(arguments, ensure_ascii=False)),)


async def test_note_in_group_says_who_asked(stage: Stage, hurry: None) -> None:
    fact = "The gate code is 7788."
    stage.model.script(Say("", calls=call("remember", text=fact)), Say("Noted."), Say("7788."))
    await stage.start(**ON)
    friends, [_, bob] = group(stage, "Bob")
    await bob.say(friends, "Keepsake, remember the gate code 7788")
    await friends.wait(1, PATIENCE_S)
    await bob.say(friends, "Keepsake, which code?")
    await friends.wait(2, PATIENCE_S)
    system, opening, *_ = stage.model.requests[-1].messages
    assert fact not in system.text
    assert f"<memory>\n- {fact} (noted for Bob)\n</memory>" in opening.text


@pytest.mark.parametrize("api", first(["chat", "responses", "dashscope"]))
async def test_remember_tool_writes_to_the_memory(stage: Stage, hurry: None, api: str) -> None:
    fact = "Ann's tea is green."
    stage.model.script(Say("Well.", calls=call("remember", text=fact)), Say("Noted."), Say("Green."))
    await stage.start(LLM_API=api, **ON)
    assert await say(stage, "remember that my tea is green") == "Well.\n\nNoted."
    assert fact in await say(stage, "/memory")
    assert await say(stage, "which tea?") == "Green."
    calling, going_on, after = stage.model.requests
    assert [message.text for message in going_on.messages if message.tool_call_id] == ["It is in your notes."]
    assert f"<memory>\n- {fact}\n</memory>" in after.messages[1].text
    assert not any(message.tool_call_id or message.call_ids for message in after.messages)
    assert calling.tools == going_on.tools == after.tools
    asked = sum(count.total for count in stage.model.counts)
    assert f"{asked:,}" in await say(stage, "/usage")


async def test_recall_tool_finds_what_left_the_window(stage: Stage, hurry: None) -> None:
    model = Model(stage)
    await stage.start(**ON, **SMALL | {"RECALL_TOKENS": "600"})
    await say(stage, "my boat is called Swordfish")
    await talk(stage, 6)
    await compact(stage)
    stage.model.script(Say("One moment.", calls=call("recall", query="boat")), Say("Swordfish!"))
    before = len(stage.model.requests)
    assert await say(stage, "hm, well") == "One moment.\n\nSwordfish!"
    calling, going_on = stage.model.requests[before:]
    assert "Swordfish" not in "".join(message.text for message in calling.messages[2:])
    [found] = [message.text for message in going_on.messages if message.tool_call_id]
    assert "my boat is called Swordfish" in found
    compaction = next(one for one in model.asked if "Write the notes" in one.last_words)
    assert compaction.tools == calling.tools
    assert not compaction.may_call


async def test_senseless_tool_call_is_answered_endless_ends(stage: Stage, hurry: None) -> None:
    """A call that makes no sense gets an answer; calls without end do not."""

    def answer(request: ChatRequest) -> Behaviour:
        results = [message.text for message in request.messages if message.tool_call_id]
        wrong = [("recall", "not JSON"), ("sing", "{}"), ("recall", DEEP[:50_000])][len(results) % 3]
        return Say("Here you are." if len(results) == MOST_ROUNDS else "", calls=(wrong,))

    stage.model.answer_with(answer)
    await stage.start(**ON)
    assert await say(stage, "hello") == "Here you are."
    told = [message.text for message in stage.model.requests[-1].messages if message.tool_call_id]
    assert len(told) == MOST_ROUNDS
    assert "must be JSON" in told[0]
    assert told[1] == "There is no such tool."


@pytest.mark.parametrize("variables", [{"OPENAI_MODEL": "qwen-plus"}, {"TOOLS": "on", "OPENAI_MODEL": "unknown"}])
async def test_tools_are_absent_unless_enabled_and_supported(
    stage: Stage, hurry: None, variables: dict[str, str]
) -> None:
    await stage.start(**variables)
    await say(stage, "hello")
    assert b"tool" not in stage.model.requests[0].body


async def test_reasoning_is_passed_back_within_an_answer(stage: Stage) -> None:
    """Some models require their thoughts with the result of a tool call."""
    asked = {"index": 0, "id": "1", "function": {"name": "remember", "arguments": '{"text": "Tea is green."}'}}

    def answer(request: ChatRequest) -> Behaviour:
        said = [one for one in json.loads(request.body)["messages"] if one["role"] == "assistant"]
        if any(("tool_calls" in one) != ("reasoning_content" in one) for one in said):
            return Fail(400, "The `reasoning_content` in the thinking mode must be passed back to the API.")
        if request.messages[-1].tool_call_id:
            return Say("Noted.")
        return Raw(stream(chunk(reasoning_content="They want"), chunk(tool_calls=[asked]), chunk("tool_calls")))

    stage.model.answer_with(answer)
    await stage.start(**ON)
    for _ in range(2):
        assert await say(stage, "remember that my tea is green") == "Noted."
    assert len(stage.model.requests) == 4


@pytest.mark.parametrize("api", first(["chat", "responses", "dashscope"]))
async def test_a_server_that_refuses_tools_answers_without(stage: Stage, api: str) -> None:
    def answer(request: ChatRequest) -> Behaviour:
        return Fail(400, '"auto" tool choice requires --enable-auto-tool-choice') if request.tools else Say("hi")

    stage.model.answer_with(answer)
    await stage.start(LLM_API=api, **ON)
    for requests in (2, 3):
        assert await say(stage, "hello") == "hi"
        assert len(stage.model.requests) == requests
