"""Answers of many messages: what nothing can hold up, and how they are ended."""

import pytest

from sandbox.model import Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.quick import hurry as hurry
from tests.selection import first

LONG = Say("\n\n".join(f"part{number} " + "words and words " * 250 for number in range(12)), chunk=4000)


async def _until_some_arrived(stage: Stage, count: int) -> None:
    await stage.telegram.changed(lambda: len(stage.home.replies) >= count, PATIENCE_S)


@pytest.mark.parametrize(
    "answer",
    first(["~" * 5000, "~" * 3500 + "`", "`" * 5000, "1. " * 3000]),
    ids=["tildes", "mixed", "backticks", "numbers"],
)
async def test_signs_without_end_hold_up_no_other_chat(process: Stage, answer: str) -> None:
    process.model.script(Say(answer, chunk=1000))
    await process.start()
    bob = process.telegram.user("Bob")
    await process.ann.say(process.home, "draw a line")
    await _until_some_arrived(process, 1)
    await bob.say(process.telegram.private(bob), "/help")
    await process.replies(1, process.telegram.private(bob))
    await process.telegram.changed(
        lambda: sum(len(message.text.strip()) for message in process.home.replies) >= len(answer.strip()) - 4,
        PATIENCE_S,
    )
    assert len(process.home.replies) <= 2 * len(answer) / 4096 + 2


@pytest.mark.parametrize(("command", "told"), first([("/stop", "Stopped."), ("/reset", "started afresh")]))
async def test_a_long_answer_ends_when_told(process: Stage, command: str, told: str) -> None:
    process.model.script(LONG, Say("short"))
    await process.start(REPLY_FORMAT="text")
    await process.ann.say(process.home, "tell me a lot")
    await _until_some_arrived(process, 1)
    await process.ann.say(process.home, command)
    await process.telegram.changed(lambda: told in process.home.replies[-1].text, PATIENCE_S)
    arrived = len(process.home.replies)
    assert arrived < 9
    await process.end()
    await process.start()
    await process.ann.say(process.home, "and now?")
    assert (await process.replies(arrived + 1))[arrived:] == ["short"]


async def test_an_answer_that_grew_rings_once(stage: Stage, hurry: None) -> None:
    friends = stage.telegram.group("Friends", [stage.ann])
    stage.model.script(
        Say("\n\n".join(f"part{number} " + "words " * 600 for number in range(3)), chunk=900, delay=0.02)
    )
    await stage.start(GROUP_TRIGGER="always", REPLY_FORMAT="text")
    await stage.ann.say(friends, "tell me a lot")
    await stage.telegram.changed(lambda: len(friends.replies) >= 3, PATIENCE_S)
    sent = [call for call in stage.telegram.calls if call.method == "sendMessage"]
    assert [call.params.get("disable_notification") for call in sent] == [None] + [True] * (len(sent) - 1)
