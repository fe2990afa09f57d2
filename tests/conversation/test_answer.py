"""The life of one answer in flight: when it may be stopped or begun again, and what became of it then."""

import asyncio
from collections.abc import Callable

import pytest

from bot.conversation.answer import AnswerInFlight, AnswerState, Interruption
from bot.errors import ModelError, WrongKey
from storage.records import Chat, ChatKey
from tests.scripted import SeenPreview, in_flight

CHAT = Chat(1, ChatKey(5), private=True, stamped_at=None)
STOPPED, RESTARTED = Interruption.STOPPED, Interruption.RESTARTED
Step = Callable[[AnswerInFlight], bool]


def stop(*update_ids: int) -> Step:
    return lambda answer: answer.stop(update_ids)


def restart(answer: AnswerInFlight) -> bool:
    return answer.restart()


Case = tuple[list[Step], list[bool], Interruption | None, tuple[int, ...]]
"""What is called, what each call returns, and what the answer says of it afterwards."""
INTERRUPTED: dict[str, Case] = {
    "stopped": ([stop(1)], [True], STOPPED, (1,)),
    "stopped by nobody's update": ([stop()], [True], STOPPED, ()),
    "stopped twice": ([stop(1), stop(2)], [True, True], STOPPED, (1,)),
    "begun again": ([restart], [True], RESTARTED, ()),
    "begun again twice": ([restart, restart], [True, True], RESTARTED, ()),
    "a stop after a restart": ([restart, stop(1)], [True, True], STOPPED, (1,)),
    "a restart after a stop": ([stop(1), restart], [True, True], STOPPED, (1,)),
}


@pytest.mark.parametrize("case", INTERRUPTED)
async def test_answer_is_interrupted_before_it_is_written(case: str) -> None:
    """The model is not asked at all."""
    steps, returned, interruption, update_ids = INTERRUPTED[case]
    answer, asked = in_flight(CHAT), []

    async def work() -> None:
        asked.append(True)

    assert [step(answer) for step in steps] == returned
    assert answer.state is AnswerState.READY
    await answer.run(work())
    assert asked == []
    assert (answer.state, answer.interruption, answer.update_ids) == (AnswerState.INTERRUPTED, interruption, update_ids)


@pytest.mark.parametrize("case", INTERRUPTED)
async def test_answer_is_interrupted_while_it_is_written(case: str) -> None:
    steps, returned, interruption, update_ids = INTERRUPTED[case]
    answer, reached = in_flight(CHAT), []

    async def work() -> None:
        assert answer.state is AnswerState.WRITING
        reached.append([step(answer) for step in steps])
        await asyncio.sleep(0)
        reached.append([])

    await answer.run(work())
    assert reached == [returned]
    assert (answer.state, answer.interruption, answer.update_ids) == (AnswerState.INTERRUPTED, interruption, update_ids)


@pytest.mark.parametrize("step", [stop(1), restart])
async def test_ended_answer_is_not_interrupted(step: Step) -> None:
    answer = in_flight(CHAT)
    await answer.run(asyncio.sleep(0))
    assert not step(answer)
    assert (answer.state, answer.interruption, answer.update_ids) == (AnswerState.WRITTEN, None, ())


@pytest.mark.parametrize("step", [stop(1), restart])
async def test_failed_answer_is_not_interrupted(step: Step) -> None:
    answer = in_flight(CHAT)
    with pytest.raises(WrongKey):
        await answer.run(_fails(WrongKey("401")))
    assert not step(answer)
    assert (answer.state, answer.interruption) == (AnswerState.FAILED, None)


async def test_failure_of_an_interrupted_answer_is_dropped() -> None:
    """It was stopped and failed in the same moment: stopped is what the user asked for."""
    answer = in_flight(CHAT)

    async def work() -> None:
        answer.stop((1,))
        raise WrongKey("401")

    await answer.run(work())
    assert (answer.state, answer.interruption) == (AnswerState.INTERRUPTED, STOPPED)


@pytest.mark.parametrize("stopped", [False, True])
async def test_end_of_process_leaves_answer_cancelled(stopped: bool) -> None:
    """It is pending after the restart, and so is the stop."""
    answer, begun = in_flight(CHAT), asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(answer.run(work()))
    await begun.wait()
    running.cancel()
    if stopped:
        answer.stop((1,))
    with pytest.raises(asyncio.CancelledError):
        await running
    assert answer.state is AnswerState.CANCELLED
    assert not answer.stop((2,))


@pytest.mark.parametrize(
    ("preview", "restarts"),
    [(SeenPreview(), True), (SeenPreview(shown=True), False), (SeenPreview(message_id=3), False)],
    ids=["unseen", "seen in a draft", "seen in a message"],
)
async def test_answer_restarts_until_it_is_seen(preview: SeenPreview, restarts: bool) -> None:
    answer = in_flight(CHAT, preview)
    assert answer.restart_unshown() is restarts
    assert answer.interruption is (RESTARTED if restarts else None)


async def _fails(error: ModelError) -> None:
    raise error
