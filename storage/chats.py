"""Chats with their settings, languages, speakers' names, and the titles of topics."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import get_args

from storage.database import Database, Row, Transaction
from storage.records import Chat, ChatKey, ChatSettings
from storage.sql import BYTEWISE
from storage.transcript import OPEN

SETTINGS = tuple(field.name for field in fields(ChatSettings))
"""The columns with a chat's own settings."""
_FLAGS = tuple(field.name for field in fields(ChatSettings) if bool in get_args(field.type))
_PENDING = (
    f"SELECT chats.*, EXISTS (SELECT 1 FROM turns WHERE chat_id = chats.id AND {OPEN}) AS has_turns,"
    " EXISTS (SELECT 1 FROM notices WHERE notices.telegram_id = chats.telegram_id"
    " AND notices.thread_id = chats.thread_id AND message_id IS NULL) AS has_notices"
    " FROM chats WHERE telegram_id = ? AND thread_id = ?"
)
_AT = "SELECT * FROM chats WHERE telegram_id = ? AND thread_id = ?"


@dataclass(frozen=True, slots=True)
class KnownChat:
    """A Telegram chat, all its topics together."""

    began: float
    """Since when it is known, in Unix seconds."""
    gone: bool
    direct: bool
    """Whether these are the direct messages of a channel, where each person has a topic."""
    name: str | None
    """For a private chat: the user's latest name."""


@dataclass(frozen=True, slots=True)
class PendingWork:
    """A chat, and what is to be done in it."""

    chat: Chat
    turns: bool = True
    """Whether there are answers to give, to deliver or to take away."""
    notices: bool = True
    """Whether there are notices to send."""


class Chats:
    """The tables of chats, of their languages and speakers, and of topics without a title."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, key: ChatKey, tx: Transaction | None = None) -> Chat | None:
        """The chat with this key, or None if nothing was ever said there."""
        row = await (tx or self._database).row(_AT, (key.telegram_id, key.thread_id))
        return await read_chat(tx or self._database, row) if row else None

    async def pending(self, key: ChatKey) -> PendingWork | None:
        """The chat with this key and what is to be done in it, if anything was ever said there."""
        row = await self._database.row(_PENDING, (key.telegram_id, key.thread_id))
        if row is None:
            return None
        return PendingWork(await read_chat(self._database, row), bool(row["has_turns"]), bool(row["has_notices"]))

    async def ensure(self, tx: Transaction, key: ChatKey, *, private: bool, now: float) -> Chat:
        """The chat with this key, created if necessary."""
        (row,) = await tx.rows(
            "INSERT INTO chats (telegram_id, thread_id, direct, private, created_at) VALUES (?, ?, ?, ?, ?)"
            # DO NOTHING would return no row.
            " ON CONFLICT (telegram_id, thread_id) DO UPDATE SET direct = chats.direct RETURNING *",
            (key.telegram_id, key.thread_id, key.direct, private, now),
        )
        shared = await tx.rows(_AT, (key.telegram_id, 0)) if key.alone_with is not None else []
        return _under(_chat(row), shared[0] if shared else None)

    async def stamp(self, tx: Transaction, chat_id: int, at: float) -> None:
        """Remember the last timestamp written into a turn."""
        await tx.execute("UPDATE chats SET stamped_at = ? WHERE id = ?", (at, chat_id))

    async def by_id(self, chat_id: int) -> Chat | None:
        """The chat with this id."""
        row = await self._database.row("SELECT * FROM chats WHERE id = ?", (chat_id,))
        return await read_chat(self._database, row) if row else None

    async def choose(self, tx: Transaction, chat_id: int, settings: ChatSettings) -> None:
        """Store the chat's own settings."""
        columns = ", ".join(f"{name} = ?" for name in SETTINGS)
        values = [getattr(settings, name) for name in SETTINGS]
        await tx.execute(f"UPDATE chats SET {columns} WHERE id = ?", (*values, chat_id))

    async def heard(self, tx: Transaction, chat_id: int, language: str | None) -> None:
        """Someone with this app language (IETF) has spoken, so the bot is still in the chat."""
        await tx.execute("UPDATE chats SET heard_language = ?, gone = 0 WHERE id = ?", (language, chat_id))

    async def begin_epoch(self, tx: Transaction, chat_id: int) -> None:
        """Begin a new epoch, which voids anything being computed from the previous turns, such as a compaction."""
        await tx.execute("UPDATE chats SET epoch = epoch + 1 WHERE id = ?", (chat_id,))

    async def set_due(self, tx: Transaction, chat_id: int, due_at: float | None, failures: int) -> None:
        """Set when the window must be checked, and how many compactions have failed in a row."""
        await tx.execute("UPDATE chats SET due_at = ?, compact_failures = ? WHERE id = ?", (due_at, failures, chat_id))

    async def due(self, now: float) -> list[ChatKey]:
        """The chats whose window must be checked now."""
        rows = await self._database.rows(
            "SELECT telegram_id, thread_id, direct FROM chats WHERE due_at <= ? AND gone = 0 AND thread_id >= 0", (now,)
        )
        return [key_in(row) for row in rows]

    async def all_due(self, tx: Transaction, now: float) -> None:
        """Have all windows checked."""
        await tx.execute("UPDATE chats SET due_at = ? WHERE coalesce(due_at, ?) >= ? AND gone = 0", (now, now, now))

    async def known(self) -> dict[int, KnownChat]:
        """All Telegram chats in which anything was ever said, by Telegram id."""
        rows = await self._database.rows(
            "SELECT telegram_id, min(created_at) AS began, max(gone) AS gone, max(direct) AS direct,"
            " max(CASE WHEN private = 1 THEN (SELECT speaker FROM turns WHERE chat_id = chats.id AND role = 'user'"
            " ORDER BY turns.id DESC LIMIT 1) END) AS name"
            " FROM chats WHERE thread_id >= 0 GROUP BY telegram_id"
        )
        return {
            row["telegram_id"]: KnownChat(row["began"], bool(row["gone"]), bool(row["direct"]), row["name"])
            for row in rows
        }

    async def with_open_work(self) -> list[ChatKey]:
        """The chats with a pending answer, delivery or notice, which a restart must resume."""
        rows = await self._database.rows(
            "SELECT telegram_id, thread_id, direct FROM chats WHERE id IN"
            f" (SELECT chat_id FROM turns INDEXED BY turns_open WHERE {OPEN})"
            " UNION SELECT telegram_id, thread_id, direct FROM notices WHERE message_id IS NULL"
        )
        return [key_in(row) for row in rows]

    async def with_open_work_in(self, telegram_id: int) -> list[ChatKey]:
        """The same, in one Telegram chat."""
        rows = await self._database.rows(
            "SELECT telegram_id, thread_id, direct FROM chats WHERE telegram_id = ?1"
            f" AND EXISTS (SELECT 1 FROM turns WHERE chat_id = chats.id AND {OPEN})"
            " UNION SELECT telegram_id, thread_id, direct FROM notices WHERE telegram_id = ?1 AND message_id IS NULL",
            (telegram_id,),
        )
        return [key_in(row) for row in rows]

    async def greet(self, tx: Transaction, chat_id: int) -> bool:
        """Mark that the bot has introduced itself; False if it already had."""
        return bool(await tx.execute("UPDATE chats SET greeted = 1 WHERE id = ? AND greeted = 0", (chat_id,)))

    async def languages(self, chat_id: int, tx: Transaction | None = None) -> tuple[str, ...]:
        """The languages of a chat, most used first."""
        sql = f"SELECT language FROM chat_languages WHERE chat_id = ? ORDER BY words DESC, language {BYTEWISE}"
        rows = await (tx or self._database).rows(sql, (chat_id,))
        return tuple(row["language"] for row in rows)

    async def count_languages(self, tx: Transaction, chat_id: int, languages: Mapping[str, int]) -> None:
        """Add counts of words that indicate these languages."""
        await tx.execute_many(
            "INSERT INTO chat_languages (chat_id, language, words) VALUES (?, ?, ?)"
            " ON CONFLICT (chat_id, language) DO UPDATE SET words = chat_languages.words + excluded.words",
            [(chat_id, language, words) for language, words in languages.items()],
        )

    async def speaker_name(
        self, tx: Transaction, chat_id: int, sender_id: int, shown: str, look: Callable[[str], str] = str.casefold
    ) -> str:
        """The speaker's name in this chat; `shown` is their display name, cleaned.

        A name that someone else in the chat has or ever had gets a number; names that `look` maps to the same value
        count as the same. A person who changes their display name gets a new name here too.
        """
        rows = await tx.rows(
            "SELECT name FROM speakers WHERE chat_id = ? AND sender_id = ? AND shown = ?", (chat_id, sender_id, shown)
        )
        if rows:
            return str(rows[0]["name"])
        number, name = 1, shown
        while not await self._take_name(tx, chat_id, sender_id, shown, name, look(name)):
            number += 1
            name = f"{shown} ({number})"
        return name

    @staticmethod
    async def _take_name(tx: Transaction, chat_id: int, sender_id: int, shown: str, name: str, folded: str) -> bool:
        """Take this name, unless someone else has it (including rows from when only case was folded)."""
        rows = await tx.rows(
            "SELECT sender_id FROM speakers WHERE chat_id = ? AND folded IN (?, ?) AND sender_id <> ? LIMIT 1",
            (chat_id, folded, name.casefold(), sender_id),
        )
        if rows:
            return False
        await tx.execute(
            "INSERT INTO speakers (chat_id, folded, name, shown, sender_id) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (chat_id, folded) DO NOTHING",
            (chat_id, folded, name, shown, sender_id),
        )
        return True

    async def mark_untitled(self, tx: Transaction, key: ChatKey) -> None:
        """Record that this topic has no title."""
        await tx.execute(
            "INSERT INTO untitled_topics (telegram_id, thread_id) VALUES (?, ?)"
            " ON CONFLICT (telegram_id, thread_id) DO NOTHING",
            (key.telegram_id, key.thread_id),
        )

    async def keep_title(self, tx: Transaction, key: ChatKey, title: str) -> None:
        """Store a title that has yet to be set in Telegram."""
        await tx.execute(
            "UPDATE untitled_topics SET title = ? WHERE telegram_id = ? AND thread_id = ?",
            (title, key.telegram_id, key.thread_id),
        )

    async def mark_titled(self, tx: Transaction, key: ChatKey) -> None:
        """Record that the topic has a title, or can't be given one."""
        await tx.execute(
            "DELETE FROM untitled_topics WHERE telegram_id = ? AND thread_id = ?", (key.telegram_id, key.thread_id)
        )

    async def is_untitled(self, key: ChatKey) -> bool:
        """Whether the topic still needs a title."""
        return await self._untitled(key) is not None

    async def title_to_set(self, key: ChatKey) -> str | None:
        """The title made for the topic that has yet to be set."""
        row = await self._untitled(key)
        return row["title"] if row else None

    async def _untitled(self, key: ChatKey) -> Row | None:
        return await self._database.row(
            "SELECT title FROM untitled_topics WHERE telegram_id = ? AND thread_id = ?",
            (key.telegram_id, key.thread_id),
        )


async def read_chat(reader: Database | Transaction, row: Row) -> Chat:
    """The chat in a row; an ephemeral chat has the settings of its group, which are read too."""
    chat = _chat(row)
    aside = chat.key.alone_with is not None
    return _under(chat, await reader.row(_AT, (chat.key.telegram_id, 0)) if aside else None)


def _under(chat: Chat, shared: Row | None) -> Chat:
    """An ephemeral chat with the settings of its group."""
    return chat if shared is None else replace(chat, settings=_settings(shared))


def key_in(row: Row) -> ChatKey:
    """The ChatKey in a row."""
    return ChatKey(row["telegram_id"], row["thread_id"], bool(row["direct"]))


def _chat(row: Row) -> Chat:
    return Chat(
        id=row["id"],
        key=key_in(row),
        private=bool(row["private"]),
        stamped_at=row["stamped_at"],
        reset_turn=row["reset_turn"],
        epoch=row["epoch"],
        settings=_settings(row),
        due_at=row["due_at"],
        compact_failures=row["compact_failures"],
        heard_language=row["heard_language"],
        gone=bool(row["gone"]),
        greeted=bool(row["greeted"]),
        indexed_turn=row["indexed_turn"],
    )


def _settings(row: Row) -> ChatSettings:
    found = {name: row[name] for name in SETTINGS}
    return ChatSettings(**found | {name: bool(found[name]) for name in _FLAGS if found[name] is not None})


async def forget_title(tx: Transaction, chat_id: int) -> None:
    """Drop a title that was made from turns which are now forgotten or reset."""
    await tx.execute(
        "UPDATE untitled_topics SET title = NULL WHERE (telegram_id, thread_id) ="
        " (SELECT telegram_id, thread_id FROM chats WHERE id = ?)",
        (chat_id,),
    )
