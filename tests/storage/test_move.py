"""A whole database is moved to an empty one of either kind: every row of every table, or nothing."""

import asyncio
import hashlib
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from storage import Storage, StorageError
from storage import move as moving
from storage.database import SQLValue
from storage.move import LEFT_OUT, TABLES, filled_tables, measure, move
from storage.move_source import MovedTable, MoveSource, SQLiteSource, TableSize, sqlite_source
from storage.postgres.postgres_source import postgres_source
from storage.sqlite import after, latest
from tests.conftest import migrate
from tests.postgres import Databases
from tests.selection import first
from tests.storage.catalog import tables
from tests.storage.every_table import NASTY, contents, fill
from tests.storage.test_from_first_version import OLD

NAMES = [table.name for table in TABLES]
Place = tuple[Storage, Callable[[], AbstractAsyncContextManager[MoveSource]]]


@asynccontextmanager
async def place(
    kind: str, name: str, folder: Path, first: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Place]:
    """An empty database, and a way to move from it."""
    if kind == "sqlite":
        path = folder / f"{name}.db"
        shutil.copyfile(first, path)
        storage = await Storage.open(path)
        yield storage, lambda: sqlite_source(path)
        await storage.close()
    else:
        databases: Databases = request.getfixturevalue("postgres")
        async with databases.new() as url:
            storage = await Storage.connect(url)
            yield storage, lambda: postgres_source(url)
            await storage.close()


KINDS = ["sqlite", "postgres"]


@pytest.fixture
async def old(
    request: pytest.FixtureRequest, tmp_path: Path, first_database: Path, source_kind: str
) -> AsyncIterator[Place]:
    async with place(source_kind, "old", tmp_path, first_database, request) as made:
        yield made


@pytest.fixture
async def new(
    request: pytest.FixtureRequest, tmp_path: Path, first_database: Path, target_kind: str
) -> AsyncIterator[Place]:
    async with place(target_kind, "new", tmp_path, first_database, request) as made:
        yield made


both_ways = pytest.mark.parametrize(
    ("source_kind", "target_kind"), [(source, target) for source in KINDS for target in KINDS]
)
into_either = pytest.mark.parametrize(("source_kind", "target_kind"), [("sqlite", target) for target in KINDS])


class Counter:
    """A progress bar that only counts."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self, done: int) -> None:
        self.done += done


class Failing(MoveSource):
    """A source that fails, or whose process ends, at one table."""

    def __init__(self, source: MoveSource, table: str, error: BaseException) -> None:
        self._source = source
        self._table = table
        self._error = error

    async def size(self, table: MovedTable) -> TableSize:
        return await self._source.size(table)

    async def batches(self, table: MovedTable) -> AsyncIterator[list[Mapping[str, SQLValue]]]:
        async for rows in self._source.batches(table):
            yield rows
            if table.name == self._table:
                raise self._error

    async def disk_bytes(self) -> int:
        return await self._source.disk_bytes()

    async def last_ids(self) -> dict[str, int]:
        return await self._source.last_ids()


def _expected(rows: Mapping[str, Any], *, to_postgres: bool) -> dict[str, Any]:
    """A row as it has to be after the move."""
    changed = {name: 0 for name in ("indexed_turn", "old_turn") if name in rows}
    texts = {
        name: value.replace("\0", "\ufffd") for name, value in rows.items() if to_postgres and isinstance(value, str)
    }
    return {**rows, **texts, **changed}


async def test_tables_are_moved_or_left_out_for_reason(database_file: Path, postgres_url: str) -> None:
    """A new table belongs into TABLES, after those that it refers to, or into LEFT_OUT."""
    for storage in (await Storage.open(database_file), await Storage.connect(postgres_url)):
        found = await tables(storage.database)
        await storage.close()
        assert set(NAMES) <= set(found)
        assert set(found) - set(NAMES) <= set(LEFT_OUT)
        for at, name in enumerate(NAMES):
            assert {other for _, other, _, _ in found[name].foreign_keys} <= set(NAMES[:at]), name


@both_ways
async def test_every_row_of_every_table_is_moved(old: Place, new: Place, source_kind: str, target_kind: str) -> None:
    await fill(old[0].database)
    before = await contents(old[0].database, NAMES)
    assert all(len(rows) > 1 for rows in before.values())
    nasty = NASTY[1] if source_kind == "sqlite" else NASTY[1].replace("\0", "\ufffd")
    assert any(nasty in str(row["content"]) for row in before["turns"])
    seen = Counter()
    async with old[1]() as source:
        size = await measure(source)
        await move(source, new[0].database, size, seen)
    after = await contents(new[0].database, NAMES)
    for name in NAMES:
        expected = [_expected(row, to_postgres=target_kind == "postgres") for row in before[name]]
        assert sorted(map(repr, after[name])) == sorted(map(repr, expected)), name
    assert await contents(old[0].database, NAMES) == before
    assert seen.done == size.work
    assert size.rows == {name: len(rows) for name, rows in before.items()}


@both_ways
async def test_ids_of_deleted_turns_stay_unused(old: Place, new: Place) -> None:
    await fill(old[0].database)
    async with old[0].transaction() as tx:
        made = [await tx.insert(_TURN, (at,)) for at in range(3)]
        await tx.execute("DELETE FROM turns WHERE id >= ?", (made[0],))
    async with old[1]() as source:
        await move(source, new[0].database, await measure(source), Counter())
    async with new[0].transaction() as tx:
        assert await tx.insert(_TURN, (0,)) == made[-1] + 1
        assert (
            await tx.insert("INSERT INTO resets (chat_id, from_id, to_id, reset_at) VALUES (10, 0, 1, ?)", (0,)) == 31
        )


_TURN = "INSERT INTO turns (chat_id, role, state, content, created_at) VALUES (10, 'user', 'settled', 'x', ?)"


@into_either
@pytest.mark.parametrize(
    ("error", "names"), first([(asyncio.CancelledError(), NAMES[::8]), (StorageError("!"), NAMES)])
)
async def test_failed_move_leaves_target_as_it_was(
    old: Place, new: Place, error: BaseException, names: list[str]
) -> None:
    await fill(old[0].database)
    async with new[0].transaction() as tx:
        await tx.execute("INSERT INTO owner_links (hash, expires_at) VALUES ('mine', 1.0)")
    before = await contents(new[0].database, NAMES)
    for name in names:
        async with old[1]() as source:
            with pytest.raises(type(error)):
                await move(Failing(source, name, error), new[0].database, await measure(source), Counter())
        assert await contents(new[0].database, NAMES) == before
    async with old[1]() as source:
        await move(source, new[0].database, await measure(source), Counter())
    assert len((await contents(new[0].database, ["owner_links"]))["owner_links"]) == 3


@into_either
async def test_counts_that_differ_undo_the_move(old: Place, new: Place) -> None:
    await fill(old[0].database)
    async with old[1]() as source:
        size = await measure(source)
        size.rows["media"] += 1  # type: ignore[index]
        with pytest.raises(moving.CountsDifferError, match="media has 3 rows after the move, and 4 before"):
            await move(source, new[0].database, size, Counter())
    assert await filled_tables(new[0].database) == []


@pytest.mark.parametrize("target_kind", KINDS)
async def test_database_that_a_bot_started_counts_as_empty(new: Place) -> None:
    async with new[0].transaction() as tx:
        await tx.execute("INSERT INTO owner_links (hash, expires_at) VALUES ('mine', 1.0)")
        await tx.execute("INSERT INTO index_version (id, version) VALUES (1, '1')")
    assert await filled_tables(new[0].database) == []
    async with new[0].transaction() as tx:
        await tx.execute("DELETE FROM owner_links")
    await fill(new[0].database)
    assert set(await filled_tables(new[0].database)) == set(NAMES) - {"owner_links", "server_facts"}


async def test_large_rows_never_fill_the_memory(database_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "MOST_BYTES", 1000)
    rows: list[dict[str, SQLValue]] = [
        {"hash": str(at), "bytes": bytes(size)} for at, size in enumerate([400, 400, 400, 5000, 10, 10])
    ]
    assert [len(some) for some in moving._trips(rows)] == [2, 1, 1, 2]
    storage = await Storage.open(database_file)
    async with storage.transaction() as tx:
        await tx.execute_many("INSERT INTO media (hash, bytes) VALUES (?, ?)", [tuple(row.values()) for row in rows])
    await storage.close()
    async with sqlite_source(database_file) as source:
        batches = [len(batch) async for batch in source.batches(MovedTable("media", moving.FEW, "bytes"))]
    assert batches == [4, 2]


async def test_file_is_read_without_changing_it(database_file: Path) -> None:
    storage = await Storage.open(database_file)
    await fill(storage.database)
    await storage.close()
    before = _hash(database_file)
    async with sqlite_source(database_file) as source:
        await measure(source)
        assert isinstance(source, SQLiteSource)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            await source._connection.execute("DELETE FROM turns")
    assert _hash(database_file) == before


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _copies(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.startswith("import-")]


async def test_rows_come_from_one_moment(postgres_url: str, database_file: Path) -> None:
    for storage, opened in (
        (await Storage.open(database_file), lambda: sqlite_source(database_file)),
        (await Storage.connect(postgres_url), lambda: postgres_source(postgres_url)),
    ):
        async with opened() as source:
            await source.size(TABLES[0])
            await fill(storage.database)
            assert (await source.size(TABLES[0])).rows == 0
        await storage.close()


async def test_older_file_is_migrated_in_copy(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(next(after(0)).script)
        connection.executescript(OLD)
    before = _hash(path)
    async with sqlite_source(path) as source:
        assert set((await measure(source)).rows) == set(NAMES)
        assert len(_copies(tmp_path)) == 1
    assert _hash(path) == before
    assert _copies(tmp_path) == []


async def test_newer_and_damaged_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "it.db"
    await migrate(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA user_version = {latest() + 1}")
    connection.close()
    with pytest.raises(StorageError, match="it was written by a newer version"):
        async with sqlite_source(path):
            pass
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StorageError, match="it can't be read: file is not a database"):
        async with sqlite_source(path):
            pass


@pytest.mark.parametrize(
    ("version", "words"),
    [(latest() + 1, "a newer version"), (latest() - 1, "an older version"), (0, "none of Keepsake's tables")],
)
async def test_postgres_of_another_version_is_refused(version: int, words: str, postgres: Databases) -> None:
    async with postgres.new() as url:
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE schema_version SET version = %s", (version,))
        with pytest.raises(StorageError, match=words):
            async with postgres_source(url):
                pass
