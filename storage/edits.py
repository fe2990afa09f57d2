"""Messages that were edited after they were sent."""

from collections.abc import Iterable
from dataclasses import dataclass

from storage.database import Database, Row, Transaction
from storage.records import Role
from storage.sent_prompts import forget_digests
from storage.transcript import ASKER, KEPT, STREAMING, TurnState

MOST_PARTS = 200
"""The most messages of one question that are examined; a question has a few."""


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A user's turn as it is in the transcript."""

    turn_id: int
    content: str
    separator: str
    asked: bool
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """The last question, and its answer if there is one."""

    turn_ids: frozenset[int]
    reply_id: int | None


class Edits:
    """Finds and changes turns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, chat_id: int, message_id: int) -> StoredTurn | None:
        """The user's turn made from this Telegram message, unless it was reset."""
        row = await self._database.row(
            "SELECT turns.id, content, glue, asked, digest FROM turns JOIN turn_messages ON turn_id = turns.id"
            " JOIN chats ON chats.id = chat_id WHERE in_chat = ?1 AND message_id = ?2"
            " AND chat_id = ?1 AND role = 'user' AND turns.id > reset_turn"
            " ORDER BY turns.id DESC LIMIT 1",  # numbers of ephemeral messages are reused after they disappear
            (chat_id, message_id),
        )
        return StoredTurn(row["id"], row["content"], row["glue"], bool(row["asked"]), row["digest"]) if row else None

    async def asker(self, chat_id: int) -> int | None:
        """Who asked last: the author of the question, or the user who had it answered again."""
        row = await self._database.row(ASKER, (chat_id,))
        return row["asker"] if row else None

    async def is_left_out(self, chat_id: int, message_id: int, tx: Transaction | None = None) -> bool:
        """Whether this Telegram message is left out of prompts because the model refuses it."""
        row = await (tx or self._database).row(
            "SELECT 1 FROM turns JOIN turn_messages ON turn_id = id"
            " WHERE in_chat = ?1 AND message_id = ?2 AND chat_id = ?1 AND refused != 0",
            (chat_id, message_id),
        )
        return row is not None

    async def bots_in_a_row(self, chat_id: int) -> int:
        """How many messages of other bots were answered since a person last spoke to the bot."""
        row = await self._database.row(
            "SELECT count(*) AS count FROM turns WHERE chat_id = ?1 AND role = 'user' AND asked = 1 AND from_bot = 1"
            " AND id > coalesce((SELECT max(id) FROM turns WHERE chat_id = ?1 AND role = 'user' AND from_bot = 0), 0)",
            (chat_id,),
        )
        return int(row["count"]) if row else 0

    async def last_exchange(self, chat_id: int, tx: Transaction | None = None) -> Exchange:
        """All turns of the newest question, and its answer."""
        rows = await (tx or self._database).rows(
            "SELECT turns.id, role FROM turns JOIN chats ON chats.id = chat_id WHERE chat_id = ? AND asked = 1"
            f" AND turns.id > reset_turn AND {KEPT}"
            " ORDER BY turns.id DESC LIMIT ?",
            (chat_id, MOST_PARTS),
        )
        return _exchange(rows)

    async def last_asked(self, chat_id: int) -> set[int]:
        """The Telegram messages of the newest question, and all others that are waiting for an answer."""
        rows = await self._database.rows(
            "SELECT turns.id, role, state, message_id FROM turns JOIN chats ON chats.id = chat_id"
            " LEFT JOIN turn_messages ON turn_id = turns.id WHERE chat_id = ? AND asked = 1"
            f" AND turns.id > reset_turn AND {KEPT} ORDER BY turns.id DESC LIMIT ?",
            (chat_id, 2 * MOST_PARTS),  # the answer before may have taken several messages
        )
        found = _exchange(rows).turn_ids
        asking = [row for row in rows if row["id"] in found or row["state"] == TurnState.WAITING]
        return {row["message_id"] for row in asking if row["message_id"] is not None}

    async def change(self, tx: Transaction, turn_id: int, content: str, tokens: int) -> None:
        """Replace a turn's text. Anything being computed from the old text is void, and its vector is made again."""
        await tx.execute(
            "UPDATE turns SET content = ?, tokens = ?, refused = 0 WHERE id = ?", (content, tokens, turn_id)
        )
        row = await tx.row("SELECT chat_id FROM turns WHERE id = ?", (turn_id,))
        if row is None:
            return
        await forget_digests(tx, row["chat_id"], [turn_id])
        tx.deletes = True  # the vectors of the turn and its neighbours must go
        await tx.execute("UPDATE chats SET epoch = epoch + 1 WHERE id = ?", (row["chat_id"],))

    async def is_now(self, tx: Transaction, turn_id: int, digest: str | None) -> None:
        """Store the digest of the message's current text and content."""
        await tx.execute("UPDATE turn_messages SET digest = ? WHERE turn_id = ?", (digest, turn_id))

    async def caused(self, tx: Transaction, turn_id: int, by: int | None) -> None:
        """Record that the pending answer to this question, of one or more turns, was requested by the editor `by`."""
        await tx.execute(
            "UPDATE turns SET asked_by = ?1 WHERE id = (SELECT max(later.id) FROM turns AS later JOIN turns AS changed"
            f" USING (chat_id) WHERE changed.id = ?2 AND (later.{STREAMING} OR later.id = ?2"
            " OR (later.role = 'user' AND later.asked = 1)))",
            (by, turn_id),
        )


def _exchange(rows: Iterable[Row]) -> Exchange:
    """The last question and its answer, from rows of turns, newest first, one row for each of a turn's messages."""
    reply_id, turn_ids = None, set()
    for row in rows:
        if row["role"] == Role.USER:
            turn_ids.add(row["id"])
        elif not turn_ids and reply_id in (None, row["id"]):
            reply_id = row["id"]
        else:
            break
    return Exchange(frozenset(turn_ids), reply_id)
