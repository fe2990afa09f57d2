"""Keeping the search index in step with the transcript: each turn by its own words and those of its neighbours."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from bot.conversation.asking import plain
from bot.conversation.keys import dated, spread
from storage import Storage, Transaction
from storage.records import Role, Spoken
from storage.search import Key

BATCH = 200
"""Turns that are indexed in one transaction: other writers wait for it some milliseconds."""


@dataclass(frozen=True, slots=True)
class Indexer:
    """Writes keys; dates are those of `zone`."""

    storage: Storage
    zone: tzinfo

    async def catch_up(self, chat_id: int) -> None:
        """Index what was said since the last time. Progress and keys are one transaction: a kill loses neither."""
        while True:
            rows = await self.storage.past.unindexed(chat_id, BATCH)
            if not rows.fresh:
                return
            keys = self._keys((*rows.before, *rows.fresh))
            async with self.storage.transaction() as tx:
                # The turn before the fresh ones has a new neighbour; the one before that is only its neighbour.
                await self.storage.search.put(tx, chat_id, keys[max(len(rows.before) - 1, 0) :])
                await self.storage.search.progress(tx, chat_id, rows.fresh[-1].turn_id)

    async def forgotten(self, tx: Transaction, chat_id: int, turn_ids: Iterable[int]) -> None:
        """Index the neighbours of turns anew that have just been deleted: their keys held those words too."""
        for turn_id in turn_ids:
            before, after = await self.storage.past.beside(tx, chat_id, turn_id)
            stale = {row.turn_id for row in (*before[-1:], *after[:1])}
            keys = self._keys((*before, *after))
            await self.storage.search.put(tx, chat_id, [key for key in keys if key.turn_id in stale])

    async def drop_orphans(self) -> None:
        """Drop keys whose turn is gone."""
        async with self.storage.transaction() as tx:
            await self.storage.search.drop_orphans(tx)

    async def merge(self) -> None:
        """Merge the parts of the index into one, in small steps, so that no deleted word lingers in an old part."""
        begins, more = True, True
        while more:
            async with self.storage.transaction() as tx:
                more = await self.storage.search.merge(tx, begins=begins)
            begins = False

    def _keys(self, rows: Sequence[Spoken]) -> list[Key]:
        own = [self._own(row) for row in rows]
        around = [" ".join((*own[max(at - 1, 0) : at], *own[at + 1 : at + 2])) for at in range(len(own))]
        return [Key(row.turn_id, *words) for row, *words in zip(rows, own, around, strict=True)]

    def _own(self, row: Spoken) -> str:
        if row.role is Role.ASSISTANT:
            return spread(row.content)
        day = dated(datetime.fromtimestamp(row.at, self.zone))
        return spread(f"{day} {row.speaker or ''} {plain(row.content)}")
