"""What a database is moved from: its rows in batches, all of one moment, without changing anything."""

import asyncio
import shutil
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import aiosqlite

from storage import backup
from storage import sqlite as migrations
from storage.connecting import read_only
from storage.database import SQLValue, StorageError, complete
from storage.inspection import version_of
from storage.storage_errors import translated
from storage.store import Storage


@dataclass(frozen=True, slots=True)
class MovedTable:
    """How one table is read."""

    name: str
    at_once: int
    """How many rows fit into memory."""
    large: str | None = None
    """The column whose values make rows large, as bytes."""

    @property
    def size(self) -> str:
        """The statement that counts its rows, and the bytes in the large column."""
        sizes = f"coalesce(sum(length({self.large})), 0)" if self.large else "0"
        return f"SELECT count(*) AS number, {sizes} AS bytes FROM {self.name}"


@dataclass(frozen=True, slots=True)
class TableSize:
    """The size of a table."""

    rows: int
    bytes: int
    """In the large column."""


class MoveSource(ABC):
    """A database to read, as it is at one moment. Its methods raise StorageError."""

    @abstractmethod
    async def size(self, table: MovedTable) -> TableSize:
        """Count a table's rows."""

    @abstractmethod
    def batches(self, table: MovedTable) -> AsyncIterator[list[Mapping[str, SQLValue]]]:
        """All rows of a table, by column name; no batch is empty."""

    @abstractmethod
    async def disk_bytes(self) -> int:
        """How much of a disk it takes."""

    @abstractmethod
    async def last_ids(self) -> dict[str, int]:
        """By table, the highest id that was ever given, where ids must not be given again."""


class SQLiteSource(MoveSource):
    """A file, in one transaction that reads."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def size(self, table: MovedTable) -> TableSize:
        """Count a table's rows."""
        with translated():
            row = next(iter(await self._connection.execute_fetchall(table.size)))
        return TableSize(row["number"], row["bytes"])

    async def batches(self, table: MovedTable) -> AsyncIterator[list[Mapping[str, SQLValue]]]:
        """All rows of a table, by column name; no batch is empty."""
        with translated():
            cursor = await self._connection.execute(f"SELECT * FROM {table.name}")
        try:
            while True:
                with translated():
                    rows = list(await cursor.fetchmany(table.at_once))
                if not rows:
                    return
                yield [dict(row) for row in rows]
        finally:
            await complete(cursor.close())

    async def disk_bytes(self) -> int:
        """How much of a disk it takes."""
        with translated():
            rows = await self._connection.execute_fetchall(
                "SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size"
            )
        return int(next(iter(rows))["bytes"])

    async def last_ids(self) -> dict[str, int]:
        """By table, the highest id that was ever given, where ids must not be given again."""
        with translated():
            rows = await self._connection.execute_fetchall("SELECT name, seq FROM sqlite_sequence")
        return {row["name"]: row["seq"] for row in rows}


@asynccontextmanager
async def sqlite_source(path: Path) -> AsyncIterator[SQLiteSource]:
    """A file as a source. One with an older schema is copied, and the copy is migrated.

    Raises StorageError if it is damaged, or was written by a newer version.
    """
    try:
        await asyncio.to_thread(backup.check, path, "ro")
    except sqlite3.Error as exc:
        raise StorageError(f"it can't be read: {exc}") from exc
    async with AsyncExitStack() as stack:
        if await version_of(path) < migrations.latest():
            try:
                folder = await asyncio.to_thread(TemporaryDirectory, prefix="import-", dir=path.parent)
            except OSError as exc:
                raise StorageError(f"no copy can be made in {path.parent}: {exc.strerror}") from exc
            copy = Path(stack.enter_context(folder)) / path.name
            await asyncio.to_thread(_check_room, path)
            await backup.backup(path, copy)
            await (await Storage.open(copy, keeps_old=False)).close()
            path = copy
        with translated():
            connection = await stack.enter_async_context(read_only(path))
            connection.row_factory = sqlite3.Row
            connection.text_factory = _text
            await connection.execute("BEGIN")
        yield SQLiteSource(connection)


def _check_room(path: Path) -> None:
    size, free = path.stat().st_size, shutil.disk_usage(path.parent).free
    if free < 2 * size:
        raise StorageError(
            f"it was written by an older version, so a copy of it has to be migrated, which takes {2 * size / 1e6:.1f}"
            f" MB in {path.parent}, where only {free / 1e6:.1f} MB are free"
        )


def _text(stored: bytes) -> str:
    """SQLite also keeps what is not UTF-8."""
    return stored.decode("utf-8", "replace")
