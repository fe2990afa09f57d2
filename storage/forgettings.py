"""What a person was shown and asked whether to forget it, until the answer."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from storage.database import Database, Row, Transaction
from storage.resets import FORGOTTEN
from storage.topics import forget_title

MOVED = 3_000
"""Turns that are taken out in one transaction: other writers wait for it, some fifty milliseconds."""
NEVER = 1e15
"""When what is still to be taken out was proposed, so that it is not dropped like a proposal without an answer."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Turns to delete, and lines to take out of the memory."""

    turn_ids: tuple[int, ...]
    lines: tuple[str, ...]
    words: str = ""
    """What was asked for."""
    of_message: bool = False
    """Whether these are the words of a message that was replied to."""


@dataclass(frozen=True, slots=True)
class Left:
    """Forgotten turns that are still to be deleted: where they wait, and the chat in which they were said."""

    aside: int
    home: int


class Forgettings:
    """The table of proposals, and the turns that are being forgotten."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def propose(self, tx: Transaction, chat_id: int, proposal: Proposal, now: float) -> int:
        """Keep a proposal until it is answered; returns its id, which no button bears that is of another one.

        Rows are deleted, and a backup brings back older ones, so it is the time and not the next free number.
        """
        return await tx.insert(
            "INSERT INTO forgettings (id, chat_id, turns, lines, words, message, made_at)"
            " VALUES (max(?, 1 + ifnull((SELECT max(id) FROM forgettings), 0)), ?, ?, ?, ?, ?, ?)",
            (
                *(
                    round(now * 1000),
                    chat_id,
                    json.dumps(proposal.turn_ids),
                    json.dumps(proposal.lines, ensure_ascii=False),
                ),
                *(proposal.words, proposal.of_message, now),
            ),
        )

    async def take(self, tx: Transaction, chat_id: int, proposal_id: int) -> Proposal | None:
        """The proposal, which is answered now; None when it was answered before."""
        rows = await tx.rows("DELETE FROM forgettings WHERE id = ? AND chat_id = ? RETURNING *", (proposal_id, chat_id))
        if not rows:
            return None
        return _proposal(rows[0])

    async def drop_like(self, tx: Transaction, chat_id: int, proposal: Proposal) -> None:
        """Drop what else was proposed of the same turns, lines or words, and was not answered: it holds them too."""
        rows = await tx.rows("SELECT id, turns, lines, words FROM forgettings WHERE chat_id = ?", (chat_id,))
        for row in rows:
            shared = {*json.loads(row["turns"])} & {*proposal.turn_ids} or {*json.loads(row["lines"])} & {
                *proposal.lines
            }
            if shared or row["words"].casefold() == proposal.words.casefold():
                await tx.execute("DELETE FROM forgettings WHERE id = ?", (row["id"],))

    async def any_before(self, before: float) -> bool:
        """Whether there are proposals from before this time."""
        return await self._database.row("SELECT 1 FROM forgettings WHERE made_at < ? LIMIT 1", (before,)) is not None

    async def prune(self, tx: Transaction, before: float) -> None:
        """Drop the proposals that were never answered."""
        await tx.execute("DELETE FROM forgettings WHERE made_at < ?", (before,))

    async def read(self, chat_id: int, proposal_id: int) -> Proposal | None:
        """The proposal, while it is not answered."""
        row = await self._database.row("SELECT * FROM forgettings WHERE id = ? AND chat_id = ?", (proposal_id, chat_id))
        return _proposal(row) if row else None

    async def put_aside(self, tx: Transaction, chat_id: int, turn_ids: Sequence[int]) -> None:
        """Take turns out of all that is read of their chat; what are many more is noted for `put_more_aside`.

        They are deleted afterwards, some at a time. The next turn says the time again.
        """
        await tx.execute("UPDATE chats SET stamped_at = NULL WHERE id = ?", (chat_id,))
        await forget_title(tx, chat_id)
        await tx.execute(
            "INSERT INTO chats (telegram_id, thread_id, private, created_at, reset_turn, indexed_turn)"  # noqa: S608
            f" SELECT telegram_id, -{FORGOTTEN} - id, private, created_at, {2**62}, {2**62} FROM chats WHERE id = ?"
            " ON CONFLICT DO NOTHING",
            (chat_id,),
        )
        (row,) = await tx.rows(
            "SELECT id FROM chats WHERE thread_id = ? AND telegram_id = (SELECT telegram_id FROM chats WHERE id = ?)",
            (-FORGOTTEN - chat_id, chat_id),
        )
        left = Left(row["id"], chat_id)
        await _move(tx, left, turn_ids[:MOVED])
        parts = [turn_ids[start : start + MOVED] for start in range(MOVED, len(turn_ids), MOVED)]
        await tx.execute_many(
            "INSERT INTO forgettings (id, chat_id, turns, lines, words, message, made_at)"
            " VALUES (1 + ifnull((SELECT max(id) FROM forgettings), 0), ?, ?, '[]', '', 0, ?)",
            [(left.aside, json.dumps(part), NEVER) for part in parts],
        )

    async def put_more_aside(self, tx: Transaction, left: Left) -> bool:
        """Take out what comes next of what was noted; False when that was all."""
        rows = await tx.rows(
            "DELETE FROM forgettings WHERE id = (SELECT min(id) FROM forgettings WHERE chat_id = ?) RETURNING turns",
            (left.aside,),
        )
        for row in rows:
            await _move(tx, left, json.loads(row["turns"]))
        return bool(rows)

    async def left(self) -> list[Left]:
        """Where forgotten turns wait, or something else of them is still to be done."""
        rows = await self._database.rows(
            f"SELECT id, thread_id FROM chats INDEXED BY chats_aside WHERE thread_id < 0 AND thread_id < -{FORGOTTEN}"  # noqa: S608 - a constant
        )
        return [Left(row["id"], -row["thread_id"] - FORGOTTEN) for row in rows]

    async def bring_home(self, tx: Transaction, left: Left, limit: int) -> list[int]:
        """The next turns to delete, at most so many, in their own chat again: delete them in the same transaction."""
        rows = await tx.rows("SELECT id FROM turns WHERE chat_id = ? ORDER BY id LIMIT ?", (left.aside, limit))
        turn_ids = [row["id"] for row in rows]
        await tx.execute(
            "UPDATE turns SET chat_id = ?1 WHERE id IN (SELECT value FROM json_each(?2))"
            " AND EXISTS (SELECT 1 FROM chats WHERE id = ?1)",
            (left.home, json.dumps(turn_ids)),
        )
        return turn_ids

    async def done(self, tx: Transaction, left: Left) -> None:
        """Nothing is left of what was forgotten there, unless more came meanwhile."""
        await tx.execute(
            "DELETE FROM chats WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM turns WHERE chat_id = ?1)"
            " AND NOT EXISTS (SELECT 1 FROM forgettings WHERE chat_id = ?1)",
            (left.aside,),
        )

    async def delete_turns(self, tx: Transaction, chat_id: int, turn_ids: Sequence[int]) -> int:
        """Delete turns for good; returns how many there were. The next turn says the time again."""
        await tx.execute("UPDATE chats SET stamped_at = NULL WHERE id = ?", (chat_id,))
        return await tx.execute(
            "DELETE FROM turns WHERE chat_id = ? AND id IN (SELECT value FROM json_each(?))",
            (chat_id, json.dumps(turn_ids)),
        )


async def _move(tx: Transaction, left: Left, turn_ids: Sequence[int]) -> None:
    await tx.execute(
        "UPDATE turns SET chat_id = ? WHERE chat_id = ? AND id IN (SELECT value FROM json_each(?))",
        (left.aside, left.home, json.dumps(turn_ids)),
    )


def _proposal(row: Row) -> Proposal:
    return Proposal(
        tuple(json.loads(row["turns"])), tuple(json.loads(row["lines"])), row["words"], bool(row["message"])
    )
