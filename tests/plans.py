"""How SQLite carries out each statement of a test: none of them may read a whole table, but those that are listed.

The plan hangs on the schema alone, since no statistics are kept, so a small database tells of a large one.
"""

import re
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from storage import database
from storage.database import Database, Row, SQLValue, StorageError, Transaction
from storage.sqlite import SQLiteConnection, SQLiteDatabase

if TYPE_CHECKING:
    from types import FrameType

_SMALL = "a table of a few rows"
_RARE = "one row a chat or person, by the clock or for an owner"
_SHELL = "a command of the shell"
_INSPECTOR = "the inspector's, in a process of its own: a row for each chat or notice"
ALLOWED: dict[str, str] = {
    "FROM stale_keys": "what is to be taken out of the search index right now, seldom anything",
    "FROM index_damage": _SMALL,
    "FROM owner_links": _SMALL,
    "UPDATE owner_links": _SMALL,
    "FROM group_sends": _SMALL,
    "FROM running_requests": _SMALL,
    "FROM broadcasts": _SMALL,
    "UPDATE broadcasts": _SMALL,
    "FROM memories WHERE made_at < ?": _RARE,
    "FROM memories WHERE reset_turn !=": _RARE,
    "FROM note_versions WHERE made_at < ?": _RARE,
    "FROM note_versions WHERE reset_turn !=": _RARE,
    "SELECT id FROM chats WHERE indexed_turn <": _RARE,
    "UPDATE chats SET due_at = ? WHERE coalesce": _RARE,
    "FROM access WHERE lower(username": _RARE,
    "UPDATE chats SET indexed_turn = 0": "the search index is made anew",
    "UPDATE chats SET old_turn = indexed_turn": "the search index is made anew",
    "DELETE FROM chat_languages": "the search index is made anew",
    "SELECT chats.id FROM chats LEFT JOIN": _RARE,
    "FROM budgets": _SMALL,
    "FROM moved_groups": _SMALL,
    "AS name FROM chats WHERE thread_id >= 0 GROUP BY telegram_id": _RARE,
    "FROM usage JOIN chats": _RARE,
    "FROM chats WHERE thread_id >= 0 ORDER BY id": _SHELL,
    "FROM chats WHERE thread_id >= 0) AS known": _INSPECTOR,
    "number FROM notices WHERE message_id = 0": _INSPECTOR,
    "number FROM chats WHERE thread_id >= 0 AND": _INSPECTOR,
}
"""Parts of statements that may read a whole table, and why."""
_OTHER = re.compile(
    r"\s*(?:PRAGMA|SAVEPOINT|RELEASE|DROP|CREATE|ALTER|EXPLAIN)|.*(?:turn_keys|turn_words|turn_terms|sqlite_)",
    re.DOTALL,
)
"""Those without a plan, and those of the search index, which is no table."""
_NAMED = re.compile(r"(\w+) (?:\([\w, ]*\) )?AS (?:MATERIALIZED )?\(|\) AS (\w+)")
"""Names of parts of a statement: of WITH, and of subqueries."""
_SCAN = re.compile(r"SCAN (?:\d+ )?(\S+)(?: USING (?:COVERING )?INDEX (\w+))?")
_FREE = re.compile(r"CONSTANT|json_each|\(|VIRTUAL")

_HERE, _DATABASE = Path(__file__), Path(database.__file__)

T = TypeVar("T")
_seen: set[str] = set()


class Plans:
    """Looks at each statement when it comes for the first time."""

    def __init__(self) -> None:
        self.scans: list[str] = []

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Look at all that is read and written from now on."""
        for owner, name in (
            (Database, "rows"),
            (Transaction, "rows"),
            (Transaction, "execute"),
            (Transaction, "insert"),
        ):
            monkeypatch.setattr(owner, name, self._looked_at(getattr(owner, name), owner.rows))

    def _looked_at(
        self, work: Callable[..., Awaitable[T]], rows: Callable[..., Awaitable[list[Row]]]
    ) -> Callable[..., Awaitable[T]]:
        async def looked_at(this: object, sql: str, values: Iterable[SQLValue] = ()) -> T:
            values = tuple(values)
            if sql not in _seen and _is_sqlite(this) and not _OTHER.match(sql) and _is_ours():
                _seen.add(sql)

                async def read(asked: str, values: tuple[SQLValue, ...] = values) -> list[Row]:
                    return await rows(this, asked, values if asked.startswith("EXPLAIN") else ())

                await self.look(sql, read)
            return await work(this, sql, values)

        return looked_at

    async def look(self, sql: str, read: Callable[[str], Awaitable[list[Row]]]) -> None:
        """Note the tables that a statement reads from end to end."""
        try:
            plan = [str(row["detail"]) for row in await read(f"EXPLAIN QUERY PLAN {sql}")]
            partial = {row["name"] for row in await read(_PARTIAL)} if any("INDEX" in step for step in plan) else set()
        except StorageError:  # a test breaks the database
            return
        named = {name for names in _NAMED.findall(sql) for name in names if name}
        for step in plan:
            scan = _SCAN.match(step)
            free = scan is None or _FREE.match(scan[1]) or scan[1] in named or scan[2] in partial or "VIRTUAL" in step
            if not free and not any(part in sql for part in ALLOWED):
                self.scans.append(f"{step}: {sql}")


def _is_sqlite(asked: object) -> bool:
    """Whether a database, or the connection of a transaction, is SQLite's."""
    return isinstance(asked._connection if isinstance(asked, Transaction) else asked, SQLiteDatabase | SQLiteConnection)


def _is_ours() -> bool:
    """Whether a statement is one of the bot's, and not of a test, or of the shell's for a database of no bot."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and Path(frame.f_code.co_filename) in (_HERE, _DATABASE):
        frame = frame.f_back
    if frame is None:
        return False
    path = Path(frame.f_code.co_filename)
    return path.name not in ("backup.py", "move.py") and _HERE.parent not in path.parents


_PARTIAL = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '% WHERE %'"
