"""A process that can't reach Telegram leaves its chats to those that can, and keeps them if there are none."""

import asyncio

import pytest

from bot.updates.in_flight import WorkKey, WorkKind
from storage.records import ChatKey
from tests.updates.processes import Process, Start, until
from tests.updates.processes import log as log
from tests.updates.processes import short_sweep as short_sweep
from tests.updates.processes import start as start


async def _both(start: Start) -> tuple[Process, Process]:
    """Two processes that know of each other; the first has chat 5, is held there, and leads."""
    first = await start("a")
    first.recorder.gates[5] = asyncio.Event()
    await first.receive((1, 5))
    await until(lambda: first.lanes.busy() == {5} and first.lead.leads)
    second = await start("b")
    await until(lambda: _known(first) and _known(second))
    return first, second


def _known(process: Process) -> bool:
    return process.replica._activity._others_since is not None


async def test_others_get_chats_and_leadership(start: Start, log: list[tuple[str, int]]) -> None:
    first, second = await _both(start)
    first.cut_off()
    await until(lambda: log)
    await until(lambda: second.lead.leads and not first.lead.leads)
    assert not await first.replica.reached()
    await first.receive((2, 6))
    await until(lambda: len(log) == 2)
    assert log == [("b", 1), ("b", 2)]
    first.reach.answered()
    await until(lambda: not first.replica._activity.is_passive)
    await first.receive((3, 7), (4, 5))
    await until(lambda: len(log) == 4)
    assert set(log[2:]) == {("a", 3), ("b", 4)}


async def test_nothing_changes_while_no_one_reaches_telegram(start: Start, log: list[tuple[str, int]]) -> None:
    first, second = await _both(start)
    second.cut_off()
    await until(lambda: not _known(first))
    first.cut_off()
    await until(lambda: not _known(second))
    second.cut_off()
    await first.receive((2, 6))
    await until(lambda: log == [("a", 2)])
    assert first.lead.leads
    assert await first.replica.reached()
    assert await second.replica.reached()
    first.recorder.gates[5].set()
    await until(lambda: log == [("a", 2), ("a", 1)])


async def test_answer_being_written_is_finished_first(start: Start, log: list[tuple[str, int]]) -> None:
    first, _ = await _both(start)
    await first.receive((2, 6))
    await until(lambda: first.replica.holds(6))
    written = asyncio.Event()
    writing = asyncio.create_task(
        first.quarantine.run(WorkKey(WorkKind.ANSWER, 1), ChatKey(5), written.wait()), name="answer"
    )
    await asyncio.sleep(0)
    first.cut_off()
    await until(lambda: not first.replica.holds(6))
    assert first.replica.holds(5)
    assert first.lanes.busy() == {5}
    written.set()
    await writing
    await until(lambda: ("b", 1) in log)


async def test_process_alone_keeps_its_chats(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    process = await start("a")
    await process.receive((1, 5))
    await until(lambda: process.replica.holds(5))
    process.cut_off()
    await until(lambda: not process.replica._session._claims._shows_reach)  # type: ignore[union-attr]
    assert process.replica.holds(5)
    assert process.lead.leads
    assert "leaves its chats" not in caplog.text


async def test_return_of_telegram_moves_no_chats(start: Start, log: list[tuple[str, int]]) -> None:
    """The first to reach Telegram again doesn't get the chats of those that reach it as well, but don't know it yet."""
    first, second = await _both(start)
    second.cut_off()
    await until(lambda: not _known(first))
    first.cut_off()
    await until(lambda: not _known(second))
    first.now += 1.0
    second.reach.answered()
    await until(lambda: _known(first))
    assert first.reach.is_lost
    assert first.replica.holds(5)
    first.reach.answered()
    first.recorder.gates[5].set()
    await until(lambda: log == [("a", 1)])
