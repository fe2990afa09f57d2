"""Deliveries to users: finished answers, part by part, and notices.

A notice is stored in the same transaction as what it reports, so that a crash can't lose it.
"""

import json
from collections.abc import Collection

from storage.chats import key_in
from storage.database import Database, Row, Transaction
from storage.group_sends import answer_arrived, notice_arrived
from storage.records import ONE_MESSAGE, Button, ChatKey, Delivery, File, FileKind, Notice
from storage.sql import in_texts, listed, next_id
from storage.transcript import COMPLETE, REPLACED

ALL = 2**31 - 1
"""A LIMIT that leaves nothing out; there is no portable OFFSET without one."""
MOST_EQUAL = 3
"""How many equal notices may wait in a chat."""
NOBODY_ALONE = -1
"""For a notice about everyone who asks for access, rather than one row of the access list."""


class Outbox:
    """The table of notices, and that of the Telegram messages that make up answers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._newest = 0

    async def add(self, tx: Transaction, notice: Notice) -> int:
        """Store a notice until it is sent; returns its id.

        Ids are never reused, as SQLite would do after a deletion: a withdrawn notice may still be being sent, and its
        result must not be recorded for another one. Of equal texts that wait, the last MOST_EQUAL are kept.
        """
        if not (notice.buttons or notice.edits or notice.file or notice.broadcast or notice.about or notice.asks):
            await self._fold(tx, notice)
        self._newest = await tx.insert(
            "INSERT INTO notices (id, telegram_id, thread_id, direct, private, text, reply_to, edits,"
            " buttons, button_until, markdown, asks, quote, literals, about, broadcast, points, file, file_kind,"
            " file_name, placeholder, calls, receiver, query)"
            f" VALUES ({next_id('notices', '?1')},"
            " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, coalesce(?, 'photo'), ?, ?, ?, ?, ?)",
            (
                self._newest,
                *(notice.key.telegram_id, notice.key.thread_id, notice.key.direct, notice.private, notice.text),
                *(notice.reply_to, notice.edits),
                json.dumps([[button.label, button.data] for button in notice.buttons]),
                *(notice.button_until, notice.markdown, notice.asks, notice.quote),
                *(json.dumps(notice.literals), notice.about, notice.broadcast, notice.points),
                *((file.data, file.kind, file.name) if (file := notice.file) else (None, None, None)),
                *(notice.placeholder, json.dumps(notice.calls) if notice.calls else None),
                *(notice.receiver, notice.query),
            ),
        )
        return self._newest

    @staticmethod
    async def _fold(tx: Transaction, notice: Notice) -> None:
        """Make room for a notice by dropping the oldest equal ones that wait in its chat."""
        await tx.execute(
            "DELETE FROM notices WHERE id IN (SELECT id FROM notices WHERE telegram_id = ? AND thread_id = ?"
            " AND message_id IS NULL AND text = ? AND coalesce(receiver, 0) = ? AND buttons = '[]'"
            " AND button_until IS NULL AND edits IS NULL AND file IS NULL AND broadcast IS NULL AND about IS NULL"
            f" AND asks = 0 ORDER BY id DESC LIMIT {ALL} OFFSET ?)",
            (notice.key.telegram_id, notice.key.thread_id, notice.text, notice.receiver or 0, MOST_EQUAL - 1),
        )

    async def notices(self, key: ChatKey) -> list[tuple[int, Notice]]:
        """The notices to send to this chat, with ids, oldest first."""
        rows = await self._database.rows(
            "SELECT * FROM notices WHERE telegram_id = ? AND thread_id = ? AND message_id IS NULL ORDER BY id",
            (key.telegram_id, key.thread_id),
        )
        return [(row["id"], _notice(row)) for row in rows]

    async def notice_sent(self, tx: Transaction, notice_id: int, message_id: int) -> None:
        """Record that a notice was sent as this message. It is kept only while it has a button to remove."""
        await notice_arrived(tx, notice_id, message_id)
        await tx.execute(
            "UPDATE notices SET message_id = ?, text = '', file = NULL WHERE id = ?", (message_id, notice_id)
        )
        done = "button_until IS NULL AND coalesce(about, ?) = ?"
        drop = f"DELETE FROM notices WHERE id = ? AND {done}"
        await tx.execute(drop, (notice_id, NOBODY_ALONE, NOBODY_ALONE))

    async def waiting_keys(self) -> list[ChatKey]:
        """The chats with notices to send."""
        rows = await self._database.rows(
            "SELECT DISTINCT telegram_id, thread_id, direct FROM notices WHERE message_id IS NULL"
        )
        return [key_in(row) for row in rows]

    async def asked_about(self, tx: Transaction, key: ChatKey) -> set[int]:
        """The rows of the access list that an owner has been asked about."""
        rows = await tx.rows(
            "SELECT about FROM notices WHERE telegram_id = ? AND about > 0 AND button_until IS NULL",
            (key.telegram_id,),
        )
        return {row["about"] for row in rows}

    async def end_requests(self, tx: Transaction, about: int, until: float) -> list[tuple[int, int]]:
        """End the requests about an applicant who was decided on; returns (owner, message) of those to update.

        Requests not sent yet are dropped. Until `until`, the bot still knows what the messages were about.
        """
        await tx.execute("DELETE FROM notices WHERE about = ? AND message_id IS NULL", (about,))
        rows = await tx.rows(
            "UPDATE notices SET button_until = ? WHERE about = ? AND button_until IS NULL"
            " RETURNING telegram_id, message_id",
            (until, about),
        )
        return [(row["telegram_id"], row["message_id"]) for row in rows]

    async def expired_buttons(self, now: float) -> list[tuple[int, int, int]]:
        """(notice id, Telegram chat, message) of all expired buttons."""
        rows = await self._database.rows(
            "SELECT id, telegram_id, message_id FROM notices WHERE message_id IS NOT NULL AND button_until <= ?",
            (now,),
        )
        return [(row["id"], row["telegram_id"], row["message_id"]) for row in rows]

    async def button_gone(self, tx: Transaction, key: ChatKey, message_id: int) -> None:
        """The message with the button was changed into something else."""
        await tx.execute("DELETE FROM notices WHERE telegram_id = ? AND message_id = ?", (key.telegram_id, message_id))

    async def set_aside(self, tx: Transaction, notice_id: int, until: float) -> None:
        """Stop sending a notice; it is kept until a time (Unix seconds), with message id 0."""
        await tx.execute("UPDATE notices SET message_id = 0, button_until = ? WHERE id = ?", (until, notice_id))

    async def renew(self, tx: Transaction, key: ChatKey, notice_id: int) -> bool:
        """Send a notice that was set aside after all; False if there is none in this chat."""
        changed = await tx.execute(
            "UPDATE notices SET message_id = NULL, button_until = NULL"
            " WHERE id = ? AND telegram_id = ? AND thread_id = ? AND message_id = 0",
            (notice_id, key.telegram_id, key.thread_id),
        )
        return changed > 0

    async def stop(self, tx: Transaction, key: ChatKey) -> int:
        """Drop unsent long notices and files; returns how many."""
        return await tx.execute(
            "DELETE FROM notices WHERE telegram_id = ? AND thread_id = ? AND message_id IS NULL"
            " AND (length(text) > ? OR file IS NOT NULL)",
            (key.telegram_id, key.thread_id, ONE_MESSAGE),
        )

    async def withdraw(self, tx: Transaction, key: ChatKey, texts: Collection[str]) -> None:
        """Drop unsent notices with one of these texts."""
        await tx.execute(
            f"DELETE FROM notices WHERE telegram_id = ? AND thread_id = ? AND message_id IS NULL AND text {in_texts()}",
            (key.telegram_id, key.thread_id, listed(texts)),
        )

    async def forget(self, tx: Transaction, notice_id: int) -> None:
        """Delete a notice whose button is gone, or which can't be delivered."""
        await tx.execute("DELETE FROM notices WHERE id = ?", (notice_id,))

    async def reply_begun(self, tx: Transaction, reply_id: int, message_id: int, *, rang: bool) -> None:
        """Record the Telegram message that shows the beginning of a reply; `rang`: it was sent with a notification."""
        await tx.execute(
            "INSERT INTO turn_messages (turn_id, message_id, rang) VALUES (?, ?, ?)"
            " ON CONFLICT (turn_id, message_id) DO NOTHING",
            (reply_id, message_id, rang),
        )
        await answer_arrived(tx, reply_id, message_id)

    async def deliveries(self, chat_id: int, tx: Transaction | None = None) -> list[Delivery]:
        """The finished replies that aren't completely delivered, oldest first."""
        rows = await (tx or self._database).rows(
            "SELECT id, content, reply_to, coalesce(max(delivered_end), 0) AS delivered,"
            " max(CASE WHEN delivered_end = 0 THEN message_id END) AS begun, coalesce(max(rang), 0) AS rang,"
            " max(CASE WHEN delivered_end > 0 THEN message_id END) AS newest,"
            " EXISTS (SELECT 1 FROM chats JOIN notices USING (telegram_id, thread_id) WHERE chats.id = chat_id"
            " AND notices.message_id IS NULL AND file_kind = 'voice' AND file IS NOT NULL) AS speaks,"
            " EXISTS (SELECT 1 FROM chats JOIN notices USING (telegram_id, thread_id) WHERE chats.id = chat_id"
            " AND notices.message_id IS NULL) OR EXISTS (SELECT 1 FROM turns AS other"
            f" WHERE other.chat_id = turns.chat_id AND other.{REPLACED}) AS has_rest"
            " FROM turns LEFT JOIN turn_messages ON turn_id = id"
            f" WHERE chat_id = ? AND {COMPLETE} GROUP BY id, content, reply_to ORDER BY id",
            (chat_id,),
        )
        return [
            Delivery(
                reply_id=row["id"],
                content=row["content"],
                end=row["delivered"],
                begun=_begun(row),
                reply_to=row["reply_to"],
                rang=bool(row["rang"]),
                speaks=bool(row["speaks"]),
                has_rest=bool(row["has_rest"]),
            )
            for row in rows
        ]

    async def part_delivered(self, tx: Transaction, reply_id: int, message_id: int, end: int) -> None:
        """Record a delivered part of a reply, which ends at this character of the content."""
        await tx.execute(
            "INSERT INTO turn_messages (turn_id, message_id, delivered_end) VALUES (?, ?, ?)"
            " ON CONFLICT (turn_id, message_id) DO UPDATE SET delivered_end = excluded.delivered_end",
            (reply_id, message_id, end),
        )
        await answer_arrived(tx, reply_id, message_id)

    async def replaced_messages(self, chat_id: int) -> list[int] | None:
        """The Telegram messages of replaced replies; None if there is no such reply."""
        rows = await self._database.rows(
            "SELECT message_id FROM turns LEFT JOIN turn_messages ON turn_id = id"
            f" WHERE chat_id = ? AND {REPLACED} ORDER BY message_id",
            (chat_id,),
        )
        return [row["message_id"] for row in rows if row["message_id"] is not None] if rows else None


def _begun(row: Row) -> int | None:
    """The message for the next part: the preview is for the first, one found after a crash may be for a later one."""
    is_old = row["delivered"] and (row["begun"] or 0) < row["newest"]
    return None if is_old else row["begun"]


def _notice(row: Row) -> Notice:
    return Notice(
        key=key_in(row),
        private=bool(row["private"]),
        text=row["text"],
        reply_to=row["reply_to"],
        edits=row["edits"],
        buttons=tuple(Button(label, data) for label, data in json.loads(row["buttons"])),
        button_until=row["button_until"],
        markdown=bool(row["markdown"]),
        file=File(FileKind(row["file_kind"]), row["file"], row["file_name"]) if row["file"] is not None else None,
        asks=bool(row["asks"]),
        quote=bool(row["quote"]),
        literals=tuple(json.loads(row["literals"])),
        about=row["about"],
        broadcast=row["broadcast"],
        points=bool(row["points"]),
        placeholder=row["placeholder"],
        calls=tuple(json.loads(row["calls"])) if row["calls"] else None,
        receiver=row["receiver"],
        query=row["query"],
    )
