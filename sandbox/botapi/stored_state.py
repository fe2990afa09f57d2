"""The server's SQLite state, in memory or in a file that a restarted server continues with.

Tables of users, chats and messages; of files, stored by content and served at the path that getFile returns; and of the
bot's own settings: its webhook, the types of updates it wants, and its commands.
"""

import hashlib
import json
import sqlite3
import weakref
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from typing import cast

from sandbox.botapi import message
from sandbox.botapi.message import Message
from sandbox.botapi.wire import Json

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
UNWANTED = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Update types that a bot gets only if it asks for them."""
MOST_BYTES = 20 * 1024 * 1024
"""The most that a bot may download from Telegram's servers."""


class Database:
    """Plain SQL, in which every statement is an index lookup; closed together with its server."""

    def __init__(self, path: str) -> None:
        # The garbage collector may close it from any thread.
        self._connection = sqlite3.connect(path, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(SCHEMA)
        weakref.finalize(self, self._connection.close)

    def script(self, sql: str) -> None:
        """Execute several statements."""
        self._connection.executescript(sql)

    def transaction(self) -> AbstractContextManager[object]:
        """Everything written inside is committed together."""
        return self._connection

    def write(self, sql: str, *values: object) -> int:
        """Execute a statement in a transaction; returns the id of an inserted row."""
        return self._connection.execute(sql, values).lastrowid or 0

    def one(self, sql: str, *values: object) -> Row | None:
        """The first row, or None."""
        row: Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, *values: object) -> Sequence[Row]:
        rows: list[Row] = self._connection.execute(sql, values).fetchall()
        return rows


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message's JSON as the bot gets it, and the source of a rich one."""

    raw: Json
    rich: Json | None
    edits: int
    deleted: bool

    @property
    def view(self) -> Message:
        """The message for tests and the terminal."""
        return message.from_json(self.raw, self.rich, self.edits, self.deleted)


class Store:
    """Reads and writes rows; the rules are elsewhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_user(self, user: Json) -> None:
        """Add or change a user."""
        with self._database.transaction():
            self._database.write(
                "INSERT INTO users (id, json) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET json = excluded.json",
                user["id"],
                json.dumps(user),
            )

    def user(self, user_id: int) -> Json | None:
        return _json(self._database.one("SELECT json FROM users WHERE id = ?", user_id))

    def set_blocked(self, user_id: int, blocked: bool) -> None:
        with self._database.transaction():
            self._database.write("UPDATE users SET blocked = ? WHERE id = ?", blocked, user_id)

    def blocked(self, user_id: int) -> bool:
        """Whether the user has blocked the bot."""
        return self._database.one("SELECT 1 FROM users WHERE id = ? AND blocked", user_id) is not None

    def put_chat(self, chat: Json) -> None:
        """Add or change a chat."""
        with self._database.transaction():
            self._database.write("REPLACE INTO chats (id, json) VALUES (?, ?)", chat["id"], json.dumps(chat))

    def chat(self, chat_id: int) -> Json | None:
        return _json(self._database.one("SELECT json FROM chats WHERE id = ?", chat_id))

    def set_status(self, chat_id: int, user_id: int, status: str) -> None:
        """Set the status of a user or bot in the chat, such as creator or member."""
        with self._database.transaction():
            self._database.write("REPLACE INTO members VALUES (?, ?, ?)", chat_id, user_id, status)

    def status(self, chat_id: int, user_id: int) -> str:
        """The user's status in the chat."""
        row = self._database.one("SELECT status FROM members WHERE chat_id = ? AND user_id = ?", chat_id, user_id)
        return str(row[0]) if row else "left"

    def creator(self, chat_id: int) -> int:
        """The id of the chat's creator, or 0."""
        row = self._database.one("SELECT user_id FROM members WHERE chat_id = ? AND status = 'creator'", chat_id)
        return cast("int", row[0]) if row else 0

    def add_topic(self, chat_id: int, thread_id: int) -> None:
        with self._database.transaction():
            self._database.write("INSERT INTO topics VALUES (?, ?)", chat_id, thread_id)

    def remove_topic(self, chat_id: int, thread_id: int) -> None:
        with self._database.transaction():
            self._database.write("DELETE FROM topics WHERE chat_id = ? AND thread_id = ?", chat_id, thread_id)

    def has_topic(self, chat_id: int, thread_id: int) -> bool:
        found = self._database.one("SELECT 1 FROM topics WHERE chat_id = ? AND thread_id = ?", chat_id, thread_id)
        return found is not None

    def next_message_id(self, chat_id: int) -> int:
        """The id for the chat's next message; ids are never reused, since deleted messages keep theirs."""
        row = self._database.one("SELECT max(message_id) FROM messages WHERE chat_id = ?", chat_id)
        return max(0, cast("int", row[0] if row and row[0] else 0)) + 1

    def next_ephemeral_id(self, chat_id: int) -> int:
        """The number for the chat's next ephemeral message."""
        row = self._database.one("SELECT min(message_id) FROM messages WHERE chat_id = ?", chat_id)
        return max(0, -cast("int", row[0] if row and row[0] else 0)) + 1

    def add_message(self, chat_id: int, raw: Json, rich: Json | None = None) -> None:
        with self._database.transaction():
            self._database.write(
                "INSERT INTO messages (chat_id, message_id, json, rich) VALUES (?, ?, ?, ?)",
                chat_id,
                message.number(raw),
                json.dumps(raw),
                json.dumps(rich) if rich else None,
            )

    def change_message(self, chat_id: int, raw: Json, rich: Json | None = None) -> None:
        """Replace a message by its edited version."""
        with self._database.transaction():
            self._database.write(
                "UPDATE messages SET json = ?, rich = ?, edits = edits + 1 WHERE chat_id = ? AND message_id = ?",
                json.dumps(raw),
                json.dumps(rich) if rich else None,
                chat_id,
                message.number(raw),
            )

    def delete_message(self, chat_id: int, message_id: int) -> None:
        """Mark a message as deleted."""
        with self._database.transaction():
            self._database.write(
                "UPDATE messages SET deleted = 1 WHERE chat_id = ? AND message_id = ?", chat_id, message_id
            )

    def message(self, chat_id: int, message_id: int, deleted: bool = False) -> StoredMessage | None:
        """A message; deleted ones only on request."""
        row = self._database.one(
            "SELECT json, rich, edits, deleted FROM messages WHERE chat_id = ? AND message_id = ? AND deleted <= ?",
            chat_id,
            message_id,
            deleted,
        )
        return stored(row) if row else None

    def messages(self, chat_id: int, after: int = 0) -> Sequence[Message]:
        """The chat's messages with larger ids, including deleted ones."""
        rows = self._database.all(
            "SELECT json, rich, edits, deleted FROM messages WHERE chat_id = ? AND message_id > ? ORDER BY message_id",
            chat_id,
            after,
        )
        return [stored(row).view for row in rows]

    def ephemeral(self, chat_id: int) -> Sequence[Message]:
        """The chat's ephemeral messages, including deleted ones, oldest first."""
        rows = self._database.all(
            "SELECT json, rich, edits, deleted FROM messages WHERE chat_id = ? AND message_id < 0"
            " ORDER BY message_id DESC",
            chat_id,
        )
        return [stored(row).view for row in rows]

    def count_replies(self, chat_id: int) -> int:
        """The number of the bot's messages in the chat. A count, because waiting tests ask at every change."""
        row = self._database.one(
            "SELECT count(*) FROM messages WHERE chat_id = ? AND message_id > 0 AND NOT deleted"
            " AND json_extract(json, '$.from.is_bot')",
            chat_id,
        )
        return cast("int", row[0]) if row else 0


def stored(row: Row) -> StoredMessage:
    """The message in a row of the columns json, rich, edits, deleted."""
    raw, rich, edits, deleted = row
    source = json.loads(str(rich)) if rich else None
    return StoredMessage(json.loads(str(raw)), source, cast("int", edits), bool(deleted))


def _json(row: Row | None) -> Json | None:
    return cast("Json", json.loads(str(row[0]))) if row else None


class Files:
    """The table of files."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, content: bytes, folder: str, ending: str) -> Json:
        """Store a file; returns the fields common to all objects with a file."""
        name = hashlib.sha256(folder.encode() + content).hexdigest()
        with self._database.transaction():
            self._database.write(
                "INSERT INTO files (id, path, bytes) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                f"BQ{name[:40]}",
                f"{folder}/file_{name[:12]}.{ending}",
                content,
            )
        return {"file_id": f"BQ{name[:40]}", "file_unique_id": f"AQ{name[40:56]}", "file_size": len(content)}

    def clear(self) -> None:
        """Lose all files, as in a failure of Telegram."""
        with self._database.transaction():
            self._database.write("DELETE FROM files")

    def file(self, file_id: str) -> Json | None:
        """A File object, or None."""
        row = self._database.one("SELECT path, length(bytes) FROM files WHERE id = ?", file_id)
        if row is None:
            return None
        return {"file_id": file_id, "file_unique_id": f"AQ{file_id[2:18]}", "file_size": row[1], "file_path": row[0]}

    def content(self, path: str) -> bytes | None:
        """The bytes at a path, or None."""
        row = self._database.one("SELECT bytes FROM files WHERE path = ?", path)
        return cast("bytes", row[0]) if row else None


@dataclass(frozen=True, slots=True)
class BotSettings:
    """How updates are delivered; without a URL they wait for getUpdates."""

    url: str = ""
    secret: str = ""
    allowed: tuple[str, ...] = ()
    max_connections: int = 40

    def wants(self, kind: str) -> bool:
        return kind in self.allowed if self.allowed else kind not in UNWANTED


class SettingsStore:
    """Stores the settings and commands."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def current(self) -> BotSettings:
        """The current settings."""
        row = self._database.one("SELECT json FROM settings WHERE name = 'delivery'")
        if row is None:
            return BotSettings()
        found = json.loads(str(row[0]))
        return BotSettings(**{**found, "allowed": tuple(found["allowed"])})

    def change(self, **fields: object) -> None:
        changed = asdict(replace(self.current, **fields))  # type: ignore[arg-type]  # the callers pass fields only
        with self._database.transaction():
            self._database.write("REPLACE INTO settings VALUES ('delivery', ?)", json.dumps(changed))

    def put_commands(self, scope: str, language: str, commands: Sequence[Json]) -> None:
        """Set the commands of a scope; an empty list removes them."""
        with self._database.transaction():
            if commands:
                self._database.write("REPLACE INTO commands VALUES (?, ?, ?)", scope, language, json.dumps(commands))
            else:
                self._database.write("DELETE FROM commands WHERE scope = ? AND language = ?", scope, language)

    def commands(self, scope: str, language: str) -> Sequence[Json]:
        row = self._database.one("SELECT json FROM commands WHERE scope = ? AND language = ?", scope, language)
        found: Sequence[Json] = json.loads(str(row[0])) if row else []
        return found
