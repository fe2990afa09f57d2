"""Models that take one message and no history are sent just that."""

import json

import pytest

from sandbox.model import Say
from tests.e2e.conftest import Stage
from tests.e2e.quick import hurry as hurry
from tests.e2e.test_memory import say
from tests.media.files import picture


async def test_single_turn_model_gets_no_history(stage: Stage, hurry: None) -> None:
    """The user is told so once."""
    await stage.start(OPENAI_MODEL="qwen-vl-ocr-latest")
    stage.model.always(Say("Invoice 4711"))
    for at in range(3):
        await stage.ann.photo(stage.home, picture(90 + at, 60), "read this")
        await stage.replies(2 + at)
    requests = [json.loads(request.body)["messages"] for request in stage.model.requests]
    assert [[message["role"] for message in request] for request in requests] == [["user"]] * 3
    assert [len(request.messages[0].images) for request in stage.model.requests] == [1, 1, 1]
    said = [message.text for message in stage.home.replies]
    assert said == ["Invoice 4711", said[1], "Invoice 4711", "Invoice 4711"]
    assert "one message at a time" in said[1]


async def test_history_commands_are_refused_for_single_turn(stage: Stage, hurry: None) -> None:
    await stage.start(OPENAI_MODEL="qwen-vl-ocr-latest")
    await say(stage, "hello")
    await stage.replies(2)
    assert "can't look back" in await say(stage, "/summary")
    assert len(stage.model.requests) == 1


@pytest.mark.long
async def test_a_long_chat_leaves_the_window_without_notes(stage: Stage, hurry: None) -> None:
    await stage.start(OPENAI_MODEL="qwen-vl-ocr-latest", CONTEXT_WINDOW="2048", COMPACT_AT="0.5", KEEP_ROUNDS="3")
    await say(stage, "hello")
    await stage.replies(2)
    for at in range(8):
        await say(stage, f"number {at}: " + "a line of an invoice, and another one; " * 20)
    assert all(len(request.messages) == 1 for request in stage.model.requests)
    shown = await say(stage, "/memory")
    assert "8 rounds" not in shown
    assert "9 rounds" not in shown
