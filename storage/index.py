"""An empty search index in the place of one that is damaged, whatever the damage is.

SQLite's own integrity check of the search index, which reads all of it and compares it with what was indexed.

It is a statement that writes, as SQLite sees it: on the database itself every message would wait for it, and an index
of 100,000 messages takes seconds. So it looks at a copy of the index's tables, of one moment, which SQLite keeps in a
file without a name.

What stands between the search index and its damage.

The index can be made anew from the turns at any time, so damage in it fails nothing: nothing is found then, what should
be written is left out, and that is noted until an empty index stands in its place. Damage in any other table is an
error as ever.

SQLite takes back a whole transaction in which it met a damaged page. So the index is written in transactions of its
own: what deletes or changes turns notes their keys as stale, and they are taken out behind it.
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
from storage.database import Database, Row, SQLValue, StorageError, Transaction
from storage.old_index import OLD_PARTS, OldIndex, parts_of
from storage.sql import each, in_list, listed

INDEX = """CREATE VIRTUAL TABLE turn_words USING fts5 (
    tag, own, written, around, label, tokenize = "ascii"
)"""
TERMS = "CREATE VIRTUAL TABLE turn_terms USING fts5vocab (turn_words, row)"
"""Both as the schema has them."""
PARTS = parts_of("turn_words")
TOO_LARGE = "a length in it is too large"
_TABLES = f"SELECT name, sql FROM source.sqlite_schema WHERE type = 'table' AND name {in_list()}"
_CHECK_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH)
_RAISED = "CORRUPT ERROR CONSTRAINT MISMATCH NOMEM TOOBIG"
_DAMAGE = frozenset(getattr(sqlite3, f"SQLITE_{name}") for name in _RAISED.split())
"""What statements raise that are right, on an index that is not; a full disk or a lock is none of it.

Garbage may say that it has a thousand million entries: no sound index takes as much memory (``storage.files``).
"""
_WRONG_QUERY = ("syntax error", "unterminated string", "unknown special query")

log = logging.getLogger(__name__)


async def replace(database: Database) -> None:
    """Drop the index and make an empty one; no turn counts as indexed then. Raises StorageError."""
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
    """The tables whose pages are damaged: to drop one would free pages that may be those of another table."""
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
        return [name for name in (*PARTS, *OLD_PARTS) if not _is_sound(connection, name)]


def _is_sound(connection: sqlite3.Connection, table: str) -> bool:
    try:
        found = connection.execute(f"PRAGMA quick_check({table})").fetchall()
    except sqlite3.OperationalError:  # it is not there
        return True
    except (sqlite3.DatabaseError, MemoryError):
        return False
    return found == [("ok",)]


async def _can_be_dropped(database: Database) -> bool:
    """FTS5 drops no table that it can't open."""
    try:
        await database.rows("SELECT 1 FROM turn_words LIMIT 0")
    except StorageError:
        return False
    return True


async def _drop(tx: Transaction) -> None:
    await tx.execute("DROP TABLE IF EXISTS turn_terms")
    await tx.execute("DROP TABLE turn_words")


async def _take_apart(tx: Transaction, broken: Collection[str]) -> None:
    """Without FTS5 the tables of an index are tables like any other."""
    names = ", ".join(f"'{name}'" for name in ("turn_terms", "turn_words", *broken))
    await tx.execute("PRAGMA writable_schema = ON")
    await tx.execute(f"DELETE FROM sqlite_schema WHERE name IN ({names})")
    await tx.execute("PRAGMA writable_schema = RESET")
    for name in PARTS:
        if name not in broken:
            await tx.execute(f"DROP TABLE IF EXISTS {name}")


async def _compact(database: Database) -> None:
    """Damaged pages that belong to no table now go, and the words in them."""
    try:
        await database.compact()
    except StorageError as exc:
        log.warning("The pages of the damaged index are still in the file, since it can't be written anew: %s", exc)


def opened() -> closing[sqlite3.Connection]:
    """A connection for the copy, which may be interrupted from another thread."""
    return closing(sqlite3.connect("", uri=True, check_same_thread=False, isolation_level=None))


async def look(path: Path) -> str:
    """See ``fault``; ends what it does when it is cancelled."""
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
    """What is wrong with a database's index; empty: nothing. Raises sqlite3.Error when it can't be looked at."""
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
    """Copy the index; returns the name of a table that is missing."""
    names = json.dumps(PARTS)
    copy.execute("BEGIN")  # what is read is of one moment
    tables = dict(copy.execute(_TABLES, (names,)).fetchall())
    for name in PARTS:
        if name not in tables:
            return name
        copy.execute(tables[name])
        copy.execute(f"INSERT INTO main.{name} SELECT * FROM source.{name}")
    copy.execute("COMMIT")
    # FTS5 would fill its tables anew if it made them: it is told that they are there.
    copy.execute("PRAGMA writable_schema = ON")
    copy.execute("INSERT INTO sqlite_schema VALUES ('table', 'turn_words', 'turn_words', 0, ?)", (INDEX,))
    copy.execute("PRAGMA writable_schema = RESET")
    return ""


class IndexDamagedError(StorageError):
    """The search index can't be written: the transaction is lost."""


class Index:
    """The tables of the index, as far as they can be read and written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._damaged = False
        self._changes, self._renewed = 1, 0
        """How often keys may have become stale (a start counts), and up to which of these times all were renewed."""
        self.old = OldIndex(database, self.rows)
        database.after_deleting.append(self.follow)

    @property
    def damaged(self) -> bool:
        """Whether the index is known to be damaged, and has to be made anew."""
        return self._damaged

    async def look(self) -> bool:
        """Whether the index has to be made anew, as this process or one before it has found."""
        self._damaged = self._damaged or await self._database.row("SELECT 1 FROM index_damage") is not None
        return self._damaged

    async def condemn(self, why: object) -> None:
        """The index is damaged: it has to be made anew, also when this process ends before that."""
        if not self._damaged:
            log.error("The search index is damaged, and is made anew from the messages: %s", why)
        self._damaged = True
        async with self._database.transaction(alone=True) as tx:
            await tx.execute("INSERT INTO index_damage (id) VALUES (1) ON CONFLICT (id) DO NOTHING")

    async def examine(self) -> None:
        """Have SQLite look at all of the index, beside what the bot does meanwhile; a large one takes seconds."""
        if self._damaged:
            return
        rows = await self._database.rows("PRAGMA database_list")
        try:
            fault = await look(Path(rows[0]["file"]))
        except sqlite3.Error as exc:  # a full disk
            log.warning("The search index can't be looked at now: %s", exc)
            return
        if fault:
            await self.condemn(f"SQLite's integrity check: {fault}")

    async def replace(self) -> None:
        """Put an empty index in the place of a damaged one: all turns are to be indexed then."""
        await replace(self._database)
        self._damaged = False

    async def renew_all(self, version: str) -> None:
        """Have all turns indexed anew, where the words in the index were made by another version."""
        if await self._database.row("SELECT 1 FROM index_version WHERE id = 1 AND version = ?", (version,)):
            return
        async with self._database.transaction(alone=True) as tx:
            if await tx.rows("SELECT 1 FROM index_version WHERE id = 1"):
                await tx.execute("UPDATE chats SET old_turn = indexed_turn")
            await tx.execute("DELETE FROM chat_languages")
            await tx.execute(
                "INSERT INTO index_version (id, version) VALUES (1, ?)"
                " ON CONFLICT (id) DO UPDATE SET version = excluded.version",
                (version,),
            )

    async def rows(self, sql: str, values: Iterable[SQLValue] = ()) -> list[Row]:
        """What a statement finds in the index; nothing where that is damaged."""
        try:
            return await self._database.rows(sql, values)
        except StorageError as exc:
            if not _is_damage(exc):
                raise
            await self.condemn(exc)
            return []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction in which nothing is lost but keys: it is taken back in silence when the index is damaged."""
        try:
            async with self._database.transaction(alone=True) as tx:
                yield tx
        except IndexDamagedError as exc:
            await self.condemn(exc)

    @asynccontextmanager
    async def writing(self, tx: Transaction) -> AsyncIterator[None]:
        """Around statements that write to the index. Raises IndexDamagedError."""
        try:
            yield
            await tx.execute("SAVEPOINT written")  # FTS5 holds words back until here
            await tx.execute("RELEASE written")
        except StorageError as exc:
            if not _is_damage(exc):
                raise
            raise IndexDamagedError(str(exc)) from exc

    async def stale(self, tx: Transaction, turn_ids: Iterable[int]) -> None:
        """The keys of these turns hold words that are gone."""
        await tx.execute(
            f"INSERT INTO stale_keys (turn_id) SELECT value FROM {each()} WHERE true ON CONFLICT (turn_id) DO NOTHING",
            (listed(turn_ids),),
        )
        tx.deletes = True

    async def next_stale(self, limit: int) -> dict[int, list[int]]:
        """Turns whose stale keys were taken out, and which have no new ones yet: chat id to ascending ids."""
        changes = self._changes
        if self._damaged or self._renewed == changes:
            return {}
        rows = await self._database.rows(
            # The few stale keys first: SQLite would look at each turn whether it is one.
            "SELECT chat_id, id FROM stale_keys CROSS JOIN turns ON turns.id = turn_id ORDER BY turn_id LIMIT ?",
            (limit,),
        )
        found: dict[int, list[int]] = {}
        for row in rows:
            found.setdefault(row["chat_id"], []).append(row["id"])
        if not found:
            self._renewed = changes
        return found

    async def renewed(self, tx: Transaction, turn_ids: Iterable[int]) -> None:
        """These turns have keys as they should have."""
        await tx.execute(f"DELETE FROM stale_keys WHERE turn_id {in_list()}", (listed(turn_ids),))

    async def follow(self) -> None:
        """Take out the keys that are stale."""
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
            log.warning("What was deleted is still in the search index, and is taken out later: %s", exc)


def _is_damage(exc: StorageError) -> bool:
    return exc.code in _DAMAGE and not any(words in str(exc) for words in _WRONG_QUERY)
