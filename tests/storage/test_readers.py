"""A long read holds up no other, and each sees what was committed before it."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storage import Storage
from storage.records import ChatKey
from storage.sqlite import READERS

ENDLESS = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"


async def _begun(storage: Storage, count: int) -> list["asyncio.Task[object]"]:
    tasks: list[asyncio.Task[object]] = [
        asyncio.create_task(storage.database.rows(ENDLESS), name=f"read {number}") for number in range(count)
    ]
    await asyncio.sleep(0.05)
    return tasks


async def test_a_read_is_answered_beside_endless_ones(storage: Storage) -> None:
    tasks = await _begun(storage, READERS - 1)
    assert await asyncio.wait_for(storage.answers(), 5.0)
    assert not any(task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_cancelled_read_gives_its_connection_back(storage: Storage) -> None:
    for _ in range(2):
        for task in await _begun(storage, READERS + 1):
            task.cancel()
    assert await asyncio.wait_for(storage.answers(), 5.0)


async def test_every_reader_sees_what_was_just_committed(storage: Storage) -> None:
    for number in range(1, 30):
        async with storage.transaction() as tx:
            await storage.chats.ensure(tx, ChatKey(number), private=True, now=0.0)
        reads = [storage.chats.find(ChatKey(number)) for _ in range(3 * READERS)]
        assert all(await asyncio.gather(*reads))


@pytest.mark.sqlite_only("scrubs a SQLite file")
async def test_scrubbing_beside_a_backup_holds_up_no_write(storage: Storage, database_file: Path) -> None:
    async with storage.transaction() as tx:
        await storage.chats.ensure(tx, ChatKey(1), private=True, now=0.0)
    with closing(sqlite3.connect(database_file, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM chats").fetchall()
        async with storage.transaction() as tx:
            await storage.chats.ensure(tx, ChatKey(2), private=True, now=0.0)
        await asyncio.wait_for(storage.database.scrub(), 5.0)  # SQLite would wait for ten
        assert storage.database.soiled
        other.execute("COMMIT")
    await storage.database.scrub()
    assert not storage.database.soiled
    assert database_file.with_name(f"{database_file.name}-wal").stat().st_size == 0
