"""What a database still has to do in the world, taken back: a backup that is restored must not do it weeks later."""

from dataclasses import dataclass

from storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Settled:
    """How much was not done any more."""

    answers: int
    """Owed, or begun."""
    replies: int
    """Finished and not wholly delivered."""
    notices: int
    updates: int
    """Received and not handled."""
    broadcasts: int


async def settle(tx: Transaction) -> Settled:
    """Mark all that is owed, on its way or due as done. What was said stays."""
    owed = await tx.rows(
        "SELECT count(DISTINCT chat_id) AS n FROM turns WHERE state = 'streaming' OR state = 'waiting' AND asked"
    )
    await tx.execute("DELETE FROM turns WHERE state IN ('streaming', 'replaced')")
    await tx.execute("UPDATE turns SET state = 'settled' WHERE state = 'waiting'")
    replies = await tx.execute("UPDATE turns SET state = 'sent' WHERE state = 'complete'")
    broadcasts = await tx.execute("UPDATE broadcasts SET state = 'dropped' WHERE state IN ('asked', 'sending')")
    await tx.execute("DELETE FROM broadcast_chats")
    notices = await tx.execute("DELETE FROM notices WHERE message_id IS NULL")
    await tx.execute("DELETE FROM questions")
    updates = await tx.execute("UPDATE inbox SET state = 'done', raw = '{}' WHERE state = 'new'")
    # Not what was confirmed and is still to be taken out.
    await tx.execute("DELETE FROM forgettings WHERE (SELECT thread_id FROM chats WHERE id = chat_id) >= 0")
    await tx.execute("UPDATE chats SET due_at = NULL, compact_failures = 0 WHERE due_at IS NOT NULL")
    return Settled(int(owed[0]["n"]), replies, notices, updates, broadcasts)
