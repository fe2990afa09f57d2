"""The log has exactly one line for each turn, however it ends."""

import re

import pytest

from sandbox.model import Behaviour, Cut, Fail, HoldStream, Say
from tests.e2e.conftest import PATIENCE_S, Stage

LINE = re.compile(
    r"(Answered chat|Stopped answering chat|Did not fully deliver the answer to chat|No answer from the model)"
)


def _lines(stage: Stage) -> list[str]:
    return LINE.findall(stage.log())


@pytest.mark.parametrize(
    ("behaviours", "expected"),
    [
        ([Say("one two")], "Answered chat"),
        ([Cut("one two three", after=3), Say("one two three")], "Answered chat"),
        ([Fail(503), Say("one two")], "Answered chat"),
        ([Fail(400, "no")] * 9, "No answer from the model"),
    ],
    ids=["streamed", "cut", "retried", "failed"],
)
async def test_turn_is_one_line(behaviours: list[Behaviour], expected: str, process: Stage) -> None:
    process.model.script(*behaviours)
    await process.start()
    await process.ann.say(process.home, "hello")
    await process.replies(1)
    await process.end()
    assert _lines(process) == [expected]


async def test_refused_delivery_is_no_answer(process: Stage) -> None:
    await process.start()
    for method in ("sendMessage", "sendRichMessage"):
        process.telegram.faults.add(method, 9, code=403, description="Forbidden: bot was blocked by the user")
    await process.ann.say(process.home, "hello")
    await process.telegram.wait_call("sendMessage", lambda call: call.code == 403, PATIENCE_S)
    await process.end()
    assert _lines(process) == ["Did not fully deliver the answer to chat"]
    assert "delivered: Forbidden: bot" in process.log()


async def test_fallbacks_turn_is_one_line(process: Stage) -> None:
    process.model.answer_with(lambda asked: Fail(404, "no such model") if asked.model == "stand-in" else Say("yes"))
    await process.start(FALLBACK_MODEL="second")
    await process.ann.say(process.home, "hello")
    await process.replies(1)
    await process.end()
    assert _lines(process) == ["Answered chat"]
    assert "by second" in process.log()


async def test_stopped_turn_is_one_line(process: Stage) -> None:
    hold = HoldStream(2)
    process.model.script(Say("one two three", hold=hold))
    await process.start()
    await process.ann.say(process.home, "hello")
    await hold.reached(PATIENCE_S)
    await process.ann.say(process.home, "/stop")
    await process.home.wait(lambda home: bool(home.replies), PATIENCE_S)
    hold.release()
    await process.end()
    assert len(_lines(process)) == 1
