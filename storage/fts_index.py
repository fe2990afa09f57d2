"""SQLite's search index, and what to do when it is damaged: detect it, survive it, and replace it with an empty one.

The index can be rebuilt from the turns at any time, so damage to it is not an error: searches find nothing, writes are
skipped, and the damage is recorded until the index is replaced. Damage to any other table is still an error.

SQLite rolls back the whole transaction in which it meets a damaged page. So the index is written in transactions of its
own: deleting or changing turns only marks their keys as stale, and they are removed afterwards.

SQLite's integrity check reads the whole index and compares it with what was indexed. To SQLite this is a write, which
would make every message wait, and it takes seconds for 100,000 messages. So it runs on a snapshot of the index's
tables, which SQLite keeps in an anonymous file.
"""

import asyncio
import json
import logging
import sqlite3
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from urllib.parse import quote

from storage import files
from storage.database import Row, SQLValue, StorageError, Transaction
from storage.index import Index
from storage.old_index import OLD_PARTS, OldIndex, parts_of
from storage.sql import in_list
from storage.sqlite import SQLiteDatabase

INDEX = """CREATE VIRTUAL TABLE turn_words USING fts5 (
    tag, own, written, around, label, tokenize = "ascii"
)"""
TERMS = "CREATE VIRTUAL TABLE turn_terms USING fts5vocab (turn_words, row)"
"""Both as in the schema."""
PARTS = parts_of("turn_words")
TOO_LARGE = "a length in it is too large"
_TABLES = f"SELECT name, sql FROM source.sqlite_schema WHERE type = 'table' AND name {in_list()}"
_CHECK_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH)
_RAISED = "CORRUPT ERROR CONSTRAINT MISMATCH NOMEM TOOBIG"
_DAMAGE = frozenset(getattr(sqlite3, f"SQLITE_{name}") for name in _RAISED.split())
"""What correct statements raise on a damaged index; a full disk or a lock raises something else.

NOMEM is among them because garbage may claim a billion entries, while no intact index needs that much memory
(``storage.files``).
"""
_WRONG_QUERY = ("syntax error", "unterminated string", "unknown special query")

log = logging.getLogger(__name__)


async def replace(database: SQLiteDatabase) -> None:
    """Drop the index and create an empty one, so that no turn counts as indexed. Raises StorageError."""
    rows = await database.rows("PRAGMA database_list")
    broken = await asyncio.to_thread(_broken, Path(rows[0]["file"]))
    taken_apart = bool(broken) or not await _can_be_dropped(database)
    async with database.transaction(alone=True) as tx:
        await (_take_apart(tx, broken) if taken_apart else _drop(tx))
        await OldIndex.leave(tx, broken)
        await tx.execute(INDEX)
        await tx.execute(TERMS)
        await tx.execute("UPDATE chats SET indexed_turn = 0, old_turn = 0")
        await tx.execute("DELETE FROM chat_languages")
        await tx.execute("DELETE FROM stale_keys")
        await tx.execute("DELETE FROM index_damage")
    if broken:
        await _compact(database)


def _broken(path: Path) -> list[str]:
    """The tables with damaged pages. Dropping one might free pages that belong to another table."""
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
        return [name for name in (*PARTS, *OLD_PARTS) if not _is_sound(connection, name)]


def _is_sound(connection: sqlite3.Connection, table: str) -> bool:
    try:
        found = connection.execute(f"PRAGMA quick_check({table})").fetchall()
    except sqlite3.OperationalError:  # it doesn't exist
        return True
    except (sqlite3.DatabaseError, MemoryError):
        return False
    return found == [("ok",)]


async def _can_be_dropped(database: SQLiteDatabase) -> bool:
    """Whether FTS5 can open the table; otherwise it can't drop it."""
    try:
        await database.rows("SELECT 1 FROM turn_words LIMIT 0")
    except StorageError:
        return False
    return True


async def _drop(tx: Transaction) -> None:
    await tx.execute("DROP TABLE IF EXISTS turn_terms")
    await tx.execute("DROP TABLE turn_words")


async def _take_apart(tx: Transaction, broken: Collection[str]) -> None:
    """Remove the virtual tables from the schema; the tables they use can then be dropped like any others."""
    names = ", ".join(f"'{name}'" for name in ("turn_terms", "turn_words", *broken))
    await tx.execute("PRAGMA writable_schema = ON")
    await tx.execute(f"DELETE FROM sqlite_schema WHERE name IN ({names})")
    await tx.execute("PRAGMA writable_schema = RESET")
    for name in PARTS:
        if name not in broken:
            await tx.execute(f"DROP TABLE IF EXISTS {name}")


async def _compact(database: SQLiteDatabase) -> None:
    """Remove damaged pages that now belong to no table, and the words in them."""
    try:
        await database.compact()
    except StorageError as exc:
        log.warning("The pages of the damaged index are still in the file, which can't be rebuilt now: %s", exc)


def opened() -> closing[sqlite3.Connection]:
    """A connection for the snapshot, which may be interrupted from another thread."""
    return closing(sqlite3.connect("", uri=True, check_same_thread=False, isolation_level=None))


async def look(path: Path) -> str:
    """See ``fault``; interrupts the check if cancelled."""
    with opened() as copy:
        work = asyncio.get_running_loop().run_in_executor(None, fault, copy, path)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            copy.interrupt()
            with suppress(sqlite3.Error):
                await work
            raise


def fault(copy: sqlite3.Connection, path: Path) -> str:
    """What is wrong with a database's index; "" if nothing. Raises sqlite3.Error if it can't be checked."""
    copy.execute(files.LIMIT)
    copy.execute("ATTACH ? AS source", (f"file:{quote(str(path))}?mode=ro",))
    try:
        missing = _copied(copy)
        if missing:
            return f"no such table: {missing}"
        copy.execute("INSERT INTO turn_words (turn_words) VALUES ('integrity-check')")
    except sqlite3.DatabaseError as exc:
        if getattr(exc, "sqlite_errorcode", 0) & 0xFF not in _CHECK_DAMAGE:
            raise
        return str(exc)
    except MemoryError:
        return TOO_LARGE
    return ""


def _copied(copy: sqlite3.Connection) -> str:
    """Copy the index; returns the name of a missing table, or ""."""
    names = json.dumps(PARTS)
    copy.execute("BEGIN")  # a consistent snapshot
    tables = dict(copy.execute(_TABLES, (names,)).fetchall())
    for name in PARTS:
        if name not in tables:
            return name
        copy.execute(tables[name])
        copy.execute(f"INSERT INTO main.{name} SELECT * FROM source.{name}")
    copy.execute("COMMIT")
    # FTS5 would overwrite its tables if it created them, so the virtual table is added to the schema directly.
    copy.execute("PRAGMA writable_schema = ON")
    copy.execute("INSERT INTO sqlite_schema VALUES ('table', 'turn_words', 'turn_words', 0, ?)", (INDEX,))
    copy.execute("PRAGMA writable_schema = RESET")
    return ""


class IndexDamagedError(StorageError):
    """The search index can't be written, and the transaction is rolled back."""


class FTSIndex(Index):
    """The index's tables. Damage is recorded rather than raised."""

    def __init__(self, database: SQLiteDatabase) -> None:
        super().__init__(database)
        self._sqlite = database
        self.old = OldIndex(database, self.rows)

    async def examine(self) -> None:
        """Have SQLite check the whole index in the background; a large one takes seconds."""
        if self._damaged:
            return
        rows = await self._database.rows("PRAGMA database_list")
        try:
            fault = await look(Path(rows[0]["file"]))
        except sqlite3.Error as exc:  # a full disk
            log.warning("The search index can't be checked now: %s", exc)
            return
        if fault:
            await self.mark_damaged(f"SQLite's integrity check: {fault}")

    async def replace(self) -> None:
        """Replace a damaged index with an empty one; afterwards all turns must be indexed."""
        await replace(self._sqlite)
        self._damaged = False

    async def rows(self, sql: str, values: Iterable[SQLValue] = ()) -> list[Row]:
        """Query the index; no rows if it is damaged."""
        try:
            return await self._database.rows(sql, values)
        except StorageError as exc:
            if not _is_damage(exc):
                raise
            await self.mark_damaged(exc)
            return []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction that writes only keys. If the index is damaged, it is rolled back without an error."""
        try:
            async with self._database.transaction(alone=True) as tx:
                yield tx
        except IndexDamagedError as exc:
            await self.mark_damaged(exc)

    @asynccontextmanager
    async def writing(self, tx: Transaction) -> AsyncIterator[None]:
        """The context for statements that write to the index. Raises IndexDamagedError."""
        try:
            yield
            await tx.execute("SAVEPOINT written")  # makes FTS5 flush its pending words
            await tx.execute("RELEASE written")
        except StorageError as exc:
            if not _is_damage(exc):
                raise
            raise IndexDamagedError(str(exc)) from exc

    async def take_away_old(self) -> bool:
        """Remove some of the index of schemas before 014; False if nothing is left."""
        return await self.old.take_away()

    async def follow(self) -> None:
        """Remove stale keys."""
        if self._damaged:
            return
        try:
            if not await self._database.row("SELECT 1 FROM stale_keys LIMIT 1"):
                return
            self._changes += 1
            async with self.transaction() as tx:
                async with self.writing(tx):
                    await tx.execute("DELETE FROM turn_words WHERE rowid IN (SELECT turn_id FROM stale_keys)")
                    if await self.old.there(tx):
                        await tx.execute("DELETE FROM turn_keys WHERE rowid IN (SELECT turn_id FROM stale_keys)")
                await tx.execute("DELETE FROM stale_keys WHERE turn_id NOT IN (SELECT id FROM turns)")
        except StorageError as exc:
            self._changes += 1
            log.warning("Deleted turns are still in the search index, and will be removed later: %s", exc)


def _is_damage(exc: StorageError) -> bool:
    return exc.code in _DAMAGE and not any(words in str(exc) for words in _WRONG_QUERY)
