"""How far each finished reply has got on its way to the user, part by part."""

from storage.database import Database, Transaction
from storage.records import ONE_MESSAGE, Delivery, Place


class Deliveries:
    """The Telegram messages that replies became."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begun(self, tx: Transaction, reply_id: int, message_id: int, *, rang: bool) -> None:
        """A Telegram message shows the beginning of this reply; `rang`: it was sent for it, with a sound."""
        await tx.execute(
            "INSERT INTO turn_messages (turn_id, message_id, rang) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (reply_id, message_id, rang),
        )

    async def open(self, chat_id: int) -> list[Delivery]:
        """The finished replies that have not wholly arrived, oldest first."""
        rows = await self._database.rows(
            "SELECT id, content, reply_to, ifnull(max(delivered_end), 0) AS delivered,"
            " max(iif(delivered_end = 0, message_id, NULL)) AS begun, ifnull(max(rang), 0) AS rang"
            " FROM turns LEFT JOIN turn_messages ON turn_id = id"
            " WHERE chat_id = ? AND state = 'complete' GROUP BY id ORDER BY id",
            (chat_id,),
        )
        return [
            # A preview is edited into the first part only: later parts are messages of their own.
            Delivery(
                reply_id=row["id"],
                content=row["content"],
                end=row["delivered"],
                begun=None if row["delivered"] else row["begun"],
                reply_to=row["reply_to"],
                rang=bool(row["rang"]),
            )
            for row in rows
        ]

    async def delivered(self, tx: Transaction, reply_id: int, message_id: int, end: int) -> None:
        """One more part of this reply arrived, which ends at this character of the content."""
        await tx.execute(
            "INSERT INTO turn_messages (turn_id, message_id, delivered_end) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET delivered_end = excluded.delivered_end",
            (reply_id, message_id, end),
        )

    async def sent(self, tx: Transaction, reply_id: int) -> None:
        """The whole reply arrived, or never will."""
        await tx.execute("UPDATE turns SET state = 'sent' WHERE id = ?", (reply_id,))

    async def renew(self, tx: Transaction, place: Place, reply_id: int) -> bool:
        """Deliver the rest of a reply at this place after all; False when there is no such reply."""
        changed = await tx.execute(
            "UPDATE turns SET state = 'complete' WHERE id = ? AND state = 'sent' AND role = 'assistant'"
            " AND chat_id = (SELECT id FROM chats WHERE telegram_id = ? AND thread_id = ?)",
            (reply_id, place.telegram_id, place.thread_id),
        )
        return changed > 0

    async def stop(self, tx: Transaction, chat_id: int) -> int:
        """Let no more of the long replies arrive of which some has; returns how many those are."""
        return await tx.execute(
            "UPDATE turns SET state = 'sent' WHERE chat_id = ? AND state = 'complete' AND length(content) > ?"
            " AND EXISTS (SELECT 1 FROM turn_messages WHERE turn_id = turns.id AND delivered_end > 0)",
            (chat_id, ONE_MESSAGE),
        )

    async def replaced(self, chat_id: int) -> list[int] | None:
        """The Telegram messages of the reply that a retry replaced, None when there is no such reply."""
        rows = await self._database.rows(
            "SELECT message_id FROM turns LEFT JOIN turn_messages ON turn_id = id"
            " WHERE chat_id = ? AND state = 'replaced' ORDER BY message_id",
            (chat_id,),
        )
        return [row["message_id"] for row in rows if row["message_id"] is not None] if rows else None

    async def drop_replaced(self, tx: Transaction, chat_id: int) -> None:
        """Delete the replies that a retry replaced."""
        await tx.execute("DELETE FROM turns WHERE chat_id = ? AND state = 'replaced'", (chat_id,))
