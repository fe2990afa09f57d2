"""What a process that shares its database does at its limits: many chats, a cut session, a later version."""

import asyncio

import pytest

from bot.updates import replica as module
from storage.database import NewerDatabaseError
from tests.updates.processes import Start, until
from tests.updates.processes import log as log
from tests.updates.processes import short_sweep as short_sweep
from tests.updates.processes import start as start


async def test_no_more_chats_are_held_than_fit(
    start: Start, log: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's table of locks has an end: idle chats make room for others, and busy ones are waited for."""
    monkeypatch.setattr(module, "MOST_HELD", 20)
    process = await start("a")
    gate = process.recorder.gates[1] = asyncio.Event()
    await process.receive((1, 1))
    most = 0
    for first in range(2, 102, 10):
        await process.receive(*((number, number) for number in range(first, first + 10)))
        await until(lambda first=first: len(log) >= first + 8)  # type: ignore[misc]
        most = max(most, len(process.replica._held))
    assert most <= 20
    assert process.replica.holds(1)
    gate.set()
    await until(lambda: len(log) == 101)


async def test_updates_of_many_chats_are_all_handled(
    start: Start, log: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_HELD", 20)
    process = await start("a")
    await process.receive(*((number, number) for number in range(1, 101)))
    await until(lambda: len(log) == 100)


async def test_newer_schema_ends_the_process_with_a_sentence(start: Start, log: list[tuple[str, int]]) -> None:
    first = await start("a")
    await first.receive((1, 5))
    await until(lambda: log)
    async with first.storage.transaction() as tx:
        await tx.execute("UPDATE schema_version SET version = version + 1")
    assert first._run is not None
    with pytest.raises(NewerDatabaseError, match="a later version of Keepsake has migrated"):
        await first._run


async def test_cut_session_is_noticed_while_reads_hang(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be sent any more before other processes can take the chats, whatever the pool is waiting for."""
    process = await start("a")
    reading = asyncio.Event()

    async def hang() -> None:
        reading.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(process.replica._work, "pending", hang)
    await reading.wait()
    monkeypatch.setattr(process.replica._session, "_replace", asyncio.Event().wait)
    await process.replica._session.close()
    await until(lambda: not process.replica._session.is_open)


async def test_process_that_leaves_is_not_ready(start: Start) -> None:
    process = await start("a")
    await until(lambda: process.lead.leads)
    assert await process.replica.reached()
    await process.leave()
    assert not await process.replica.reached()
