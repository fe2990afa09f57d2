"""Removal of turns from chats: by a reset, which can be undone for a while, or by forgetting single turns for good.

A reset moves a boundary; its turns are deleted later. Forgetting begins with a proposal that a user confirms; the turns
are then moved to a hidden chat, and deleted from there.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from storage.chats import forget_title
from storage.database import Database, Row, Transaction
from storage.questions import end_questions
from storage.sent_prompts import forget_digests, forget_digests_of_recall
from storage.sql import in_list, larger, listed
from storage.transcript import move_settled, settle
from storage.vectors import embed_restored, forget_vectors

UNDO_S = 60.0
"""How long a reset can be undone, in seconds."""
FORGOTTEN = 2**41
"""Turns being forgotten are in chats whose thread id is below minus this."""
_NO_RESET = 2**40
"""Greater than any reset's id."""
MOVED = 3_000
"""Turns moved per transaction, so that other writers wait only some fifty milliseconds."""
NEVER = 1e15
"""The proposal time of confirmed turns that must still be moved, so that they aren't pruned like old proposals."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Turns to delete, and lines to remove from the memory."""

    turn_ids: tuple[int, ...]
    lines: tuple[str, ...]
    words: str = ""
    """The search words."""
    of_message: bool = False
    """Whether `words` is the text of a message that was replied to."""


@dataclass(frozen=True, slots=True)
class RemainingTurns:
    """Forgotten turns that must still be deleted: the chat that they were moved to, and the one they were said in."""

    aside: int
    home: int


class Deletions:
    """The tables of resets and of forgettings (proposals, and turns that must still be deleted)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reset(self, tx: Transaction, chat_id: int, now: float) -> int | None:
        """Exclude all turns so far from later prompts; returns the reset's id, or None if there were no turns."""
        await end_questions(tx, chat_id)
        await forget_title(tx, chat_id)
        rows = await tx.rows(
            "SELECT reset_turn, (SELECT max(id) FROM turns WHERE chat_id = chats.id) AS last_turn,"
            " (SELECT through_turn FROM memories AS m WHERE m.chat_id = chats.id"
            " AND m.reset_turn = chats.reset_turn) AS through_turn FROM chats WHERE id = ?",
            (chat_id,),
        )
        # The turns may have been forgotten while the memory of them remains.
        before, last = rows[0]["reset_turn"], max(rows[0]["last_turn"] or 0, rows[0]["through_turn"] or 0)
        if last <= before:
            return None
        await self._move_boundary(tx, chat_id, last)
        await settle(tx, chat_id)
        return await tx.insert(
            "INSERT INTO resets (chat_id, from_id, to_id, reset_at) VALUES (?, ?, ?, ?)",
            (chat_id, before, last, now),
        )

    async def undo_reset(self, tx: Transaction, chat_id: int, reset_id: int, now: float) -> bool:
        """Move the boundary back; False if it is too late, already undone, or followed by another reset."""
        rows = await tx.rows(
            "SELECT from_id, to_id FROM resets JOIN chats ON chats.id = chat_id"
            " WHERE resets.id = ? AND chat_id = ? AND undone = 0 AND reset_at >= ? AND to_id = reset_turn",
            (reset_id, chat_id, now - UNDO_S),
        )
        if not rows:
            return await self._bring_back(tx, chat_id, reset_id, now)
        await self._move_boundary(tx, chat_id, rows[0]["from_id"])
        await embed_restored(tx, chat_id, rows[0]["from_id"], rows[0]["to_id"])
        await tx.execute("UPDATE resets SET undone = 1 WHERE id = ?", (reset_id,))
        return True

    async def purge_resets(self, tx: Transaction, before: float, limit: int) -> int:
        """Delete up to `limit` turns that were reset before this time; returns how many.

        If there are fewer than that, no more are left, and their resets are deleted too.
        """
        emptied = f"thread_id < 0 AND thread_id >= -{FORGOTTEN}"
        chats = await tx.rows(
            "SELECT chat_id AS id FROM resets WHERE reset_at < ?"
            f" UNION SELECT id FROM chats INDEXED BY chats_aside WHERE {emptied} AND thread_id < 0",
            (before,),
        )
        await tx.lock_chats(*(row["id"] for row in chats))
        purged = await tx.execute(
            "DELETE FROM turns WHERE id IN (SELECT turns.id FROM resets CROSS JOIN turns"
            " WHERE turns.chat_id = resets.chat_id AND reset_at < ? AND undone = 0 AND turns.id > from_id"
            " AND turns.id <= to_id LIMIT ?)",
            (before, limit),
        )
        if purged < limit:
            await tx.execute("DELETE FROM resets WHERE reset_at < ?", (before,))
            await tx.execute(
                f"DELETE FROM chats WHERE {emptied} AND NOT EXISTS (SELECT 1 FROM turns WHERE chat_id = chats.id)",
            )
        return purged

    async def _bring_back(self, tx: Transaction, chat_id: int, reset_id: int, now: float) -> bool:
        """Undo a reset whose turns were set aside when its chat was merged into another."""
        rows = await tx.rows(
            "SELECT aside.id, from_id, main.reset_turn FROM resets JOIN chats AS aside ON aside.id = resets.chat_id"
            " JOIN chats AS main ON main.telegram_id = aside.telegram_id WHERE resets.id = ? AND main.id = ?"
            " AND aside.thread_id < 0 AND undone = 0 AND reset_at >= ? AND to_id = aside.reset_turn"
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
        # The restored turns go into the window, because the memory may cover later turns but not these.
        await tx.execute(
            "UPDATE memories SET through_turn = ?1 WHERE chat_id = ?2 AND through_turn > ?1", (since, chat_id)
        )
        await tx.execute("UPDATE chats SET indexed_turn = ?1 WHERE id = ?2 AND indexed_turn > ?1", (since, chat_id))
        await self._move_boundary(tx, chat_id, boundary)
        return True

    @staticmethod
    async def _move_boundary(tx: Transaction, chat_id: int, turn_id: int) -> None:
        # The next turn gets a timestamp again, because the last one may have left the prompt with its turn.
        await tx.execute(
            "UPDATE chats SET reset_turn = ?, stamped_at = NULL, epoch = epoch + 1, due_at = NULL,"
            " compact_failures = 0 WHERE id = ?",
            (turn_id, chat_id),
        )

    async def propose(self, tx: Transaction, chat_id: int, proposal: Proposal, now: float) -> int:
        """Store a proposal until it is answered; returns its id, which no button of another proposal has.

        The id is the time, because the next free number could repeat after a deletion or the restore of a backup.
        """
        turns, lines = json.dumps(proposal.turn_ids), json.dumps(proposal.lines, ensure_ascii=False)
        return await _add_proposal(tx, round(now * 1000), chat_id, turns, lines, proposal, now)

    async def take_proposal(self, tx: Transaction, chat_id: int, proposal_id: int) -> Proposal | None:
        """Remove and return a proposal that is being answered; None if it already was."""
        rows = await tx.rows("DELETE FROM forgettings WHERE id = ? AND chat_id = ? RETURNING *", (proposal_id, chat_id))
        if not rows:
            return None
        return _proposal(rows[0])

    async def drop_similar(self, tx: Transaction, chat_id: int, proposal: Proposal) -> None:
        """Drop unanswered proposals with any of the same turns, lines or words, since they contain them too."""
        rows = await tx.rows("SELECT id, turns, lines, words FROM forgettings WHERE chat_id = ?", (chat_id,))
        for row in rows:
            shared = {*json.loads(row["turns"])} & {*proposal.turn_ids} or {*json.loads(row["lines"])} & {
                *proposal.lines
            }
            if shared or row["words"].casefold() == proposal.words.casefold():
                await tx.execute("DELETE FROM forgettings WHERE id = ?", (row["id"],))

    async def has_proposal_before(self, before: float) -> bool:
        """Whether there are proposals from before this time."""
        return await self._database.row("SELECT 1 FROM forgettings WHERE made_at < ? LIMIT 1", (before,)) is not None

    async def prune_proposals(self, tx: Transaction, before: float) -> None:
        """Delete proposals from before this time that were never answered."""
        await tx.execute("DELETE FROM forgettings WHERE made_at < ?", (before,))

    async def proposal(self, chat_id: int, proposal_id: int) -> Proposal | None:
        """A proposal that hasn't been answered."""
        row = await self._database.row("SELECT * FROM forgettings WHERE id = ? AND chat_id = ?", (proposal_id, chat_id))
        return _proposal(row) if row else None

    async def hide(self, tx: Transaction, chat_id: int, turn_ids: Sequence[int]) -> None:
        """Hide turns from their chat. If there are very many, the rest is stored for `hide_more`.

        They are deleted afterwards, some at a time. The chat's next turn gets a timestamp.
        """
        if turn_ids:
            await forget_digests(tx, chat_id, turn_ids)
        await tx.execute("UPDATE chats SET stamped_at = NULL WHERE id = ?", (chat_id,))
        await forget_title(tx, chat_id)
        await tx.execute(
            "INSERT INTO chats (telegram_id, thread_id, private, created_at, reset_turn, indexed_turn)"
            f" SELECT telegram_id, -{FORGOTTEN} - id, private, created_at, {2**62}, {2**62} FROM chats WHERE id = ?"
            " ON CONFLICT (telegram_id, thread_id) DO NOTHING",
            (chat_id,),
        )
        (row,) = await tx.rows(
            "SELECT id FROM chats WHERE thread_id = ? AND telegram_id = (SELECT telegram_id FROM chats WHERE id = ?)",
            (-FORGOTTEN - chat_id, chat_id),
        )
        left = RemainingTurns(row["id"], chat_id)
        await _move_aside(tx, left, turn_ids[:MOVED])
        for start in range(MOVED, len(turn_ids), MOVED):
            part = listed(turn_ids[start : start + MOVED])
            await _add_proposal(tx, 0, left.aside, part, "[]", Proposal((), ()), NEVER)

    async def hide_more(self, tx: Transaction, left: RemainingTurns) -> bool:
        """Hide the next stored turns; False if there were none."""
        rows = await tx.rows(
            "DELETE FROM forgettings WHERE id = (SELECT min(id) FROM forgettings WHERE chat_id = ?) RETURNING turns",
            (left.aside,),
        )
        for row in rows:
            await _move_aside(tx, left, json.loads(row["turns"]))
        return bool(rows)

    async def remaining(self) -> list[RemainingTurns]:
        """The chats with forgotten turns to delete, or whose deletion isn't finished."""
        rows = await self._database.rows(
            f"SELECT id, thread_id FROM chats INDEXED BY chats_aside WHERE thread_id < 0 AND thread_id < -{FORGOTTEN}"
        )
        return [RemainingTurns(row["id"], -row["thread_id"] - FORGOTTEN) for row in rows]

    async def return_to_chat(self, tx: Transaction, left: RemainingTurns, limit: int) -> list[int]:
        """Move up to `limit` turns back to their own chat, to be deleted in the same transaction; returns their ids."""
        rows = await tx.rows("SELECT id FROM turns WHERE chat_id = ? ORDER BY id LIMIT ?", (left.aside, limit))
        turn_ids = [row["id"] for row in rows]
        await tx.execute(
            f"UPDATE turns SET chat_id = ?1 WHERE id {in_list('?2')} AND EXISTS (SELECT 1 FROM chats WHERE id = ?1)",
            (left.home, listed(turn_ids)),
        )
        return turn_ids

    async def finish(self, tx: Transaction, left: RemainingTurns) -> None:
        """Finish a deletion, unless more turns were added in the meantime."""
        await tx.execute(
            "DELETE FROM chats WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM turns WHERE chat_id = ?1)"
            " AND NOT EXISTS (SELECT 1 FROM forgettings WHERE chat_id = ?1)",
            (left.aside,),
        )

    async def delete_oldest(self, tx: Transaction, chat_id: int, turn_ids: Sequence[int]) -> int:
        """Delete the oldest turns of a chat, and the digests of prompts that had them; returns how many turns."""
        await forget_digests_of_recall(tx, turn_ids)
        await forget_digests(tx, chat_id, turn_ids[-1:])  # a later window that had any of them had the last
        return await self.delete_turns(tx, chat_id, turn_ids)

    async def delete_turns(self, tx: Transaction, chat_id: int, turn_ids: Sequence[int]) -> int:
        """Delete turns; returns how many there were. The chat's next turn gets a timestamp."""
        await tx.execute("UPDATE chats SET stamped_at = NULL WHERE id = ?", (chat_id,))
        return await tx.execute(
            f"DELETE FROM turns WHERE chat_id = ? AND id {in_list()}",
            (chat_id, listed(turn_ids)),
        )


async def set_aside(tx: Transaction, chat_id: int, joined: int) -> None:
    """Move a chat's reset turns out of it before two chats are merged into `joined`.

    Each chat's boundary applies only to its own turns. These are kept in a chat with a thread id that Telegram never
    uses, until the reset is undone or they are purged.
    """
    rows = await tx.rows("SELECT max(resets.id) AS last FROM resets WHERE chat_id = ?", (chat_id,))
    number = rows[0]["last"] or _NO_RESET + chat_id
    aside = await tx.insert(
        "INSERT INTO chats (telegram_id, thread_id, private, created_at, reset_turn, indexed_turn)"
        " SELECT main.telegram_id, ?, chats.private, chats.created_at, chats.reset_turn, chats.reset_turn"
        " FROM chats JOIN chats AS main ON main.id = ? WHERE chats.id = ?",
        (-number, joined, chat_id),
    )
    (row,) = await tx.rows("SELECT reset_turn FROM chats WHERE id = ?", (aside,))
    await move_settled(tx, chat_id, row["reset_turn"], aside)
    await forget_vectors(tx, chat_id)
    await tx.execute("UPDATE resets SET chat_id = ? WHERE chat_id = ?", (aside, chat_id))
    await tx.execute(
        "UPDATE memories SET chat_id = ? WHERE chat_id = ? AND reset_turn != ?", (aside, chat_id, row["reset_turn"])
    )


async def _add_proposal(
    tx: Transaction, least: int, chat_id: int, turns: str, lines: str, proposal: Proposal, made_at: float
) -> int:
    """Store a proposal under the next free id, `least` at the least; another process may take the same at that time."""
    number = 0
    while not number:
        number = await tx.insert(
            "INSERT INTO forgettings (id, chat_id, turns, lines, words, message, made_at)"
            f" VALUES ({larger('?1', '1 + coalesce((SELECT max(id) FROM forgettings), 0)')}, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO NOTHING",
            (least, chat_id, turns, lines, proposal.words, proposal.of_message, made_at),
        )
    return number


async def _move_aside(tx: Transaction, left: RemainingTurns, turn_ids: Sequence[int]) -> None:
    await tx.execute(
        f"UPDATE turns SET chat_id = ? WHERE chat_id = ? AND id {in_list()}",
        (left.aside, left.home, listed(turn_ids)),
    )


def _proposal(row: Row) -> Proposal:
    return Proposal(
        tuple(json.loads(row["turns"])), tuple(json.loads(row["lines"])), row["words"], bool(row["message"])
    )
