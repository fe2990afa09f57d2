"""What apps show beyond what bots get: lists of chats, names of topics, reactions, pages of messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from sandbox.botapi.stored_state import Database, StoredMessage, stored
from sandbox.botapi.wire import Json

SCHEMA = """
CREATE TABLE IF NOT EXISTS topic_names (
    chat_id INTEGER NOT NULL, thread_id INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (chat_id, thread_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reactions (
    chat_id INTEGER NOT NULL, message_id INTEGER NOT NULL, user_id INTEGER NOT NULL, emoji TEXT NOT NULL,
    PRIMARY KEY (chat_id, message_id, user_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS messages_of_topic
    ON messages (chat_id, json_extract(json, '$.message_thread_id'), message_id)
    WHERE json_extract(json, '$.message_thread_id') IS NOT NULL;
"""
_COLUMNS = "json, rich, edits, deleted"
_THREAD = "json_extract(json, '$.message_thread_id')"
NO_TOPIC = 0
"""Stands for what is outside of all topics."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which messages: the newest `limit` before a number, or the oldest after one; of one topic if it is given."""

    limit: int
    before: int | None = None
    after: int | None = None
    topic: int | None = None


class Directory:
    """Reads, and writes what only people see."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.script(SCHEMA)

    def chats(self) -> Sequence[int]:
        """The ids of all chats."""
        return [cast("int", number) for (number,) in self._database.all("SELECT id FROM chats ORDER BY id")]

    def members(self, chat_id: int) -> Sequence[int]:
        """The ids of those who are in a group."""
        rows = self._database.all(
            "SELECT user_id FROM members WHERE chat_id = ? AND status NOT IN ('left', 'kicked')", chat_id
        )
        return [cast("int", number) for (number,) in rows]

    def topics(self, chat_id: int) -> Sequence[tuple[int, str]]:
        """The topics that exist, by number, with their names."""
        rows = self._database.all(
            "SELECT thread_id, name FROM topics LEFT JOIN topic_names USING (chat_id, thread_id)"
            " WHERE chat_id = ? ORDER BY thread_id",
            chat_id,
        )
        return [(cast("int", number), str(name or f"Topic {number}")) for number, name in rows]

    def name_topic(self, chat_id: int, thread_id: int, name: str) -> None:
        with self._database.transaction():
            self._database.write("REPLACE INTO topic_names VALUES (?, ?, ?)", chat_id, thread_id, name)

    def page(self, chat_id: int, page: Page) -> Sequence[StoredMessage]:
        """The messages of a page, oldest first, without deleted and ephemeral ones."""
        source, condition, values = "messages", "message_id > ?", [page.after or 0]
        if page.before is not None:
            condition, values = condition + " AND message_id < ?", [*values, page.before]
        if page.topic == NO_TOPIC:
            condition += f" AND {_THREAD} IS NULL"
        elif page.topic is not None:
            source = "messages INDEXED BY messages_of_topic"  # SQLite would rather read the whole chat
            condition, values = f"{condition} AND {_THREAD} IS NOT NULL AND {_THREAD} = ?", [*values, page.topic]
        order = "DESC" if page.after is None else "ASC"
        rows = self._database.all(
            f"SELECT {_COLUMNS} FROM {source} WHERE chat_id = ? AND NOT deleted AND {condition}"  # noqa: S608 - constants
            f" ORDER BY message_id {order} LIMIT ?",
            *(chat_id, *values, page.limit),
        )
        found = [stored(row) for row in rows]
        return found[::-1] if page.after is None else found

    def ephemeral(self, chat_id: int, limit: int) -> Sequence[StoredMessage]:
        """The newest ephemeral messages that aren't deleted, oldest first."""
        rows = self._database.all(
            f"SELECT {_COLUMNS} FROM messages WHERE chat_id = ? AND message_id < 0 AND NOT deleted"  # noqa: S608 - constants
            " ORDER BY message_id LIMIT ?",
            *(chat_id, limit),
        )
        return [stored(row) for row in rows][::-1]

    def set_reaction(self, chat_id: int, message_id: int, user_id: int, emoji: str) -> str:
        """Replace a user's reaction, or take it away with ""; returns the one before."""
        key = (chat_id, message_id, user_id)
        where = "chat_id = ? AND message_id = ? AND user_id = ?"
        row = self._database.one(f"SELECT emoji FROM reactions WHERE {where}", *key)  # noqa: S608 - constants
        with self._database.transaction():
            if emoji:
                self._database.write("REPLACE INTO reactions VALUES (?, ?, ?, ?)", *key, emoji)
            else:
                self._database.write(f"DELETE FROM reactions WHERE {where}", *key)  # noqa: S608 - constants
        return str(row[0]) if row else ""

    def reactions(self, chat_id: int, first: int, last: int) -> Sequence[tuple[int, int, str]]:
        """The reactions to the messages of a range: message, user, emoji."""
        rows = self._database.all(
            "SELECT message_id, user_id, emoji FROM reactions WHERE chat_id = ? AND message_id BETWEEN ? AND ?",
            *(chat_id, first, last),
        )
        return [(cast("int", message), cast("int", user), str(emoji)) for message, user, emoji in rows]


def reaction_types(emoji: str) -> Sequence[Json]:
    """A list of ReactionType as in the Bot API."""
    return [{"type": "emoji", "emoji": emoji}] if emoji else []
