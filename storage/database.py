"""Numbered schema files, applied in order: a database made today equals one migrated from the first version.

A file, once released, is never changed; the next change is a new file. Each is applied together with its number
(``user_version``) in one transaction, so that a migration which is killed half-way has not happened.

SQLite with one writer: what a transaction wrote is on the disk as a whole, or not at all.

Coroutines that share a connection share its transaction, so writing goes through one lock. Reading has connections of
its own (WAL, read-only), which see committed rows only and never wait for the writer.

Waiting for a database that can't be written just now.
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
from storage.files import make_file
from storage.readers import Readers
from storage.readers import Row as Row
from storage.readers import SQLValue as SQLValue
from storage.storage_errors import NewerDatabaseError as NewerDatabaseError
from storage.storage_errors import NotCopiedError as NotCopiedError
from storage.storage_errors import StorageError as StorageError
from storage.storage_errors import translated

_NAME = re.compile(r"(\d{3})_\w+\.sql")
T = TypeVar("T")
BUSY_TIMEOUT_S = 10.0
"""How long a write waits for another process (a backup, a shell command) before it fails."""
WITHOUT_TRIGGER = 12
"""The schema from which on no trigger writes to the search index."""
READERS = 4
"""Reads that run side by side."""
SCRUB_WAIT_S = 0.05
"""How long scrubbing holds up every write for readers to end; a backup reads for minutes, and it is tried again."""
SCRUB_EVERY_S = 1.0
"""Scrubbing waits for the disk: so strangers can't make the bot do it all the time."""
OLDEST_SQLITE = (3, 38)
"""The first with the JSON operators that the inbox uses."""
WRITE_AGAIN_AFTER_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """One schema file as the script that applies it."""

    version: int
    script: str


def after(version: int) -> Iterator[Step]:
    """The steps that a database of `version` still needs, in order."""
    return (step for step in _steps() if step.version > version)


def latest() -> int:
    """The version that this code was written for."""
    return max(step.version for step in _steps())


def _steps() -> list[Step]:
    found = []
    for file in resources.files("storage").joinpath("schema").iterdir():
        if match := _NAME.fullmatch(file.name):
            version = int(match[1])
            sql = file.read_text(encoding="utf-8")
            found.append(Step(version, f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {version};\nCOMMIT;"))
    return sorted(found, key=lambda step: step.version)


async def complete(work: Awaitable[T]) -> T:
    """Await `work` to its end even when the caller is cancelled; the cancellation is raised afterwards.

    A COMMIT that is abandoned half-way has happened all the same: who asked for it must know.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as exc:
            cancelled = exc
    if cancelled is not None:
        task.exception()  # looked at, so that asyncio does not report it as lost
        raise cancelled
    return task.result()


class Transaction:
    """The writer's connection while its lock is held; made by Database.transaction only."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self.deletes = False
        """Whether something was deleted, perhaps."""

    async def execute(self, sql: str, values: Iterable[SQLValue] = ()) -> int:
        """Run one statement; returns how many rows it changed."""
        self._look_at(sql)
        with translated():
            async with self._connection.execute(sql, tuple(values)) as cursor:
                return cursor.rowcount

    async def execute_many(self, sql: str, rows: Iterable[Sequence[SQLValue]]) -> None:
        """Run one statement for each row of values, on one way to the connection's thread."""
        self._look_at(sql)
        with translated():
            async with self._connection.executemany(sql, rows):
                pass

    async def insert(self, sql: str, values: Iterable[SQLValue] = ()) -> int:
        """Run one INSERT into a table with ids; returns the id of its row, or 0 where it made none."""
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
    """Whether a read fails that a task makes past the transaction it is in: tests turn it on."""
    synchronous = "FULL"
    """FULL survives a power loss, not only a killed process: "durable before acknowledged" means both.

    Tests turn it off: they kill processes, but not the machine.
    """

    def __init__(self, writer: aiosqlite.Connection, readers: Readers) -> None:
        self._writer = writer
        self._readers = readers
        self._lock = asyncio.Lock()
        self._writing: asyncio.Task[object] | None = None
        """The task that is in a transaction."""
        self.after_deleting: list[Callable[[], Awaitable[None]]] = []
        """What is done when something was deleted."""
        self.soiled = False
        """Whether the log holds what is nobody's to keep: `scrub_soon` sees to it."""
        self._scrubbed_at = -SCRUB_EVERY_S

    @classmethod
    async def open(cls, path: Path, keep_old: Callable[[Path, int], None] | None = None) -> Self:
        """Open or make the file, in WAL mode and with this version's schema.

        `keep_old` puts a copy of one of an older version aside, before anything is changed.
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
                await writer.execute("PRAGMA secure_delete = ON")  # what is forgotten is overwritten, not unlinked
                await _migrate(writer, version)
                readers = await _readers(path)
            except BaseException:
                await complete(writer.close())
                raise
        return cls(writer, readers)

    @asynccontextmanager
    async def transaction(self, *, alone: bool = False) -> AsyncIterator[Transaction]:
        """Commit what the block writes, or nothing when it raises or is cancelled. Never await the network inside.

        What is done after a deletion follows, except after one that stands `alone`.
        """
        async with self._lock:
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
            except BaseException:
                await complete(self._writer.rollback())  # does nothing after a commit that happened
                raise
        if tx.deletes and not alone:
            for follow in self.after_deleting:
                await complete(follow())

    async def rows(self, sql: str, values: Iterable[SQLValue] = ()) -> list[Row]:
        """Read committed rows. In a transaction read with that instead: only it sees what it has written."""
        if self.checks_reads and self._writing is not None:
            assert self._writing is not asyncio.current_task(), f"read past the transaction: {sql}"
        with translated():
            return await self._readers.rows(sql, values)

    async def row(self, sql: str, values: Iterable[SQLValue] = ()) -> Row | None:
        """Read the first committed row, if there is one."""
        found = await self.rows(sql, values)
        return found[0] if found else None

    async def scrub(self) -> None:
        """Write the log back into the file and empty it, so that what was deleted is in neither of them any more.

        Most of it is written back beside the writer. A reader at work, such as a backup, puts the rest off: the
        database counts as soiled then.
        """
        with translated():
            await self._readers.rows("PRAGMA wal_checkpoint(PASSIVE)", ())
        async with self._lock:
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
        """Scrub if there is a need, now or when it was not done for a while: whoever calls may do so all the time."""
        if self.soiled and time.monotonic() - self._scrubbed_at >= SCRUB_EVERY_S:
            self._scrubbed_at = time.monotonic()  # whoever else comes meanwhile leaves it to this one
            try:
                await self.scrub()
            except StorageError as exc:
                log.info("The log is scrubbed later: %s", exc)

    async def compact(self) -> None:
        """Write the file anew, with nothing in it that no table holds. Nothing else is written meanwhile."""
        async with self._lock:
            with translated():
                await self._writer.execute_fetchall("VACUUM")

    async def close(self) -> None:
        """Let the transaction under way end, then close all connections."""
        async with self._lock:
            await complete(self._readers.close())
            await complete(self._writer.close())


async def _connect(path: Path) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_S)
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
    """A new database is its owner's alone, and so are the files that SQLite puts beside it."""
    with suppress(OSError):  # SQLite says what it is
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
    if 0 < version < WITHOUT_TRIGGER:  # with a damaged search index it fails every change of a table
        await writer.execute("DROP TRIGGER IF EXISTS turn_keys_follow")
    for step in after(version):
        await writer.executescript(step.script)


async def until_stored(write: Callable[[], Awaitable[T]]) -> T:
    """Repeat a write that the database can't take now (locked by another process, disk full) for about a minute.

    Raises StorageError after that, and at once for what no waiting mends.
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
