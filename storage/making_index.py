"""An empty search index in the place of one that is damaged, whatever the damage is."""

import asyncio
import logging
import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from storage.database import Database, StorageError, Transaction
from storage.old_index import OLD_PARTS, OldIndex, parts_of

INDEX = """CREATE VIRTUAL TABLE turn_words USING fts5 (
    tag, own, written, around, label, tokenize = "ascii"
)"""
TERMS = "CREATE VIRTUAL TABLE turn_terms USING fts5vocab (turn_words, row)"
"""Both as the schema has them."""
PARTS = parts_of("turn_words")

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
    await tx.execute(f"DELETE FROM sqlite_schema WHERE name IN ({names})")  # noqa: S608 - constants
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
