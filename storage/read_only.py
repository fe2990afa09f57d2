"""A SQLite database that is only read while its bot may be running: no migration, and no lock for writing."""

import asyncio
import sqlite3
from pathlib import Path
from urllib.parse import quote

import aiosqlite

from storage import files
from storage.connecting import complete, connected
from storage.database import StorageError
from storage.readers import Readers
from storage.sqlite import BUSY_TIMEOUT_S, SQLiteDatabase, latest
from storage.storage_errors import translated

CONNECTIONS = 3
"""Two read at the same time, and one stands in for the writer: SQLite refuses what it would write."""
OTHER_VERSION = "its schema is {version}, and this version of Keepsake reads schema {latest}: {advice}"
OLDER = "start the bot of this version once, which migrates it"
NEWER = "use the version that runs on it"


async def open_read_only(path: Path) -> SQLiteDatabase:
    """Open an existing database of this version's schema. Raises StorageError."""
    if not await asyncio.to_thread(path.exists):
        raise StorageError("there is no such file: the bot creates it when it starts")
    connections: list[aiosqlite.Connection] = []
    with translated():
        try:
            while len(connections) < CONNECTIONS:
                connections.append(await _connect(path))
            (row,) = await connections[0].execute_fetchall("PRAGMA user_version")
            check_schema(int(row[0]), latest())
        except BaseException:
            await complete(Readers(connections).close())
            raise
    return SQLiteDatabase(connections[0], Readers(connections[1:]))


def check_schema(version: int, known: int) -> None:
    """Raise StorageError unless a database has the schema that is read."""
    if version != known:
        advice = NEWER if version > known else OLDER
        raise StorageError(OTHER_VERSION.format(version=version, latest=known, advice=advice))


async def _connect(path: Path) -> aiosqlite.Connection:
    address = f"file:{quote(str(path))}?mode=ro"
    connection = await connected(address, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S)
    connection.row_factory = sqlite3.Row
    await connection.executescript(f"{files.LIMIT}; PRAGMA query_only = ON")
    return connection
