"""What the search index of both databases keeps: which turns' keys are stale, and which are still to be moved.

The index can be rebuilt from the turns at any time. Deleting or changing turns only marks their keys as stale, and they
are removed and made again afterwards.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from storage.claims import under
from storage.database import Database, Transaction
from storage.sql import each, in_list, listed

log = logging.getLogger(__name__)


class Index(ABC):
    """The index's tables, as far as they don't depend on how words are found."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changes, self._renewed = 1, 0
        """How often keys may have become stale (a start counts), and up to which of these times all were renewed."""
        database.after_deleting.append(self.follow)

        self._damaged = False

    @property
    def damaged(self) -> bool:
        """Whether the index is known to be damaged and must be rebuilt."""
        return self._damaged

    async def look(self) -> bool:
        """Whether the index must be rebuilt, as found by this process or an earlier one."""
        self._damaged = self._damaged or await self._database.row("SELECT 1 FROM index_damage") is not None
        return self._damaged

    async def mark_damaged(self, why: object) -> None:
        """Record that the index is damaged, so that it is rebuilt, after a restart if necessary."""
        if not self._damaged:
            log.error("The search index is damaged and will be rebuilt from the messages: %s", why)
        self._damaged = True
        async with self._database.transaction(alone=True) as tx:
            await tx.execute("INSERT INTO index_damage (id) VALUES (1) ON CONFLICT (id) DO NOTHING")

    @abstractmethod
    async def examine(self) -> None:
        """Check the whole index in the background, if it can be damaged without an error."""

    @abstractmethod
    async def replace(self) -> None:
        """Replace the index with an empty one; afterwards all turns must be indexed."""

    @abstractmethod
    async def follow(self) -> None:
        """Remove stale keys."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction that writes only keys. It locks the chats that they are of."""
        with under(None):
            async with self._database.transaction(alone=True) as tx:
                yield tx

    async def old_chats(self) -> list[int]:
        """The chats with turns to index again, most recently active first."""
        rows = await self._database.rows(
            "SELECT id FROM chats WHERE old_turn > 0"
            " ORDER BY (SELECT max(turns.id) FROM turns WHERE chat_id = chats.id) DESC"
        )
        return [row["id"] for row in rows]

    async def moved(self, tx: Transaction, chat_id: int, last_turn: int) -> None:
        """Record that only turns up to this one must still be indexed again."""
        await tx.execute("UPDATE chats SET old_turn = ? WHERE id = ?", (last_turn, chat_id))

    async def take_away_old(self) -> bool:
        """Remove some of an older index that is no longer searched; False if nothing is left."""
        return False

    async def renew_all(self, version: str) -> None:
        """Have all turns indexed again if the index's terms were made by another version."""
        if await self._database.row("SELECT 1 FROM index_version WHERE id = 1 AND version = ?", (version,)):
            return
        async with self._database.transaction(alone=True) as tx:
            if await tx.rows("SELECT 1 FROM index_version WHERE id = 1"):
                await tx.execute("UPDATE chats SET old_turn = indexed_turn")
            await tx.execute("DELETE FROM chat_languages")
            await tx.execute(
                "INSERT INTO index_version (id, version) VALUES (1, ?)"
                " ON CONFLICT (id) DO UPDATE SET version = excluded.version",
                (version,),
            )

    async def stale(self, tx: Transaction, turn_ids: Iterable[int]) -> None:
        """Mark the keys of these turns as stale, because they contain words that are gone."""
        await tx.execute(
            f"INSERT INTO stale_keys (turn_id) SELECT value FROM {each()} WHERE true ON CONFLICT (turn_id) DO NOTHING",
            (listed(turn_ids),),
        )
        tx.deletes = True

    async def next_stale(self, limit: int) -> dict[int, list[int]]:
        """Turns whose stale keys were removed and not yet replaced: ascending ids by chat id."""
        changes = self._changes
        if self._damaged or self._renewed == changes:
            return {}
        rows = await self._database.rows(
            # CROSS JOIN starts with the few stale keys; otherwise SQLite would check every turn.
            "SELECT chat_id, id FROM stale_keys CROSS JOIN turns ON turns.id = turn_id ORDER BY turn_id LIMIT ?",
            (limit,),
        )
        found: dict[int, list[int]] = {}
        for row in rows:
            found.setdefault(row["chat_id"], []).append(row["id"])
        if not found:
            self._renewed = changes
        return found

    async def renewed(self, tx: Transaction, turn_ids: Iterable[int]) -> None:
        """Record that these turns get up-to-date keys in this transaction. The key of a deleted one must be removed."""
        await tx.execute(
            f"DELETE FROM stale_keys WHERE turn_id {in_list()} AND turn_id IN (SELECT id FROM turns)",
            (listed(turn_ids),),
        )
