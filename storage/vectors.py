"""The vectors that turns are found by: a plain table, read chat by chat, since stock Pythons can't load extensions."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from storage.database import Database, Transaction

FLOAT = 4
"""Bytes of each number in a vector."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a chat is embedded, and with what; `dimension` 0: not known yet."""

    model: str
    dimension: int
    through_turn: int


@dataclass(frozen=True, slots=True)
class NewVector:
    """A turn's vector: little-endian 32-bit floats, of length 1."""

    turn_id: int
    vector: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """Some vectors of a chat, in the order of their turns: `vectors` has one behind the other."""

    turn_ids: tuple[int, ...]
    vectors: bytes
    spoiled: tuple[int, ...] = ()
    """Turns whose vector is of another length than it should be; they are not among the others."""
    last: int = 0
    """The last turn that was read, or 0."""


class Vectors:
    """The tables of vectors and of progress."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def progress(self, chat_id: int, model: str) -> Progress:
        """How far the chat is with this model; it is at the beginning when another one was used before."""
        row = await self._database.row(
            "SELECT dimension, through_turn FROM embedded WHERE chat_id = ? AND model = ?"
            " AND typeof(dimension) = 'integer' AND typeof(through_turn) = 'integer' AND dimension >= 0",
            (chat_id, model),
        )
        return Progress(model, row["dimension"], row["through_turn"]) if row else Progress(model, 0, 0)

    async def missing(self, chat_id: int, progress: Progress, limit: int) -> list[int]:
        """The next turns to embed, oldest first: up to the first that waits for its answer, none that was reset."""
        rows = await self._database.rows(
            "SELECT id FROM turns WHERE chat_id = ?1"
            " AND id > max(?2, (SELECT reset_turn FROM chats WHERE id = ?1))"
            " AND state IN ('settled', 'complete', 'sent')"
            " AND id < ifnull((SELECT min(id) FROM turns WHERE chat_id = ?1 AND state IN ('waiting', 'streaming')),"
            " 9223372036854775807)"
            " AND NOT EXISTS (SELECT 1 FROM vectors WHERE turn_id = turns.id AND model = ?3 AND dimension = ?4)"
            " ORDER BY id LIMIT ?5",
            (chat_id, progress.through_turn, progress.model, progress.dimension, limit),
        )
        return [row["id"] for row in rows]

    async def behind(self, model: str) -> list[int]:
        """The chats that have turns to embed with this model."""
        rows = await self._database.rows(
            "SELECT chats.id FROM chats LEFT JOIN embedded ON chat_id = chats.id AND embedded.model = ? WHERE EXISTS"
            " (SELECT 1 FROM turns WHERE turns.chat_id = chats.id AND turns.id > max(reset_turn,"
            " ifnull(through_turn, 0)) AND state IN ('settled', 'complete', 'sent')) ORDER BY chats.id",
            (model,),
        )
        return [row["id"] for row in rows]

    async def put(self, tx: Transaction, chat_id: int, vectors: Sequence[NewVector], progress: Progress) -> None:
        """Store vectors and how far the chat is with them; a turn that was deleted meanwhile gets none."""
        for new in vectors:
            await tx.execute(
                "INSERT OR REPLACE INTO vectors (turn_id, chat_id, model, dimension, vector)"
                " SELECT id, chat_id, ?, ?, ? FROM turns WHERE id = ? AND chat_id = ?",
                (progress.model, progress.dimension, new.vector, new.turn_id, chat_id),
            )
        await tx.execute(
            "INSERT OR REPLACE INTO embedded (chat_id, model, dimension, through_turn) VALUES (?, ?, ?, ?)",
            (chat_id, progress.model, progress.dimension, progress.through_turn),
        )

    async def any_between(self, chat_id: int, model: str, after_turn: int, before_turn: int) -> bool:
        """Whether the chat has a vector of this model between two turns."""
        row = await self._database.row(
            "SELECT 1 FROM vectors WHERE chat_id = ? AND turn_id > ? AND turn_id < ? AND model = ? LIMIT 1",
            (chat_id, after_turn, before_turn, model),
        )
        return row is not None

    async def page(
        self, chat_id: int, model: str, dimension: int, *, after_turn: int, before_turn: int, limit: int
    ) -> Page:
        """The chat's vectors of this model and dimension behind a turn; at most `limit`, before another turn."""
        rows = await self._database.rows(
            "SELECT turn_id, vector FROM vectors WHERE chat_id = ? AND turn_id > ? AND turn_id < ?"
            " AND model = ? AND dimension = ? ORDER BY turn_id LIMIT ?",
            (chat_id, after_turn, before_turn, model, dimension, limit),
        )
        whole = [row for row in rows if isinstance(row["vector"], bytes) and len(row["vector"]) == FLOAT * dimension]
        turn_ids = tuple(row["turn_id"] for row in whole)
        return Page(
            turn_ids,
            b"".join(row["vector"] for row in whole),
            tuple({row["turn_id"] for row in rows}.difference(turn_ids)),
            rows[-1]["turn_id"] if rows else 0,
        )

    async def drop(self, tx: Transaction, chat_id: int, turn_ids: Collection[int]) -> None:
        """Forget vectors that are damaged: they are made anew when the chat is caught up."""
        await tx.execute(
            "DELETE FROM vectors WHERE turn_id IN (SELECT value FROM json_each(?))", (json.dumps(list(turn_ids)),)
        )
        await tx.execute(
            "UPDATE embedded SET through_turn = min(through_turn, ?) WHERE chat_id = ?", (min(turn_ids) - 1, chat_id)
        )
