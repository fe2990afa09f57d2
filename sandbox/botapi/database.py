"""The server's SQLite database: in memory, or a file that a restarted server goes on with."""

import sqlite3
import weakref
from collections.abc import Sequence
from contextlib import AbstractContextManager

Row = tuple[object, ...]

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, json TEXT NOT NULL, blocked INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS chats (id INTEGER PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS members (
    chat_id INTEGER NOT NULL, user_id INTEGER NOT NULL, status TEXT NOT NULL, PRIMARY KEY (chat_id, user_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS topics (
    chat_id INTEGER NOT NULL, thread_id INTEGER NOT NULL, PRIMARY KEY (chat_id, thread_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
    chat_id INTEGER NOT NULL, message_id INTEGER NOT NULL,
    json TEXT NOT NULL, rich TEXT, edits INTEGER NOT NULL DEFAULT 0, deleted INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (chat_id, message_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (id TEXT PRIMARY KEY, path TEXT NOT NULL UNIQUE, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS updates (
    update_id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, json TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS queries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, asked_at REAL NOT NULL, answered INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS commands (
    scope TEXT NOT NULL, language TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (scope, language)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;
"""


class Database:
    """Plain SQL, each statement an index look-up; closed together with the server that has it."""

    def __init__(self, path: str) -> None:
        # The garbage collector may close it from any thread.
        self._connection = sqlite3.connect(path, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(SCHEMA)
        weakref.finalize(self, self._connection.close)

    def transaction(self) -> AbstractContextManager[object]:
        """All that is written inside is written together."""
        return self._connection

    def write(self, sql: str, *values: object) -> int:
        """Execute a statement inside a transaction; returns the id of a row that it inserted."""
        return self._connection.execute(sql, values).lastrowid or 0

    def one(self, sql: str, *values: object) -> Row | None:
        """The first row, if any."""
        row: Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, *values: object) -> Sequence[Row]:
        """All rows."""
        rows: list[Row] = self._connection.execute(sql, values).fetchall()
        return rows
