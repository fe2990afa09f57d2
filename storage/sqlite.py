"""SQLite: one writer, readers, and the migration to the current schema.

The writer's transactions are on disk completely or not at all. Reads have connections of their own (WAL, read-only),
which see only committed rows and never wait for the writer.

The schema is a sequence of numbered files, applied in order, so a database created today equals one migrated from the
first version. A released file is never changed; a change is a new file. Each is applied together with its number
(``user_version``) in one transaction, so that a migration killed half-way has no effect.
"""

import asyncio
import logging
import re
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Self

import aiosqlite

from storage import files
from storage.connecting import connected
from storage.database import (
    Database,
    NewerDatabaseError,
    Row,
    SQLValue,
    StorageError,
    Transaction,
    WriteConnection,
    complete,
)
from storage.files import make_file
from storage.readers import Readers
from storage.storage_errors import translated

_NAME = re.compile(r"(\d{3})_\w+\.sql")
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


@cache
def _steps() -> tuple[Step, ...]:
    found = []
    for file in resources.files("storage").joinpath("schema").iterdir():
        if match := _NAME.fullmatch(file.name):
            version = int(match[1])
            sql = file.read_text(encoding="utf-8")
            found.append(Step(version, f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {version};\nCOMMIT;"))
    return tuple(sorted(found, key=lambda step: step.version))


class SQLiteConnection(WriteConnection):
    """The writer, inside a transaction.

    What returns no rows is done when it returns, so its cursor is not closed: that would be another trip to the thread.
    """

    def __init__(self, writer: aiosqlite.Connection) -> None:
        self._writer = writer

    async def run(self, sql: str, values: Sequence[SQLValue]) -> int:
        """Run one statement; returns the number of rows changed."""
        with translated():
            return (await self._writer.execute(sql, values)).rowcount

    async def run_many(self, sql: str, rows: Iterable[Sequence[SQLValue]]) -> None:
        """Run one statement for each row of values, in a single call to the connection's thread."""
        with translated():
            await self._writer.executemany(sql, rows)

    async def fetch(self, sql: str, values: Sequence[SQLValue]) -> list[Row]:
        """Run one statement; returns its rows."""
        with translated():
            return list(await self._writer.execute_fetchall(sql, values))

    async def commit(self) -> None:
        """Commit the transaction."""
        with translated():
            await self._writer.commit()

    async def lock(self, telegram_id: int) -> None:
        """Nothing: there is only one writer."""

    async def announce_change(self) -> None:
        """Nothing: there is only one process."""

    async def lock_chats(self, chat_ids: Collection[int]) -> None:
        """See `lock`."""

    async def roll_back(self) -> None:
        """Undo what wasn't committed."""
        await self._writer.rollback()


class SQLiteDatabase(Database):
    """Connections to one file: a writer behind a lock, and readers that can't write."""

    synchronous = "FULL"
    """FULL survives a power loss, not only a killed process: "durable before acknowledged" means both.

    Tests turn it off: they kill processes, but not the machine.
    """

    def __init__(self, writer: aiosqlite.Connection, readers: Readers) -> None:
        super().__init__()
        self._writer = writer
        self._readers = readers
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

    async def _begin(self) -> SQLiteConnection:
        try:
            with translated():
                await self._writer.execute("BEGIN IMMEDIATE")
        except BaseException:
            await complete(self._writer.rollback())  # a cancelled BEGIN happens anyway
            raise
        return SQLiteConnection(self._writer)

    async def _read(self, sql: str, values: Sequence[SQLValue]) -> list[Row]:
        with translated():
            return list(await self._readers.rows(sql, values))

    async def continue_ids(self, tx: Transaction, last_ids: Mapping[str, int]) -> None:
        """Have tables whose ids are never given again (AUTOINCREMENT) go on after these; it knows its own rows."""
        kept = await tx.rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'")
        for name in {row["name"] for row in kept} & last_ids.keys():
            known = await tx.row("SELECT seq FROM sqlite_sequence WHERE name = ?", (name,))
            last = max(known["seq"] if known else 0, last_ids[name])
            await tx.discard("DELETE FROM sqlite_sequence WHERE name = ?", (name,))
            await tx.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, last))

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

    async def _emptied(self) -> list[sqlite3.Row]:
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
            try:
                await complete(self._readers.close())
            finally:  # also if that was cancelled: a thread that is left keeps the process from ending
                await complete(self._writer.close())


async def _connect(path: Path, *pragmas: str) -> aiosqlite.Connection:
    connection = await connected(path, isolation_level=None, timeout=BUSY_TIMEOUT_S)
    connection.row_factory = sqlite3.Row
    await connection.executescript("; ".join((files.LIMIT, "PRAGMA foreign_keys = ON", *pragmas)))
    return connection


async def _readers(path: Path) -> Readers:
    connections: list[aiosqlite.Connection] = []
    try:
        while len(connections) < READERS:
            connections.append(await _connect(path, "PRAGMA query_only = ON"))
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
