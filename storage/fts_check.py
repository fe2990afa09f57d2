"""SQLite's own integrity check of the search index, which reads all of it and compares it with what was indexed.

It is a statement that writes, as SQLite sees it: on the database itself every message would wait for it, and an index
of 100,000 messages takes seconds. So it looks at a copy of the index's tables, of one moment, which SQLite keeps in a
file without a name.
"""

import asyncio
import json
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from storage import heap
from storage.making_index import INDEX, PARTS

TOO_LARGE = "a length in it is too large"
_TABLES = "SELECT name, sql FROM source.sqlite_schema WHERE type = 'table' AND name IN (SELECT value FROM json_each(?))"
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH)


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
    copy.execute(heap.LIMIT)
    copy.execute("ATTACH ? AS source", (f"file:{quote(str(path))}?mode=ro",))
    try:
        missing = _copied(copy)
        if missing:
            return f"no such table: {missing}"
        copy.execute("INSERT INTO turn_words (turn_words) VALUES ('integrity-check')")
    except sqlite3.DatabaseError as exc:
        if getattr(exc, "sqlite_errorcode", 0) & 0xFF not in _DAMAGE:
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
        copy.execute(f"INSERT INTO main.{name} SELECT * FROM source.{name}")  # noqa: S608 - constants
    copy.execute("COMMIT")
    # FTS5 would fill its tables anew if it made them: it is told that they are there.
    copy.execute("PRAGMA writable_schema = ON")
    copy.execute("INSERT INTO sqlite_schema VALUES ('table', 'turn_words', 'turn_words', 0, ?)", (INDEX,))
    copy.execute("PRAGMA writable_schema = RESET")
    return ""
