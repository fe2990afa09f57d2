"""A reset moves a boundary; nothing is deleted until it can no longer be undone."""

from storage.database import Database, Transaction
from storage.questions import end_questions
from storage.topics import forget_title
from storage.vectors import forget_vectors, make_up

UNDO_S = 60.0
"""How long a reset can be undone, in seconds."""

FORGOTTEN = 2**41
"""What is being forgotten waits in chats whose thread is below minus this."""
_NO_RESET = 2**40
"""Above every reset's number."""


class Resets:
    """The table of resets and each chat's boundary."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reset(self, tx: Transaction, chat_id: int, now: float) -> int | None:
        """Take every turn so far out of later prompts; returns the reset's id, or None when there was no turn."""
        await end_questions(tx, chat_id)
        await forget_title(tx, chat_id)
        rows = await tx.rows(
            "SELECT reset_turn, max(ifnull((SELECT max(id) FROM turns WHERE chat_id = chats.id), 0),"
            # What the notes tell of may have been forgotten, and the notes not.
            " ifnull((SELECT through_turn FROM memories AS m WHERE m.chat_id = chats.id"
            " AND m.reset_turn = chats.reset_turn), 0)) AS last_turn FROM chats WHERE id = ?",
            (chat_id,),
        )
        before, last = rows[0]["reset_turn"], rows[0]["last_turn"]
        if last <= before:
            return None
        await self._move(tx, chat_id, last)
        await tx.execute("UPDATE turns SET state = 'settled' WHERE chat_id = ? AND state = 'waiting'", (chat_id,))
        return await tx.insert(
            "INSERT INTO resets (chat_id, from_id, to_id, reset_at) VALUES (?, ?, ?, ?)",
            (chat_id, before, last, now),
        )

    async def undo(self, tx: Transaction, chat_id: int, reset_id: int, now: float) -> bool:
        """Put the boundary back; False when it is too late, was done before, or another reset came since."""
        rows = await tx.rows(
            "SELECT from_id, to_id FROM resets JOIN chats ON chats.id = chat_id"
            " WHERE resets.id = ? AND chat_id = ? AND NOT undone AND reset_at >= ? AND to_id = reset_turn",
            (reset_id, chat_id, now - UNDO_S),
        )
        if not rows:
            return await self._bring_back(tx, chat_id, reset_id, now)
        await self._move(tx, chat_id, rows[0]["from_id"])
        await make_up(tx, chat_id, rows[0]["from_id"], rows[0]["to_id"])
        await tx.execute("UPDATE resets SET undone = 1 WHERE id = ?", (reset_id,))
        return True

    async def purge(self, tx: Transaction, before: float, limit: int) -> int:
        """Delete for good what was reset before this time, at most so many turns; returns how many.

        Once there are fewer it was all, and what held them goes too.
        """
        purged = await tx.execute(
            "DELETE FROM turns WHERE id IN (SELECT turns.id FROM resets CROSS JOIN turns USING (chat_id)"
            " WHERE reset_at < ? AND NOT undone AND turns.id > from_id AND turns.id <= to_id LIMIT ?)",
            (before, limit),
        )
        if purged < limit:
            await tx.execute("DELETE FROM resets WHERE reset_at < ?", (before,))
            await tx.execute(
                "DELETE FROM chats WHERE thread_id < 0 AND thread_id >= ?"
                " AND NOT EXISTS (SELECT 1 FROM turns WHERE chat_id = chats.id)",
                (-FORGOTTEN,),
            )
        return purged

    async def _bring_back(self, tx: Transaction, chat_id: int, reset_id: int, now: float) -> bool:
        """Undo a reset that was set aside when its chat became one with another."""
        rows = await tx.rows(
            "SELECT aside.id, from_id, main.reset_turn FROM resets JOIN chats AS aside ON aside.id = resets.chat_id"
            " JOIN chats AS main ON main.telegram_id = aside.telegram_id WHERE resets.id = ? AND main.id = ?"
            " AND aside.thread_id < 0 AND NOT undone AND reset_at >= ? AND to_id = aside.reset_turn"
            " AND main.reset_turn < to_id",
            (reset_id, chat_id, now - UNDO_S),
        )
        if not rows:
            return False
        aside, since, boundary = rows[0]["id"], rows[0]["from_id"], rows[0]["reset_turn"]
        await tx.execute("UPDATE turns SET chat_id = ? WHERE chat_id = ? AND id > ?", (chat_id, aside, since))
        await forget_vectors(tx, aside)
        await forget_vectors(tx, chat_id)
        await tx.execute("UPDATE chats SET reset_turn = ? WHERE id = ?", (since, aside))
        await tx.execute("UPDATE resets SET undone = 1 WHERE id = ?", (reset_id,))
        # What is back is in the window itself: the memory may tell of later turns, and not of these.
        await tx.execute("UPDATE memories SET through_turn = min(through_turn, ?) WHERE chat_id = ?", (since, chat_id))
        await tx.execute("UPDATE chats SET indexed_turn = min(indexed_turn, ?) WHERE id = ?", (since, chat_id))
        await self._move(tx, chat_id, boundary)
        return True

    @staticmethod
    async def _move(tx: Transaction, chat_id: int, turn_id: int) -> None:
        # The next turn says the time again: the one that did may be gone from the prompt.
        await tx.execute(
            "UPDATE chats SET reset_turn = ?, stamped_at = NULL, epoch = epoch + 1, due_at = NULL,"
            " compact_failures = 0 WHERE id = ?",
            (turn_id, chat_id),
        )


async def set_aside(tx: Transaction, chat_id: int, joined: int) -> None:
    """Move what was reset in a chat out of it, before it becomes one with another: `joined` is the one that stays.

    The boundary of the other says nothing of these turns, nor theirs of its. They wait, under a thread's number that
    Telegram never gives, until the reset is undone or they are purged.
    """
    rows = await tx.rows("SELECT max(resets.id) AS last FROM resets WHERE chat_id = ?", (chat_id,))
    number = rows[0]["last"] or _NO_RESET + chat_id
    aside = await tx.insert(
        "INSERT INTO chats (telegram_id, thread_id, private, created_at, reset_turn, indexed_turn)"
        " SELECT main.telegram_id, ?, chats.private, chats.created_at, chats.reset_turn, chats.reset_turn"
        " FROM chats JOIN chats AS main ON main.id = ? WHERE chats.id = ?",
        (-number, joined, chat_id),
    )
    bound = "(SELECT reset_turn FROM chats WHERE id = ?)"
    await tx.execute(
        f"UPDATE turns SET chat_id = ?, state = iif(state = 'complete', 'sent', state)"  # noqa: S608 - a constant
        f" WHERE chat_id = ? AND id <= {bound} AND state IN ('settled', 'complete', 'sent')",
        (aside, chat_id, aside),
    )
    await forget_vectors(tx, chat_id)
    await tx.execute("UPDATE resets SET chat_id = ? WHERE chat_id = ?", (aside, chat_id))
    await tx.execute(
        f"UPDATE memories SET chat_id = ? WHERE chat_id = ? AND reset_turn != {bound}",  # noqa: S608 - a constant
        (aside, chat_id, aside),
    )
