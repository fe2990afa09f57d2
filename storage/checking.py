"""Whether the pages of a database are sound, and what stands in it: plain connections, for work outside of a bot."""

import sqlite3
from dataclasses import dataclass

from storage import heap

CHECK = "PRAGMA quick_check(3)"
"""Three damages at most: one is enough to act on."""
TOO_LARGE = "a length in it is too large"
INDEX = ("turn_words", "turn_terms", "turn_keys")
"""The search index, and how the names of its tables begin: it is made anew from the rest."""

Contents = dict[str, int]
"""The version, and how many rows each table has."""


@dataclass(frozen=True, slots=True)
class Damages:
    """What is damaged, in SQLite's words."""

    elsewhere: tuple[str, ...] = ()
    index: tuple[str, ...] = ()
    """What a bot makes anew by itself."""


def damages(connection: sqlite3.Connection) -> Damages:
    """Look at all pages. Raises sqlite3.Error when it can't be looked at."""
    connection.execute(heap.LIMIT)
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
    if not elsewhere and not index:  # free pages, or such as belong to no table
        elsewhere = found
    return Damages(tuple(elsewhere[:3]), tuple(index[:3]))


def contents(connection: sqlite3.Connection) -> Contents:
    """What can be counted of a database, without its search index."""
    counted = {"": int(connection.execute("PRAGMA user_version").fetchone()[0])}
    for table in _tables(connection):
        if not table.startswith(INDEX):
            counted[table] = int(connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])  # noqa: S608
    return counted


def is_damage(exc: sqlite3.Error) -> bool:
    """Whether an error means that the file is damaged, and not that it can't be read now."""
    return getattr(exc, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR)


def _found(connection: sqlite3.Connection, check: str) -> list[str]:
    try:
        rows = connection.execute(check).fetchall()
    except sqlite3.DatabaseError as exc:  # what the check itself needs is damaged, such as a search index's tables
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
            connection.execute(f"SELECT 1 FROM {name} WHERE {name} MATCH 'a' LIMIT 1").fetchall()  # noqa: S608
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
