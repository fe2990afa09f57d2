"""Topics of private chats that are still to get a title."""

from storage.database import Database, Row, Transaction
from storage.records import Place


class Topics:
    """The table of topics without a title of their own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def untitled(self, tx: Transaction, place: Place) -> None:
        """Nobody has named this topic."""
        await tx.execute(
            "INSERT INTO untitled_topics (telegram_id, thread_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (place.telegram_id, place.thread_id),
        )

    async def made(self, tx: Transaction, place: Place, title: str) -> None:
        """A title was made, and is to be set."""
        await tx.execute(
            "UPDATE untitled_topics SET title = ? WHERE telegram_id = ? AND thread_id = ?",
            (title, place.telegram_id, place.thread_id),
        )

    async def settled(self, tx: Transaction, place: Place) -> None:
        """It has a name, or can't be given one."""
        await tx.execute(
            "DELETE FROM untitled_topics WHERE telegram_id = ? AND thread_id = ?", (place.telegram_id, place.thread_id)
        )

    async def is_untitled(self, place: Place) -> bool:
        """Whether it is still to get a title."""
        return await self._row(place) is not None

    async def title(self, place: Place) -> str | None:
        """The title that was made for it."""
        row = await self._row(place)
        return row["title"] if row else None

    async def _row(self, place: Place) -> Row | None:
        return await self._database.row(
            "SELECT title FROM untitled_topics WHERE telegram_id = ? AND thread_id = ?",
            (place.telegram_id, place.thread_id),
        )


async def forget_title(tx: Transaction, chat_id: int) -> None:
    """What was said in a conversation is forgotten, or begun afresh: a title made of it is not set any more."""
    await tx.execute(
        "UPDATE untitled_topics SET title = NULL WHERE (telegram_id, thread_id) ="
        " (SELECT telegram_id, thread_id FROM chats WHERE id = ?)",
        (chat_id,),
    )
