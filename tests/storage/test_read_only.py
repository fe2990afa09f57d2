"""A database is read beside its bot, and never changed by that."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from storage import Storage, StorageError
from storage.records import ChatKey


async def make(path: Path) -> Storage:
    storage = await Storage.open(path)
    async with storage.transaction() as tx:
        await storage.chats.ensure(tx, ChatKey(1001), private=True, now=1.0)
    return storage


async def test_it_reads_what_a_bot_writes(tmp_path: Path) -> None:
    path = tmp_path / "keepsake.db"
    bot = await make(path)
    reader = await Storage.open_read_only(path)
    async with bot.transaction() as tx:
        await bot.chats.ensure(tx, ChatKey(1002), private=True, now=1.0)
        assert await reader.chats.find(ChatKey(1001)) is not None
    assert await reader.chats.find(ChatKey(1002)) is not None
    await bot.close()
    await reader.close()


async def test_it_can_not_write(tmp_path: Path) -> None:
    path = tmp_path / "keepsake.db"
    await (await make(path)).close()
    before = path.read_bytes()
    reader = await Storage.open_read_only(path)
    with pytest.raises(StorageError):
        async with reader.transaction() as tx:
            await reader.chats.ensure(tx, ChatKey(1002), private=True, now=1.0)
    await reader.close()
    assert path.read_bytes() == before


@pytest.mark.sqlite_only("a server has no threads")
async def test_cancelled_close_leaves_no_thread(tmp_path: Path) -> None:
    """A thread that is left keeps the process from ending."""
    path = tmp_path / "keepsake.db"
    await (await make(path)).close()
    before = threading.active_count()
    reader = await Storage.open_read_only(path)
    ending = asyncio.create_task(reader.close())
    await asyncio.sleep(0)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    for _ in range(100):
        if threading.active_count() <= before:
            return
        await asyncio.sleep(0.01)
    pytest.fail("a connection is open")


@pytest.mark.parametrize(
    ("change", "advice"), [(-1, "start the bot of this version once"), (1, "the version that runs")]
)
async def test_other_versions_are_refused(tmp_path: Path, change: int, advice: str) -> None:
    path = tmp_path / "keepsake.db"
    await (await make(path)).close()
    with closing(sqlite3.connect(path)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.execute(f"PRAGMA user_version = {version + change}")
    with pytest.raises(StorageError, match=advice):
        await Storage.open_read_only(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == version + change


async def test_no_database_is_made(tmp_path: Path) -> None:
    path = tmp_path / "keepsake.db"
    with pytest.raises(StorageError, match="the bot creates it"):
        await Storage.open_read_only(path)
    assert not path.exists()


async def test_server_refuses_to_write(postgres_url: str) -> None:
    bot = await Storage.connect(postgres_url)
    reader = await Storage.connect_read_only(postgres_url)
    with pytest.raises(StorageError, match="read-only"):
        async with reader.transaction() as tx:
            await reader.chats.ensure(tx, ChatKey(1002), private=True, now=1.0)
    async with bot.transaction() as tx:
        await bot.chats.ensure(tx, ChatKey(1001), private=True, now=1.0)
    assert await reader.chats.find(ChatKey(1001)) is not None
    await reader.close()
    await bot.close()


async def test_other_version_on_server_is_refused(postgres_url: str) -> None:
    bot = await Storage.connect(postgres_url)
    for change, advice in (
        ("UPDATE schema_version SET version = version + 1", "use the version that runs"),
        ("DROP TABLE schema_version", "start the bot of this version"),
    ):
        async with bot.transaction() as tx:
            await tx.execute(change)
        with pytest.raises(StorageError, match=advice):
            await Storage.connect_read_only(postgres_url)
    await bot.close()
