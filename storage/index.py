"""What stands between the search index and its damage.

The index can be made anew from the turns at any time, so damage in it fails nothing: nothing is found then, what should
be written is left out, and that is noted until an empty index stands in its place. Damage in any other table is an
error as ever.

SQLite takes back a whole transaction in which it met a damaged page. So the index is written in transactions of its
own: what deletes or changes turns notes their keys as stale, and they are taken out behind it.
"""

import json
import logging
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from storage import fts_check, making_index
from storage.database import Database, Row, SQLValue, StorageError, Transaction
from storage.old_index import OldIndex

_RAISED = "CORRUPT ERROR CONSTRAINT MISMATCH NOMEM TOOBIG"
_DAMAGE = frozenset(getattr(sqlite3, f"SQLITE_{name}") for name in _RAISED.split())
"""What statements raise that are right, on an index that is not; a full disk or a lock is none of it.

Garbage may say that it has a thousand million entries: no sound index takes as much memory (``storage.heap``).
"""
_WRONG_QUERY = ("syntax error", "unterminated string", "unknown special query")

log = logging.getLogger(__name__)


class IndexDamagedError(StorageError):
    """The search index can't be written: the transaction is lost."""


class Index:
    """The tables of the index, as far as they can be read and written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._damaged = False
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
            await tx.execute("INSERT OR IGNORE INTO index_damage (id) VALUES (1)")

    async def examine(self) -> None:
        """Have SQLite look at all of the index, beside what the bot does meanwhile; a large one takes seconds."""
        if self._damaged:
            return
        rows = await self._database.rows("PRAGMA database_list")
        try:
            fault = await fts_check.look(Path(rows[0]["file"]))
        except sqlite3.Error as exc:  # a full disk
            log.warning("The search index can't be looked at now: %s", exc)
            return
        if fault:
            await self.condemn(f"SQLite's integrity check: {fault}")

    async def replace(self) -> None:
        """Put an empty index in the place of a damaged one: all turns are to be indexed then."""
        await making_index.replace(self._database)
        self._damaged = False

    async def renew_all(self, version: str) -> None:
        """Have all turns indexed anew, where the words in the index were made by another version."""
        if await self._database.row("SELECT 1 FROM index_version WHERE id = 1 AND version = ?", (version,)):
            return
        async with self._database.transaction(alone=True) as tx:
            if await tx.rows("SELECT 1 FROM index_version WHERE id = 1"):
                await tx.execute("UPDATE chats SET old_turn = indexed_turn")
            await tx.execute("DELETE FROM chat_languages")
            await tx.execute("INSERT OR REPLACE INTO index_version (id, version) VALUES (1, ?)", (version,))

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
            "INSERT OR IGNORE INTO stale_keys (turn_id) SELECT value FROM json_each(?)", (json.dumps(list(turn_ids)),)
        )
        tx.deletes = True

    async def next_stale(self, limit: int) -> dict[int, list[int]]:
        """Turns whose stale keys were taken out, and which have no new ones yet: chat id to ascending ids."""
        if self._damaged:
            return {}
        rows = await self._database.rows(
            # The few stale keys first: SQLite would look at each turn whether it is one.
            "SELECT chat_id, id FROM stale_keys CROSS JOIN turns ON turns.id = turn_id ORDER BY turn_id LIMIT ?",
            (limit,),
        )
        found: dict[int, list[int]] = {}
        for row in rows:
            found.setdefault(row["chat_id"], []).append(row["id"])
        return found

    async def renewed(self, tx: Transaction, turn_ids: Iterable[int]) -> None:
        """These turns have keys as they should have."""
        await tx.execute(
            "DELETE FROM stale_keys WHERE turn_id IN (SELECT value FROM json_each(?))", (json.dumps(list(turn_ids)),)
        )

    async def follow(self) -> None:
        """Take out the keys that are stale."""
        if self._damaged:
            return
        try:
            if not await self._database.row("SELECT 1 FROM stale_keys LIMIT 1"):
                return
            async with self.transaction() as tx:
                async with self.writing(tx):
                    await tx.execute("DELETE FROM turn_words WHERE rowid IN (SELECT turn_id FROM stale_keys)")
                    if await self.old.there():
                        await tx.execute("DELETE FROM turn_keys WHERE rowid IN (SELECT turn_id FROM stale_keys)")
                await tx.execute("DELETE FROM stale_keys WHERE turn_id NOT IN (SELECT id FROM turns)")
        except StorageError as exc:
            log.warning("What was deleted is still in the search index, and is taken out later: %s", exc)


def _is_damage(exc: StorageError) -> bool:
    return exc.code in _DAMAGE and not any(words in str(exc) for words in _WRONG_QUERY)
