"""When the bot leaves a Telegram chat or returns, or a group gets a new id: all its topics change at once."""

from storage.access_list import move_access, note_move
from storage.chats import SETTINGS
from storage.database import Transaction
from storage.deletions import set_aside
from storage.questions import move_questions
from storage.sql import larger, smaller
from storage.transcript import COMPLETE, abandon
from storage.usage import join_usage
from storage.vectors import forget_vectors


async def left(tx: Transaction, telegram_id: int) -> None:
    """The bot was removed or blocked: give up everything pending there."""
    await tx.execute(
        "UPDATE chats SET gone = 1, due_at = NULL, compact_failures = 0 WHERE telegram_id = ?", (telegram_id,)
    )
    for row in await tx.rows("SELECT id FROM chats WHERE telegram_id = ?", (telegram_id,)):
        await abandon(tx, row["id"])
    await tx.execute("DELETE FROM notices WHERE telegram_id = ?", (telegram_id,))
    await tx.execute("DELETE FROM questions WHERE telegram_id = ?", (telegram_id,))
    await tx.execute("DELETE FROM broadcast_chats WHERE telegram_id = ?", (telegram_id,))


async def came(tx: Transaction, telegram_id: int) -> None:
    """The bot is back in this chat."""
    await tx.execute("UPDATE chats SET gone = 0 WHERE telegram_id = ?", (telegram_id,))


async def migrate(tx: Transaction, old: int, new: int) -> None:
    """The group `old` has become the supergroup `new`: move its conversations, with everything that belongs to them.

    Messages have new ids there, so the old ones can't be edited or replied to.
    """
    for telegram_id in sorted((old, new)):
        await tx.lock(telegram_id)
    await note_move(tx, old, new)
    await move_access(tx, old, new)
    await move_questions(tx, old, new)
    await tx.execute(
        "UPDATE broadcast_chats SET telegram_id = ?1 WHERE telegram_id = ?2"
        " AND broadcast_id NOT IN (SELECT broadcast_id FROM broadcast_chats WHERE telegram_id = ?1)",
        (new, old),
    )
    await tx.execute(
        # It must still be known which notices answer ephemeral messages, whose ids are negative.
        "UPDATE notices SET telegram_id = ?, edits = NULL, reply_to = CASE WHEN reply_to < 0 AND"
        f" coalesce(edits, 0) < 0 THEN {smaller('reply_to', 'edits')} WHEN reply_to < 0 THEN reply_to"
        " WHEN edits < 0 THEN edits END"
        " WHERE telegram_id = ? AND message_id IS NULL",
        (new, old),
    )
    await tx.execute("DELETE FROM notices WHERE telegram_id = ?", (old,))
    await tx.execute("UPDATE inbox SET telegram_id = ? WHERE telegram_id = ?", (new, old))
    for row in await tx.rows("SELECT id, thread_id FROM chats WHERE telegram_id = ?", (old,)):
        await _forget_messages(tx, row["id"])
        found = await tx.rows("SELECT id FROM chats WHERE telegram_id = ? AND thread_id = ?", (new, row["thread_id"]))
        if found:
            await _merge(tx, row["id"], found[0]["id"])
        else:
            await tx.execute("UPDATE chats SET telegram_id = ?, gone = 0 WHERE id = ?", (new, row["id"]))


async def _forget_messages(tx: Transaction, chat_id: int) -> None:
    # How far a reply was delivered is still needed.
    await tx.execute(
        "DELETE FROM turn_messages WHERE turn_id IN (SELECT id FROM turns WHERE chat_id = ?)"
        f" AND NOT (delivered_end > 0 AND EXISTS (SELECT 1 FROM turns WHERE id = turn_id AND {COMPLETE}))",
        (chat_id,),
    )
    await tx.execute("UPDATE turns SET reply_to = NULL, in_place = 0 WHERE chat_id = ?", (chat_id,))


async def _merge(tx: Transaction, old: int, new: int) -> None:
    """Merge the old chat into the new one, in which something was said before the move was known.

    The new row stays, because a turn may be in progress there. Ids ascend with time, so the order is right. A reset of
    one chat doesn't hide turns of the other.
    """
    boundary = await _put_resets_aside(tx, old, new)
    await _join_memories(tx, old, new, boundary)
    chosen = ", ".join(f"{name} = coalesce({name}, (SELECT {name} FROM chats WHERE id = ?1))" for name in SETTINGS)
    await tx.execute(
        f"UPDATE chats SET {chosen}, greeted = {larger('greeted', '(SELECT greeted FROM chats WHERE id = ?1)')},"
        " indexed_turn = 0, epoch = epoch + 1, reset_turn = ?3 WHERE id = ?2",
        (old, new, boundary),
    )
    for table in ("turns", "resets", "note_versions"):
        await tx.execute(f"UPDATE {table} SET chat_id = ? WHERE chat_id = ?", (new, old))
    for table, key in (("memories", "reset_turn"), ("speakers", "folded")):
        await tx.execute(
            f"UPDATE {table} SET chat_id = ?1 WHERE chat_id = ?2"
            f" AND {key} NOT IN (SELECT {key} FROM {table} WHERE chat_id = ?1)",
            (new, old),
        )
    await forget_vectors(tx, new)
    await join_usage(tx, old, new)
    await tx.execute("DELETE FROM chats WHERE id = ?", (old,))


async def _put_resets_aside(tx: Transaction, old: int, new: int) -> int:
    """Move reset turns to where their boundary hides nothing else; returns the reset boundary of the merged chat."""
    rows = await tx.rows("SELECT id, reset_turn FROM chats WHERE id IN (?, ?)", (old, new))
    boundaries = {row["id"]: row["reset_turn"] for row in rows}
    began = "SELECT 1 FROM turns WHERE chat_id = ? AND id <= ? LIMIT 1"
    if not boundaries[old] and not await tx.rows(began, (old, boundaries[new])):
        return int(boundaries[new])
    between = await tx.rows(began, (new, boundaries[old]))
    if boundaries[new]:
        await set_aside(tx, new, new)
    if not between:
        return int(boundaries[old])
    await set_aside(tx, old, new)
    return 0


async def _join_memories(tx: Transaction, old: int, new: int, boundary: int) -> None:
    """Keep one memory, the old chat's if both have one; the turns that it doesn't cover are in the window."""
    rows = await tx.rows(
        "SELECT chat_id, through_turn FROM memories JOIN chats ON chats.id = chat_id"
        " AND chats.reset_turn = memories.reset_turn WHERE chat_id IN (?1, ?2) ORDER BY chat_id = ?2",
        (old, new),
    )
    if not rows:
        return
    kept, other = (old, new) if rows[0]["chat_id"] == old else (new, old)
    current = "chat_id = ?1 AND reset_turn = (SELECT reset_turn FROM chats WHERE id = ?1)"
    await tx.execute(f"DELETE FROM memories WHERE {current}", (other,))
    (row,) = await tx.rows(
        "SELECT min(turns.id) - 1 AS last FROM turns JOIN chats ON chats.id = turns.chat_id"
        " WHERE turns.chat_id = ? AND turns.id > chats.reset_turn",
        (other,),
    )
    await tx.execute(
        f"DELETE FROM memories WHERE chat_id = ?2 AND reset_turn = ?3 AND NOT ({current})", (kept, new, boundary)
    )
    through = "through_turn" if row["last"] is None else smaller("through_turn", "?4")
    await tx.execute(
        f"UPDATE memories SET chat_id = ?2, reset_turn = ?3, through_turn = {through} WHERE {current}",
        (kept, new, boundary, *([] if row["last"] is None else [row["last"]])),
    )
