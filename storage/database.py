"""The database: transactions, reads, and the migration to the current schema.

There is one writer, whose transactions are on disk completely or not at all. Coroutines that share a connection share
its transaction, so writing goes through one lock. Reads have connections of their own (WAL, read-only), which see only
committed rows and never wait for the writer.

The schema is a sequence of numbered files, applied in order, so a database created today equals one migrated from the
first version. A released file is never changed; a change is a new file. Each is applied together with its number
(``user_version``) in one transaction, so that a migration killed half-way has no effect.
"""

import asyncio
import logging
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Self, TypeVar

import aiosqlite

from storage import files
from storage.connecting import complete as complete
from storage.connecting import connected
from storage.files import make_file
from storage.readers import Readers
from storage.readers import Row as Row
from storage.readers import SQLValue as SQLValue
from storage.storage_errors import NewerDatabaseError as NewerDatabaseError
from storage.storage_errors import NotCopiedError as NotCopiedError
from storage.storage_errors import StorageError as StorageError
from storage.storage_errors import translated
from storage.writer_lock import WriterLock

_NAME = re.compile(r"(\d{3})_\w+\.sql")
T = TypeVar("T")
BUSY_TIMEOUT_S = 10.0
"""How long a write waits for another process (a backup, a shell command) before it fails, in seconds."""
WITHOUT_TRIGGER = 12
"""The first schema without a trigger that writes to the search index."""
READERS = 4
"""The number of concurrent reads."""
SCRUB_WAIT_S = 0.05
"""How long scrubbing delays all writes to wait for readers. A backup reads for minutes; then it is retried later."""
SCRUB_EVERY_S = 1.0
"""The shortest interval in seconds: scrubbing waits for the disk, and strangers must not be able to keep it busy."""
OLDEST_SQLITE = (3, 38)
"""The first version with the JSON operators that the inbox uses."""
WRITE_AGAIN_AFTER_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """The script that applies one schema file."""

    version: int
    script: str


def after(version: int) -> Iterator[Step]:
    """The steps that a database of this version still needs, in order."""
    return (step for step in _steps() if step.version > version)


def latest() -> int:
    """The schema version of this code."""
    return max(step.version for step in _steps())


def _steps() -> list[Step]:
    found = []
    for file in resources.files("storage").joinpath("schema").iterdir():
        if match := _NAME.fullmatch(file.name):
            version = int(match[1])
            sql = file.read_text(encoding="utf-8")
            found.append(Step(version, f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {version};\nCOMMIT;"))
    return sorted(found, key=lambda step: step.version)


class Transaction:
    """The writer's connection while its lock is held; created only by Database.transaction."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self.deletes = False
        """Whether something may have been deleted."""
        self.after_commit: list[Callable[[], object]] = []
        """Called once the transaction is committed, for what must not be said of one that isn't, such as log lines."""

    async def execute(self, sql: str, values: Iterable[SQLValue] = ()) -> int:
        """Run one statement; returns the number of rows changed."""
        self._look_at(sql)
        with translated():
            async with self._connection.execute(sql, tuple(values)) as cursor:
                return cursor.rowcount

    async def discard(self, sql: str, values: Iterable[SQLValue] = ()) -> None:
        """Run one DELETE of what no index and no other table refers to, so that nothing has to follow it."""
        deletes = self.deletes
        await self.execute(sql, values)
        self.deletes = deletes

    async def execute_many(self, sql: str, rows: Iterable[Sequence[SQLValue]]) -> None:
        """Run one statement for each row of values, in a single call to the connection's thread."""
        self._look_at(sql)
        with translated():
            async with self._connection.executemany(sql, rows):
                pass

    async def insert(self, sql: str, values: Iterable[SQLValue] = ()) -> int:
        """Run one INSERT into a table with ids; returns the new row's id, or 0 if there is none."""
        with translated():
            rows = list(await self._connection.execute_fetchall(f"{sql} RETURNING id", tuple(values)))
        return int(rows[0]["id"]) if rows else 0

    async def rows(self, sql: str, values: Iterable[SQLValue] = ()) -> list[Row]:
        """Run one statement that returns rows; sees what this transaction wrote."""
        self._look_at(sql)
        with translated():
            return list(await self._connection.execute_fetchall(sql, tuple(values)))

    async def row(self, sql: str, values: Iterable[SQLValue] = ()) -> Row | None:
        """Run one statement that returns rows, and return the first if there is one."""
        found = await self.rows(sql, values)
        return found[0] if found else None

    def _look_at(self, sql: str) -> None:
        self.deletes = self.deletes or sql.lstrip()[:6].upper() == "DELETE"


class Database:
    """Connections to one file: a writer behind a lock, and readers that can't write."""

    checks_reads = False
    """Whether a read by a task that is inside a transaction, but not through it, is an error. Tests turn this on."""
    synchronous = "FULL"
    """FULL survives a power loss, not only a killed process: "durable before acknowledged" means both.

    Tests turn it off: they kill processes, but not the machine.
    """

    def __init__(self, writer: aiosqlite.Connection, readers: Readers) -> None:
        self._writer = writer
        self._readers = readers
        self._lock = WriterLock()
        self._writing: asyncio.Task[object] | None = None
        """The task that is inside a transaction."""
        self.after_deleting: list[Callable[[], Awaitable[None]]] = []
        """Called after a transaction that may have deleted something."""
        self.soiled = False
        """Whether the log contains data that must be removed; `scrub_soon` does that."""
        self._scrubbed_at = -SCRUB_EVERY_S

    @classmethod
    async def open(cls, path: Path, keep_old: Callable[[Path, int], None] | None = None) -> Self:
        """Open or create the file, in WAL mode and with this version's schema.

        `keep_old` makes a copy of a database with an older schema, before anything is changed.
        """
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise StorageError(f"this Python has SQLite {sqlite3.sqlite_version}, and Keepsake needs 3.38 or later")
        await asyncio.to_thread(_prepare, path)
        with translated():
            writer = await _connect(path)
            try:
                version = await _version(writer)
                if keep_old is not None and 0 < version < latest():
                    await asyncio.to_thread(keep_old, path, version)
                await writer.execute("PRAGMA journal_mode = WAL")
                await writer.execute(f"PRAGMA synchronous = {cls.synchronous}")
                await writer.execute("PRAGMA secure_delete = ON")  # deleted data is overwritten, not just unlinked
                await _migrate(writer, version)
                readers = await _readers(path)
            except BaseException:
                await complete(writer.close())
                raise
        return cls(writer, readers)

    @asynccontextmanager
    async def transaction(self, *, alone: bool = False, first: bool = False) -> AsyncIterator[Transaction]:
        """Commit what the block writes, or nothing if it raises or is cancelled. Never await the network inside.

        After a deletion, the callbacks in `after_deleting` run, unless `alone` is set. `first`: ahead of all other
        writes that wait; for what is lost if the process is killed now.
        """
        async with self._lock.turn(first=first):
            try:
                with translated():
                    await self._writer.execute("BEGIN IMMEDIATE")
                tx = Transaction(self._writer)
                self._writing = asyncio.current_task()
                try:
                    yield tx
                finally:
                    self._writing = None
                with translated():
                    await complete(self._writer.commit())
                self.soiled = self.soiled or tx.deletes
            except BaseException:
                await complete(self._writer.rollback())  # does nothing after a successful commit
                raise
        for call in tx.after_commit:
            call()
        if tx.deletes and not alone:
            for follow in self.after_deleting:
                await complete(follow())

    async def rows(self, sql: str, values: Iterable[SQLValue] = ()) -> list[Row]:
        """Read committed rows. Inside a transaction, read through it instead: only it sees what it has written."""
        if self.checks_reads and self._writing is not None:
            assert self._writing is not asyncio.current_task(), f"read past the transaction: {sql}"
        with translated():
            return await self._readers.rows(sql, values)

    async def row(self, sql: str, values: Iterable[SQLValue] = ()) -> Row | None:
        """The first committed row, or None."""
        found = await self.rows(sql, values)
        return found[0] if found else None

    async def scrub(self) -> None:
        """Write the log back into the file and empty it, so that deleted data is in neither of them.

        Most of it is written back without blocking the writer. An active reader, such as a backup, prevents the rest;
        the database then remains marked as soiled.
        """
        with translated():
            await self._readers.rows("PRAGMA wal_checkpoint(PASSIVE)", ())
        async with self._lock.turn():
            with translated():
                rows = await complete(self._emptied())
        self.soiled = any(row[0] for row in rows)
        self._scrubbed_at = time.monotonic()

    async def _emptied(self) -> list[Row]:
        await self._writer.execute(f"PRAGMA busy_timeout = {SCRUB_WAIT_S * 1000:.0f}")
        try:
            return list(await self._writer.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)"))
        finally:
            await self._writer.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000:.0f}")

    async def scrub_soon(self) -> None:
        """Scrub if necessary, and if the last time is long enough ago. It may be called at any time."""
        if self.soiled and time.monotonic() - self._scrubbed_at >= SCRUB_EVERY_S:
            self._scrubbed_at = time.monotonic()  # concurrent callers leave it to this one
            try:
                await self.scrub()
            except StorageError as exc:
                log.info("The log will be scrubbed later: %s", exc)

    async def compact(self) -> None:
        """Rebuild the file, without anything that belongs to no table. Other writes wait."""
        async with self._lock.turn():
            with translated():
                await self._writer.execute_fetchall("VACUUM")

    async def close(self) -> None:
        """Wait for the current transaction, then close all connections."""
        async with self._lock.turn():
            await complete(self._readers.close())
            await complete(self._writer.close())


async def _connect(path: Path) -> aiosqlite.Connection:
    connection = await connected(path, isolation_level=None, timeout=BUSY_TIMEOUT_S)
    connection.row_factory = sqlite3.Row
    await connection.execute(files.LIMIT)
    await connection.execute("PRAGMA foreign_keys = ON")
    return connection


async def _readers(path: Path) -> Readers:
    connections: list[aiosqlite.Connection] = []
    try:
        while len(connections) < READERS:
            connections.append(await _connect(path))
            await connections[-1].execute("PRAGMA query_only = ON")
    except BaseException:
        await complete(Readers(connections).close())
        raise
    return Readers(connections)


def _prepare(path: Path) -> None:
    """Create a new database so that only its owner can read it and the files that SQLite puts next to it."""
    with suppress(OSError):  # SQLite will report it
        if path.parent.is_dir() and not path.exists():
            make_file(path)


async def _version(connection: aiosqlite.Connection) -> int:
    row = next(iter(await connection.execute_fetchall("PRAGMA user_version")))
    version, newest = int(row[0]), latest()
    if version > newest:
        raise NewerDatabaseError(
            f"the database has schema {version}, this version of Keepsake knows schemas up to {newest}: "
            "run the version that wrote it, or a later one"
        )
    return version


async def _migrate(writer: aiosqlite.Connection, version: int) -> None:
    if 0 < version < WITHOUT_TRIGGER:  # it would make every schema change fail if the search index is damaged
        await writer.execute("DROP TRIGGER IF EXISTS turn_keys_follow")
    for step in after(version):
        await writer.executescript(step.script)


async def until_stored(write: Callable[[], Awaitable[T]]) -> T:
    """Repeat a write that fails for now (locked by another process, disk full) for about a minute.

    Raises StorageError after that, or immediately if waiting can't help.
    """
    for wait in WRITE_AGAIN_AFTER_S:
        try:
            return await write()
        except StorageError as exc:
            if not exc.may_pass:
                raise
            log.warning("The database can't be written, trying again in %.1f s: %s", wait, exc)
            await asyncio.sleep(wait)
    return await write()
