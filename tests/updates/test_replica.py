"""Several processes on one PostgreSQL database: each chat in one of them, in order, and handed over when one dies."""

import asyncio
from functools import partial

import pytest

from bot.updates import replica as module
from storage.records import ChatKey, Notice
from tests.updates.processes import Process, Start, until
from tests.updates.processes import log as log
from tests.updates.processes import short_sweep as short_sweep
from tests.updates.processes import start as start


async def test_updates_of_a_chat_keep_their_order(start: Start, log: list[tuple[str, int]]) -> None:
    processes = [await start(name) for name in "abc"]
    for number in range(1, 31):
        await processes[number % 3].receive((number, number % 2 + 5))
    await until(lambda: len(log) == 30)
    for chat in (0, 1):
        handled = [(name, one) for name, one in log if one % 2 == chat]
        assert [one for _, one in handled] == sorted(one for _, one in handled)
        assert len({name for name, _ in handled}) == 1, "one process had the chat"


async def test_same_update_at_two_processes_counts_once(start: Start, log: list[tuple[str, int]]) -> None:
    first, second = await start("a"), await start("b")
    await asyncio.gather(first.receive((1, 5)), second.receive((1, 5)))
    await first.receive((2, 5))
    await until(lambda: len(log) == 2)
    assert [one for _, one in log] == [1, 2]


async def test_chats_of_a_dead_process_go_on(start: Start, log: list[tuple[str, int]]) -> None:
    first = await start("a")
    first.recorder.gates[5] = asyncio.Event()
    await first.receive((1, 5), (2, 5))
    await until(lambda: first.lanes.busy() == {5})
    second = await start("b")
    await second.receive((3, 5))
    await first.die()
    await until(lambda: len(log) == 3)
    assert log == [("b", 1), ("b", 2), ("b", 3)]
    assert second.recovered == [5]


async def test_shutdown_hands_chats_over_at_once(start: Start, log: list[tuple[str, int]]) -> None:
    first = await start("a")
    gate = first.recorder.gates[5] = asyncio.Event()
    await first.receive((1, 5))
    await until(lambda: first.lanes.busy() == {5})
    await start("b")
    leaving = asyncio.create_task(first.leave())
    await asyncio.sleep(0.05)
    await first.receive((2, 5), (3, 6))  # which it still stores, for others
    gate.set()
    await leaving
    await until(lambda: len(log) == 3)
    assert sorted(log) == [("a", 1), ("b", 2), ("b", 3)]


async def test_process_that_leaves_notifies_who_has_chat(
    start: Start, log: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.Replica, "_sweep", _never)
    leaving, other = await start("a"), await start("b")
    await other.receive((1, 5))
    gate = leaving.recorder.gates[6] = asyncio.Event()
    await leaving.receive((2, 6))
    await until(lambda: leaving.lanes.busy() == {6} and ("b", 1) in log)
    ended = asyncio.create_task(leaving.leave())
    await asyncio.sleep(0.05)
    await leaving.receive((3, 5))
    await until(lambda: ("b", 3) in log)
    gate.set()
    await ended


async def _never(_: object) -> None:
    """A sweep that finds nothing."""


async def test_one_process_leads(start: Start) -> None:
    first, second = await start("a"), await start("b")
    await until(lambda: first.replica.live == second.replica.live == 2)
    await until(lambda: first.lead.leads or second.lead.leads)
    leaders = [one for one in (first, second) if one.lead.leads]
    assert len(leaders) == 1
    other = second if leaders[0] is first else first
    await leaders[0].leave()
    assert not leaders[0].lead.leads
    await until(lambda: other.lead.leads and other.replica.live == 1)


async def test_wake_reaches_process_that_has_chat(start: Start) -> None:
    first = await start("a")
    await first.receive((1, 5))
    await until(lambda: first.replica.holds(5))
    second = await start("b")
    first.recorder.woken.clear()

    def woken() -> bool:
        second.lanes.wake(ChatKey(5, 3))  # again and again, because at first no one may be listening
        return bool(first.recorder.woken)

    await until(woken)
    assert set(first.recorder.woken) == {ChatKey(5, 3)}
    second.lanes.wake(ChatKey(6))  # which nobody has
    await until(lambda: second.recorder.woken)
    assert second.recorder.woken == [ChatKey(6)]


async def test_stored_notice_is_found_without_notification(start: Start) -> None:
    process = await start("a")
    async with process.storage.transaction() as tx:
        await process.storage.outbox.add(tx, Notice(key=ChatKey(9), private=True, text="hello"))
    await until(lambda: ChatKey(9) in process.recorder.woken)


async def test_idle_chat_is_given_back(
    start: Start, log: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await start("a")
    await first.receive((1, 5))
    await until(lambda: first.replica.holds(5))
    second = await start("b")
    monkeypatch.setattr(module, "IDLE_S", 0.0)
    await until(lambda: not first.replica.holds(5))
    await second.receive((2, 5))
    await until(lambda: len(log) == 2)
    assert [one for _, one in log] == [1, 2]


async def _cut(process: Process) -> None:
    """End all sessions but the one of this statement, as a restart of the server does."""
    await process.storage.database.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND datname = current_database() AND backend_type = 'client backend'"
    )


async def test_cut_session_keeps_what_nobody_took(start: Start, log: list[tuple[str, int]]) -> None:
    process = await start("a")
    gate = process.recorder.gates[5] = asyncio.Event()
    await process.receive((1, 5))
    await until(lambda: process.lanes.busy() == {5})
    await _cut(process)
    await until(lambda: process.changes)
    gate.set()
    await until(lambda: log)
    assert log == [("a", 1)]
    assert not process.recorder.lost


async def test_cut_session_stops_lost_work(start: Start, log: list[tuple[str, int]]) -> None:
    """While its session is cut, another process takes the chat; what ran for it here neither writes nor sends."""
    first = await start("a")
    first.recorder.gates[5] = asyncio.Event()
    await first.receive((1, 5))
    await until(lambda: first.lanes.busy() == {5})
    connect = first.replica._session.check
    held = asyncio.Event()

    async def unreachable() -> None:
        await held.wait()
        await connect()

    first.replica._session.check = unreachable  # type: ignore[method-assign]
    await asyncio.sleep(0.3)
    await first.replica._session.close()
    second = await start("b")
    await until(lambda: log == [("b", 1)])
    held.set()
    await first.recorder.stops.wait()
    await until(lambda: not first.replica.holds(5))
    assert second.replica.holds(5)
    assert log == [("b", 1)]


async def test_unaware_process_can_write_nothing(start: Start, log: list[tuple[str, int]]) -> None:
    """Its lane goes on because it doesn't know yet: its commit fails, and then its lane ends."""
    first = await start("a")
    gate = first.recorder.gates[5] = asyncio.Event()
    await first.receive((1, 5))
    await until(lambda: first.lanes.busy() == {5})
    first.replica._session.check = partial(asyncio.sleep, 0)  # type: ignore[method-assign]
    await first.replica._session.close()
    await start("b")
    await until(lambda: log == [("b", 1)])
    gate.set()
    await until(lambda: not first.lanes.busy())
    assert first.recorder.lost == [5]
    assert log == [("b", 1)]
    assert not first.replica.holds(5)
