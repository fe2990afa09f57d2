"""A reset moves a boundary; nothing is deleted until it can no longer be undone."""

from storage.database import Database, Transaction

UNDO_S = 60.0
"""How long a reset can be undone, in seconds."""


class Resets:
    """The table of resets and each chat's boundary."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reset(self, tx: Transaction, chat_id: int, now: float) -> int | None:
        """Take every turn so far out of later prompts; returns the reset's id, or None when there was no turn."""
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
            "SELECT from_id FROM resets JOIN chats ON chats.id = chat_id"
            " WHERE resets.id = ? AND chat_id = ? AND NOT undone AND reset_at >= ? AND to_id = reset_turn",
            (reset_id, chat_id, now - UNDO_S),
        )
        if not rows:
            return False
        await self._move(tx, chat_id, rows[0]["from_id"])
        await tx.execute("UPDATE resets SET undone = 1 WHERE id = ?", (reset_id,))
        return True

    async def purge(self, tx: Transaction, before: float) -> int:
        """Delete for good what was reset before this time; returns how many turns."""
        purged = await tx.execute(
            "DELETE FROM turns WHERE id IN (SELECT turns.id FROM resets JOIN turns USING (chat_id)"
            " WHERE reset_at < ? AND NOT undone AND turns.id > from_id AND turns.id <= to_id)",
            (before,),
        )
        await tx.execute("DELETE FROM resets WHERE reset_at < ?", (before,))
        return purged

    @staticmethod
    async def _move(tx: Transaction, chat_id: int, turn_id: int) -> None:
        # The next turn says the time again: the one that did may be gone from the prompt.
        await tx.execute(
            "UPDATE chats SET reset_turn = ?, stamped_at = NULL, epoch = epoch + 1, due_at = NULL,"
            " compact_failures = 0 WHERE id = ?",
            (turn_id, chat_id),
        )
