"""Which conversations there are."""

from storage.database import Database, Row, Transaction
from storage.records import Chat, Place


class Chats:
    """The table of conversations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, place: Place) -> Chat | None:
        """The conversation at this place, if anything was ever said there."""
        row = await self._database.row(
            "SELECT * FROM chats WHERE telegram_id = ? AND thread_id = ?",
            (place.telegram_id, place.thread_id),
        )
        return _chat(row) if row else None

    async def ensure(self, tx: Transaction, place: Place, *, private: bool, now: float) -> Chat:
        """The conversation at this place, made if there was none."""
        await tx.execute(
            "INSERT INTO chats (telegram_id, thread_id, private, created_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (place.telegram_id, place.thread_id, private, now),
        )
        rows = await tx.rows(
            "SELECT * FROM chats WHERE telegram_id = ? AND thread_id = ?",
            (place.telegram_id, place.thread_id),
        )
        return _chat(rows[0])

    async def stamp(self, tx: Transaction, chat_id: int, at: float) -> None:
        """Remember when a time was last written into a turn."""
        await tx.execute("UPDATE chats SET stamped_at = ? WHERE id = ?", (at, chat_id))

    async def with_open_work(self) -> list[Place]:
        """Where an answer, a delivery or a notice is still owed: what a restart has to take up."""
        rows = await self._database.rows(
            "SELECT telegram_id, thread_id FROM chats WHERE id IN"
            " (SELECT chat_id FROM turns WHERE state IN ('waiting', 'streaming', 'complete', 'replaced'))"
            " UNION SELECT telegram_id, thread_id FROM notices WHERE message_id IS NULL"
        )
        return [Place(row["telegram_id"], row["thread_id"]) for row in rows]


def _chat(row: Row) -> Chat:
    return Chat(row["id"], Place(row["telegram_id"], row["thread_id"]), bool(row["private"]), row["stamped_at"])
