"""Inspection of a database from outside: whether it is intact, and what it contains.

It uses plain connections, works while the bot is running, and creates, migrates and leaves nothing behind.
"""

import asyncio
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import aiosqlite

from storage import files
from storage import fts_index as fts_check
from storage import sqlite as migrations
from storage.connecting import read_only
from storage.database import NewerDatabaseError, Row, StorageError
from storage.sqlite import BUSY_TIMEOUT_S

CHECK = "PRAGMA quick_check(3)"
"""Reports at most three errors; one is enough to act on."""
TOO_LARGE = "a length in it is too large"
INDEX = ("turn_words", "turn_terms", "turn_keys")
"""The search index's tables, and the prefixes of their names. The index can be rebuilt from the rest."""
OWNERS = "SELECT telegram_id FROM access WHERE standing = 'owner'"
UPDATES_ASIDE = "SELECT update_id, telegram_id FROM inbox WHERE state = 'quarantined' ORDER BY update_id"
NOTICES_ASIDE = "SELECT id, telegram_id FROM notices WHERE message_id = 0 ORDER BY id"
Contents = dict[str, int]
"""The number of rows in each table, and under "" the schema version."""


@dataclass(frozen=True, slots=True)
class Damages:
    """Damage found, in SQLite's words."""

    elsewhere: tuple[str, ...] = ()
    index: tuple[str, ...] = ()
    """Damage to the search index, which the bot repairs itself."""


def damages(connection: sqlite3.Connection) -> Damages:
    """Check all pages. Raises sqlite3.Error if that is impossible."""
    connection.execute(files.LIMIT)
    found = _found(connection, CHECK)
    index = _unreadable(connection)
    if not found:
        return Damages(index=tuple(index))
    elsewhere: list[str] = []
    for table in _tables(connection):
        of_table = _found(connection, f'PRAGMA quick_check("{table}")')
        if not table.startswith(INDEX):
            elsewhere += of_table
        else:
            index += of_table
    if not elsewhere and not index:  # in free pages, or pages that belong to no table
        elsewhere = found
    return Damages(tuple(elsewhere[:3]), tuple(index[:3]))


def contents(connection: sqlite3.Connection) -> Contents:
    """Count the rows of a database, without its search index."""
    counted = {"": int(connection.execute("PRAGMA user_version").fetchone()[0])}
    for table in _tables(connection):
        if not table.startswith(INDEX):
            counted[table] = int(connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])
    return counted


def is_damage(exc: sqlite3.Error) -> bool:
    """Whether an error means that the file is damaged, rather than unreadable right now."""
    return getattr(exc, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR)


def _found(connection: sqlite3.Connection, check: str) -> list[str]:
    try:
        rows = connection.execute(check).fetchall()
    except sqlite3.DatabaseError as exc:  # the check itself needs what is damaged, such as a search index's tables
        if not is_damage(exc):
            raise
        return [str(exc)]
    except MemoryError:
        return [TOO_LARGE]
    return [str(row[0]).replace("\n", " ") for row in rows if row[0] != "ok"]


def _unreadable(connection: sqlite3.Connection) -> list[str]:
    found = []
    for name in ("turn_words", "turn_keys"):
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (name,)).fetchone():
            continue
        try:
            connection.execute(f"SELECT 1 FROM {name} WHERE {name} MATCH 'a' LIMIT 1").fetchall()
        except sqlite3.DatabaseError as exc:
            if not is_damage(exc):
                raise
            found.append(str(exc))
        except MemoryError:
            found.append(TOO_LARGE)
    return found


def _tables(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        " AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
    )
    return [str(row[0]) for row in rows]


@dataclass(frozen=True, slots=True)
class Inspection:
    """The state of a database file; version 0 means that it has none of Keepsake's tables."""

    version: int
    latest: int
    size: int
    """In bytes."""
    damages: tuple[str, ...] = ()
    index_damages: tuple[str, ...] = ()
    """Damage to the search index only, which the bot repairs itself."""


def room(database: Path) -> int:
    """The free bytes on the disk of a database, which need not exist yet. Raises OSError."""
    return shutil.disk_usage(_folder(database)).free


def can_be_made(database: Path) -> None:
    """Check that a new database could be created in its folder, which may be new too. Raises StorageError."""
    try:
        with tempfile.TemporaryFile(dir=_folder(database)) as file:
            file.write(b"x")
    except OSError as exc:
        raise StorageError(f"the folder can't be written: {exc.strerror}") from exc


async def inspect(database: Path) -> Inspection:
    """Inspect an existing database: whether it can be read and written, its version, and damage.

    A large one takes a while; cancelling interrupts it. Raises NewerDatabaseError and StorageError.
    """
    connections: list[sqlite3.Connection] = []
    looking = asyncio.ensure_future(asyncio.to_thread(_inspected, database, connections))
    try:
        return await asyncio.shield(looking)
    except asyncio.CancelledError:
        for connection in connections:
            connection.interrupt()
        await asyncio.gather(looking, return_exceptions=True)
        raise
    except OSError as exc:
        raise StorageError(exc.strerror) from exc
    except sqlite3.Error as exc:
        raise StorageError(str(exc)) from exc


async def version_of(database: Path) -> int:
    """The schema version of a database, which a bot may be using. Raises StorageError."""
    try:
        async with read_only(database) as connection:
            return await _version(connection)
    except sqlite3.Error as exc:
        raise StorageError(str(exc)) from exc


async def owners(database: Path) -> list[int]:
    """The owners' ids; none if there is no database, or an older one without a table of access.

    Raises StorageError.
    """
    rows = await _rows(database, "access", OWNERS)
    return [int(row[0]) for row in rows]


async def set_aside(database: Path) -> list[str]:
    """The updates and notices that were set aside because the process died of them, newest last.

    Raises StorageError.
    """
    updates, notices = await _rows(database, "inbox", UPDATES_ASIDE), await _rows(database, "notices", NOTICES_ASIDE)
    return [*map(update_named, updates), *map(notice_named, notices)]


def update_named(row: Row) -> str:
    """What the doctor calls an update, a row of UPDATES_ASIDE."""
    return f"update {row['update_id']} of chat {row['telegram_id'] or '?'}"


def notice_named(row: Row) -> str:
    """What the doctor calls a notice, a row of NOTICES_ASIDE."""
    return f"notice {row['id']} to chat {row['telegram_id']}"


async def _rows(database: Path, table: str, sql: str) -> list[sqlite3.Row]:
    """Rows of a database that is only read; none if it doesn't exist or doesn't have the table."""
    if not await asyncio.to_thread(database.exists):
        return []
    try:
        async with read_only(database) as connection:
            known = "SELECT 1 FROM sqlite_schema WHERE name = ?"
            if not list(await connection.execute_fetchall(known, (table,))):
                return []
            connection.row_factory = sqlite3.Row
            return list(await connection.execute_fetchall(sql))
    except sqlite3.Error as exc:
        raise StorageError(str(exc)) from exc


def _writable(database: Path) -> int:
    """Check that this user may write the database; returns its size in bytes.

    This comes before SQLite opens it: for a user who may read the file and write to its folder, SQLite would create a
    log there that stays, and that the bot's user couldn't write.
    """
    size = database.stat().st_size
    if not os.access(database, os.W_OK):
        raise StorageError("this user can't write to it")
    can_be_made(database)
    return size


def _inspected(database: Path, connections: list[sqlite3.Connection]) -> Inspection:
    size = _writable(database)
    connection = sqlite3.connect(
        f"file:{quote(str(database))}?mode=rw",
        uri=True,
        isolation_level=None,
        timeout=BUSY_TIMEOUT_S,
        check_same_thread=False,
    )
    with closing(connection):
        connections.append(connection)
        version, latest = int(connection.execute("PRAGMA user_version").fetchone()[0]), migrations.latest()
        if version > latest:
            raise NewerDatabaseError(f"its schema is {version}, and this version knows schemas up to {latest}")
        _write_and_take_back(connection, version)
        found = damages(connection)
        index = found.index
        if version == latest and not index:
            with fts_check.opened() as copy:
                connections[:] = [copy]
                index = tuple(filter(None, (fts_check.fault(copy, database),)))
        connections.clear()
        return Inspection(version, latest, size, found.elsewhere, index)


async def _version(connection: aiosqlite.Connection) -> int:
    row = next(iter(await connection.execute_fetchall("PRAGMA user_version")))
    return int(row[0])


def _write_and_take_back(connection: sqlite3.Connection, version: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(f"PRAGMA user_version = {version}")
    finally:
        connection.rollback()


def _folder(database: Path) -> Path:
    """The folder of a database, or its nearest existing parent."""
    return next(folder for folder in database.absolute().parents if folder.exists())
