"""What a person was shown and asked whether to forget it, until the answer."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from storage.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class Proposal:
    """Turns to delete, and lines to take out of the memory."""

    turn_ids: tuple[int, ...]
    lines: tuple[str, ...]
    words: str = ""
    """What was asked for."""
    of_message: bool = False
    """Whether these are the words of a message that was replied to."""


class Forgettings:
    """The table of proposals."""

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
        row = rows[0]
        return Proposal(
            tuple(json.loads(row["turns"])), tuple(json.loads(row["lines"])), row["words"], bool(row["message"])
        )

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

    async def delete_turns(self, tx: Transaction, chat_id: int, turn_ids: Sequence[int]) -> int:
        """Delete turns for good; returns how many there were. The next turn says the time again."""
        await tx.execute("UPDATE chats SET stamped_at = NULL WHERE id = ?", (chat_id,))
        return await tx.execute(
            "DELETE FROM turns WHERE chat_id = ? AND id IN (SELECT value FROM json_each(?))",
            (chat_id, json.dumps(turn_ids)),
        )
