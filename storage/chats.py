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
        return chat_of(row) if row else None

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
        return chat_of(rows[0])

    async def stamp(self, tx: Transaction, chat_id: int, at: float) -> None:
        """Remember when a time was last written into a turn."""
        await tx.execute("UPDATE chats SET stamped_at = ? WHERE id = ?", (at, chat_id))

    async def by_id(self, chat_id: int) -> Chat | None:
        """The conversation as it is now."""
        row = await self._database.row("SELECT * FROM chats WHERE id = ?", (chat_id,))
        return chat_of(row) if row else None

    async def remember_as(self, tx: Transaction, chat_id: int, way: str | None) -> None:
        """Choose how this chat remembers; None: as the bot is set."""
        await tx.execute("UPDATE chats SET memory_way = ? WHERE id = ?", (way, chat_id))

    async def take_back(self, tx: Transaction, chat_id: int) -> None:
        """Begin a new epoch: what is being made of the turns as they were is void."""
        await tx.execute("UPDATE chats SET epoch = epoch + 1 WHERE id = ?", (chat_id,))

    async def look_at(self, tx: Transaction, chat_id: int, due_at: float | None, failures: int) -> None:
        """Set when the window is to be looked at, and how many compactions have failed in a row."""
        await tx.execute("UPDATE chats SET due_at = ?, compact_failures = ? WHERE id = ?", (due_at, failures, chat_id))

    async def due(self, now: float) -> list[Place]:
        """Where a window is to be looked at now."""
        rows = await self._database.rows("SELECT telegram_id, thread_id FROM chats WHERE due_at <= ?", (now,))
        return [Place(row["telegram_id"], row["thread_id"]) for row in rows]

    async def all_due(self, tx: Transaction, now: float) -> None:
        """Have every window looked at."""
        await tx.execute("UPDATE chats SET due_at = ? WHERE ifnull(due_at, ?) >= ?", (now, now, now))

    async def with_open_work(self) -> list[Place]:
        """Where an answer, a delivery or a notice is still owed: what a restart has to take up."""
        rows = await self._database.rows(
            "SELECT telegram_id, thread_id FROM chats WHERE id IN"
            " (SELECT chat_id FROM turns WHERE state IN ('waiting', 'streaming', 'complete', 'replaced'))"
            " UNION SELECT telegram_id, thread_id FROM notices WHERE message_id IS NULL"
        )
        return [Place(row["telegram_id"], row["thread_id"]) for row in rows]


def chat_of(row: Row) -> Chat:
    """A row of the table as our value."""
    return Chat(
        id=row["id"],
        place=Place(row["telegram_id"], row["thread_id"]),
        private=bool(row["private"]),
        stamped_at=row["stamped_at"],
        reset_turn=row["reset_turn"],
        epoch=row["epoch"],
        memory_way=row["memory_way"],
        due_at=row["due_at"],
        compact_failures=row["compact_failures"],
    )
