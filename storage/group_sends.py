"""What is being sent to groups, so that after a crash nothing appears there twice.

A row is written before a message is sent, and deleted with the record of its ID. What is left after a crash may have
arrived or not.
"""

from dataclasses import dataclass

from storage.database import Database, Transaction
from storage.sql import larger
from storage.transcript import COMPLETE, STREAMING


@dataclass(frozen=True, slots=True)
class UnknownSend:
    """A message of an answer or of a notice that may have arrived in a group."""

    telegram_id: int
    newest: int
    """If it has arrived, its ID is greater than this."""
    turn_id: int | None
    notice_id: int | None


class GroupSends:
    """The tables of messages being sent to groups, and of the bot's newest messages there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(
        self, tx: Transaction, telegram_id: int, newest: int, *, turn_id: int | None, notice_id: int | None
    ) -> None:
        """Record that a message is about to be sent; `newest`: the newest one known in the group.

        If it is sent again because its fate is unknown, the first record stays.
        """
        known = "coalesce((SELECT message_id FROM newest_notices WHERE telegram_id = ?1), 0)"
        await tx.execute(
            "INSERT INTO group_sends (telegram_id, newest, turn_id, notice_id)"
            f" SELECT ?1, {larger(known, '?2')}, ?3, ?4"
            " WHERE NOT EXISTS (SELECT 1 FROM group_sends WHERE turn_id = ?3 OR notice_id = ?4)",
            (telegram_id, newest, turn_id, notice_id),
        )

    async def unknown(self, telegram_id: int | None = None) -> list[UnknownSend]:
        """What was being sent, to this group or to any, when the process died."""
        group, values = _of(telegram_id)
        rows = await self._database.rows(
            f"SELECT telegram_id, newest, turn_id, notice_id FROM group_sends WHERE {group}"
            f" AND (turn_id IN (SELECT id FROM turns WHERE {STREAMING} OR {COMPLETE})"
            " OR notice_id IN (SELECT id FROM notices WHERE message_id IS NULL))",
            values,
        )
        return [UnknownSend(row["telegram_id"], row["newest"], row["turn_id"], row["notice_id"]) for row in rows]

    async def found(self, tx: Transaction, send: UnknownSend, message_id: int) -> None:
        """Record the message that has arrived, so that it is edited rather than sent again."""
        await tx.execute(
            "INSERT INTO turn_messages (turn_id, message_id, rang)"
            f" SELECT id, ?2, CASE WHEN {STREAMING} THEN 1 ELSE 0 END FROM turns"
            f" WHERE id = ?1 AND ({STREAMING} OR {COMPLETE}) ON CONFLICT (turn_id, message_id) DO NOTHING",
            (send.turn_id, message_id),
        )
        await tx.execute(
            "UPDATE notices SET edits = ? WHERE id = ? AND message_id IS NULL AND edits IS NULL",
            (message_id, send.notice_id),
        )
        await _remember_newest(tx, "SELECT ?1, ?2 WHERE ?1 < 0", send.telegram_id, message_id)

    async def settle(self, tx: Transaction, telegram_id: int | None = None) -> None:
        """Delete the records of this group, or of all, because the messages were looked for."""
        group, values = _of(telegram_id)
        await tx.discard(f"DELETE FROM group_sends WHERE {group}", values)


def _of(telegram_id: int | None) -> tuple[str, tuple[int, ...]]:
    return ("true", ()) if telegram_id is None else ("telegram_id = ?", (telegram_id,))


async def answer_arrived(tx: Transaction, turn_id: int, message_id: int) -> None:
    """A message of this answer has arrived."""
    await _is_newest(tx, "turn_id", turn_id, message_id)
    group = "SELECT telegram_id, ?2 FROM turns JOIN chats ON chats.id = chat_id WHERE turns.id = ?1 AND telegram_id < 0"
    await _remember_newest(tx, group, turn_id, message_id)
    await tx.discard("DELETE FROM group_sends WHERE turn_id = ?", (turn_id,))


async def notice_arrived(tx: Transaction, notice_id: int, message_id: int) -> None:
    """A notice has arrived."""
    await _is_newest(tx, "notice_id", notice_id, message_id)
    await _remember_newest(
        tx, "SELECT telegram_id, ?2 FROM notices WHERE id = ?1 AND telegram_id < 0", notice_id, message_id
    )
    await tx.discard("DELETE FROM group_sends WHERE notice_id = ?", (notice_id,))


async def _remember_newest(tx: Transaction, group: str, item: int, message_id: int) -> None:
    """Nothing that is sent to this group from now on must be taken for this message, or an older one.

    `group`: selects the group of ?1, and ?2. The table is called ``newest_notices``, but it has answers, too.
    """
    newest = larger("newest_notices.message_id", "excluded.message_id")
    await tx.execute(
        f"INSERT INTO newest_notices (telegram_id, message_id) {group}"
        f" ON CONFLICT (telegram_id) DO UPDATE SET message_id = {newest}",
        (item, message_id),
    )


async def _is_newest(tx: Transaction, column: str, item: int, message_id: int) -> None:
    """What is still being sent to the same group, in other topics, must not be taken for this message."""
    await tx.execute(
        f"UPDATE group_sends SET newest = {larger('newest', '?1')} WHERE telegram_id IN"
        f" (SELECT telegram_id FROM group_sends WHERE {column} = ?2)",
        (message_id, item),
    )
