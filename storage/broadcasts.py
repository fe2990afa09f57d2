"""Owners' messages to everyone: proposed, confirmed, then turned into notices a few chats at a time.

A chat is removed from the list in the transaction that creates its notice, so that after a crash the rest is sent, and
no one gets it twice.
"""

from collections.abc import Collection
from dataclasses import dataclass

from storage.database import Database, Row, Transaction
from storage.sql import each, listed

KEPT_S = 30 * 86_400.0
_NOTHING = "text = '', entities = '[]', preview = NULL, copied = NULL, rich = NULL"
"""Blanks the content when a broadcast is over."""


@dataclass(frozen=True, slots=True)
class BroadcastContent:
    """The message to send."""

    text: str
    entities: str = "[]"
    """The text's formatting, as JSON in Telegram's format."""
    preview: str | None = None
    """The link preview options, as JSON in Telegram's format."""
    copied: int | None = None
    """The message in the owner's chat to copy; `text` is then its text."""
    captioned: bool = False
    """Whether the text replaces the copy's own caption, which contained the command."""
    above: bool = False
    """Whether the caption is above the media."""
    rich: str | None = None
    """The rich message with this text, as JSON in Telegram's format."""

    @property
    def is_seen_there(self) -> bool:
        """Whether it has more than its text, so that the owner is asked next to the message itself."""
        return self.copied is not None or self.rich is not None


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A broadcast and its progress."""

    id: int
    owner_id: int
    text: str
    chats: int
    sent: int


class Broadcasts:
    """The tables of broadcasts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def propose(self, tx: Transaction, owner_id: int, content: BroadcastContent, now: float) -> int:
        """Store a broadcast that an owner must confirm; returns its id."""
        await tx.execute("DELETE FROM broadcasts WHERE state != 'sending' AND made_at < ?", (now - KEPT_S,))
        return await tx.insert(
            "INSERT INTO broadcasts (owner_id, text, entities, preview, copied, captioned, above, rich, made_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(owner_id, content.text, content.entities, content.preview, content.copied, content.captioned),
                *(content.above, content.rich, now),
            ),
        )

    async def content(self, number: int) -> tuple[int, BroadcastContent] | None:
        """(Owner, content) of a broadcast that is being sent; None if it is over."""
        row = await self._database.row("SELECT * FROM broadcasts WHERE id = ? AND state = 'sending'", (number,))
        if row is None:
            return None
        content = BroadcastContent(
            *(row["text"], row["entities"], row["preview"], row["copied"]),
            captioned=bool(row["captioned"]),
            above=bool(row["above"]),
            rich=row["rich"],
        )
        return row["owner_id"], content

    async def begin(self, tx: Transaction, number: int, owner_id: int, telegram_ids: Collection[int]) -> bool:
        """Start sending it to these chats; False if it no longer awaits confirmation, or is another owner's."""
        begun = await tx.execute(
            "UPDATE broadcasts SET state = 'sending', chats = ? WHERE id = ? AND owner_id = ? AND state = 'asked'",
            (len(telegram_ids), number, owner_id),
        )
        if begun:
            await tx.execute(
                f"INSERT INTO broadcast_chats SELECT ?, value FROM {each()}",
                (number, listed(telegram_ids)),
            )
        return bool(begun)

    async def drop(self, tx: Transaction, number: int, owner_id: int) -> bool:
        """Cancel it; False if it no longer awaits confirmation, or is another owner's."""
        asked = "id = ? AND owner_id = ? AND state = 'asked'"
        drop = f"UPDATE broadcasts SET state = 'dropped', {_NOTHING} WHERE {asked}"
        return bool(await tx.execute(drop, (number, owner_id)))

    async def sending(self) -> list[Broadcast]:
        """The broadcasts being sent."""
        rows = await self._database.rows("SELECT * FROM broadcasts WHERE state = 'sending' ORDER BY id")
        return [_broadcast(row) for row in rows]

    async def next_chats(self, tx: Transaction, number: int, most: int) -> list[int]:
        """Take the next chats off the list; see also ``presence.left``."""
        rows = await tx.rows(
            "DELETE FROM broadcast_chats WHERE broadcast_id = ?1 AND telegram_id IN"
            " (SELECT telegram_id FROM broadcast_chats WHERE broadcast_id = ?1 ORDER BY telegram_id LIMIT ?2)"
            " RETURNING telegram_id",
            (number, most),
        )
        return [row["telegram_id"] for row in rows]

    async def stop(self, tx: Transaction, owner_id: int) -> list[Broadcast]:
        """Stop an owner's broadcasts; returns them with their progress."""
        sending = "owner_id = ? AND state = 'sending'"
        stop = f"UPDATE broadcasts SET state = 'dropped', {_NOTHING} WHERE {sending} RETURNING *"
        rows = await tx.rows(stop, (owner_id,))
        for row in rows:
            await tx.execute("DELETE FROM broadcast_chats WHERE broadcast_id = ?", (row["id"],))
            await tx.execute("DELETE FROM notices WHERE broadcast = ? AND message_id IS NULL", (row["id"],))
        return [_broadcast(row) for row in rows]

    async def finish(self, tx: Transaction, number: int) -> Broadcast | None:
        """Finish a broadcast that has been sent to all chats; None if it isn't complete yet."""
        rows = await tx.rows(
            f"UPDATE broadcasts SET state = 'done', {_NOTHING}"
            " WHERE id = ?1 AND state = 'sending'"
            " AND NOT EXISTS (SELECT 1 FROM broadcast_chats WHERE broadcast_id = ?1)"
            " AND NOT EXISTS (SELECT 1 FROM notices WHERE broadcast = ?1) RETURNING *",
            (number,),
        )
        return _broadcast(rows[0]) if rows else None


def _broadcast(row: Row) -> Broadcast:
    return Broadcast(row["id"], row["owner_id"], row["text"], row["chats"], row["sent"])
