"""Transactions are whole, the reader can't write, and a newer database is refused."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storage import NewerDatabaseError, Storage, StorageError, complete, until_stored
from storage import database as patience
from storage import sqlite as migrations
from storage.records import ChatKey


async def _keys(storage: Storage) -> set[int]:
    return {row["telegram_id"] for row in await storage.database.rows("SELECT telegram_id FROM chats")}


async def _write(storage: Storage, number: int, *, fail: bool) -> None:
    async with storage.transaction() as tx:
        await storage.chats.ensure(tx, ChatKey(number), private=True, now=0.0)
        await asyncio.sleep(0.01)
        if fail:
            raise RuntimeError


async def test_a_block_that_raises_writes_nothing(storage: Storage) -> None:
    with pytest.raises(RuntimeError):
        await _write(storage, 1, fail=True)
    assert await _keys(storage) == set()


async def test_only_committed_transactions_call_after_commit(storage: Storage) -> None:
    called = []

    async def write(*, fail: bool) -> None:
        async with storage.transaction() as tx:
            tx.after_commit.append(lambda: called.append(fail))
            assert called == []
            if fail:
                raise RuntimeError

    with pytest.raises(RuntimeError):
        await write(fail=True)
    await write(fail=False)
    assert called == [False]


async def test_cancelled_transaction_writes_nothing_and_frees_writer(storage: Storage) -> None:
    written = asyncio.Event()

    async def write() -> None:
        async with storage.transaction() as tx:
            await storage.chats.ensure(tx, ChatKey(1), private=True, now=0.0)
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await written.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with storage.transaction() as tx:
        await storage.chats.ensure(tx, ChatKey(2), private=True, now=0.0)
    assert await _keys(storage) == {2}


async def test_transactions_of_two_tasks_do_not_mix(storage: Storage) -> None:
    writes = (_write(storage, number, fail=number % 2 == 0) for number in range(1, 9))
    await asyncio.gather(*writes, return_exceptions=True)
    assert await _keys(storage) == {1, 3, 5, 7}


async def test_a_reader_sees_committed_rows_only(storage: Storage) -> None:
    async with storage.transaction() as tx:
        await storage.chats.ensure(tx, ChatKey(1), private=True, now=0.0)
        assert await asyncio.create_task(_keys(storage)) == set()
    assert await _keys(storage) == {1}


async def test_a_read_past_its_transaction_fails(storage: Storage) -> None:
    async with storage.transaction() as tx:
        with pytest.raises(AssertionError, match="past the transaction"):
            await _keys(storage)
        assert await tx.row("SELECT 1 FROM chats") is None
    assert await _keys(storage) == set()


@pytest.mark.sqlite_only("reads there through connections that can't write")
async def test_the_reader_cannot_write(storage: Storage) -> None:
    with pytest.raises(StorageError, match="readonly"):
        await storage.database.rows("DELETE FROM chats")


async def test_cancelled_caller_does_not_undo_completed_work() -> None:
    done: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0.02)
        done.append("work")

    task = asyncio.create_task(complete(work()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == ["work"]


@pytest.mark.sqlite_only("opens a SQLite file")
async def test_newer_database_is_refused_with_clear_sentence(tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA user_version = {migrations.latest() + 1}")
    with pytest.raises(NewerDatabaseError, match="run the version that wrote it"):
        await Storage.open(path)


@pytest.mark.sqlite_only("opens a SQLite file")
async def test_non_database_file_raises_storage_error(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("this is not a database, but a longer text than a header")
    with pytest.raises(StorageError, match="not a database"):
        await Storage.open(path)


@pytest.mark.sqlite_only("opens a SQLite file")
async def test_opening_twice_migrates_once(tmp_path: Path) -> None:
    for _ in range(2):
        storage = await Storage.open(tmp_path / "keepsake.db")
        row = await storage.database.row("PRAGMA user_version")
        assert row is not None
        assert row["user_version"] == migrations.latest()
        await storage.close()


@pytest.mark.sqlite_only("opens a SQLite file")
async def test_a_migration_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "half.db", isolation_level=None)) as connection, connection:
        step = next(iter(migrations.after(0)))
        broken = step.script.replace("PRAGMA user_version", "CREATE TABLE inbox (x);\nPRAGMA user_version")
        with pytest.raises(sqlite3.OperationalError, match="already exists"):
            connection.executescript(broken)
        connection.rollback()
        assert connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
        assert connection.execute("PRAGMA user_version").fetchone() == (0,)
    connection.close()


def test_the_schema_files_are_numbered_without_gaps() -> None:
    versions = [step.version for step in migrations.after(0)]
    assert versions == list(range(1, len(versions) + 1))


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pauses between the tries."""
    monkeypatch.setattr(patience, "WRITE_AGAIN_AFTER_S", 7 * (0.0,))


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("INSERT INTO no_such_table VALUES (1)", ()),
        ("INSERT INTO chats (id, telegram_id) VALUES (1)", ()),
        ("UPDATE chats SET private = ? WHERE id = ?", (1,)),  # a binding is missing
        ("INSERT INTO chats (telegram_id, private, created_at) VALUES (NULL, 1, 0)", ()),
        ("INSERT INTO turns (chat_id, role, state, content, created_at) VALUES (99, 'user', 'settled', '', 0)", ()),
    ],
)
@pytest.mark.usefixtures("hurried")
async def test_a_statement_that_is_wrong_is_not_repeated(storage: Storage, sql: str, values: tuple[int, ...]) -> None:
    tries: list[int] = []

    async def write() -> None:
        tries.append(1)
        async with storage.transaction() as tx:
            await tx.execute(sql, values)

    with pytest.raises(StorageError):
        await until_stored(write)
    assert len(tries) == 1


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE])
@pytest.mark.usefixtures("hurried")
async def test_what_passes_by_is_waited_for(code: int) -> None:
    tries: list[int] = []

    async def write() -> str:
        tries.append(1)
        if len(tries) < 3:
            cause = sqlite3.OperationalError("not now")
            cause.sqlite_errorcode = code
            raise StorageError("not now") from cause
        return "written"

    assert await until_stored(write) == "written"
    assert len(tries) == 3


@pytest.mark.sqlite_only("a limit of SQLite's memory")
async def test_sqlite_takes_no_more_memory_than_it_may(storage: Storage) -> None:
    with pytest.raises(StorageError) as caught:
        await storage.database.rows("SELECT length(hex(zeroblob(400000000)))")
    assert caught.value.code == sqlite3.SQLITE_NOMEM
    assert await storage.database.rows("SELECT 1")
