"""Keeping the search index in step with the transcript: each turn by its own words and those of its neighbours."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from bot.conversation.asking import spoken
from bot.conversation.keys import dated, spread
from storage import Storage, Transaction
from storage.records import Role, Spoken
from storage.search import Key

BATCH = 200
"""Turns that are indexed in one transaction: other writers wait for it some milliseconds."""
LOOKED_AT = 5_000
"""Ids that one step of the repair reads: some ten milliseconds."""


@dataclass(frozen=True, slots=True)
class Indexer:
    """Writes keys; dates are those of `zone`."""

    storage: Storage
    zone: tzinfo

    async def catch_up(self, chat_id: int) -> None:
        """Index what was said since the last time. Progress and keys are one transaction: a kill loses neither."""
        while await self.storage.past.has_unindexed(chat_id):
            async with self.storage.transaction() as tx:
                # Read in the transaction that writes: what is forgotten meanwhile must not come back as a key.
                rows = await self.storage.past.unindexed(tx, chat_id, BATCH)
                if not rows.fresh:
                    return
                keys = keys_of((*rows.before, *rows.fresh), self.zone)
                # The turn before the fresh ones has a new neighbour; the one before that is only its neighbour.
                await self.storage.search.put(tx, chat_id, keys[max(len(rows.before) - 1, 0) :])
                await self.storage.search.progress(tx, chat_id, rows.fresh[-1].turn_id)

    async def forgotten(self, tx: Transaction, chat_id: int, turn_ids: Iterable[int]) -> None:
        """Index the neighbours of turns anew that have just been deleted: their keys held those words too."""
        for turn_id in turn_ids:
            before, after = await self.storage.past.beside(tx, chat_id, turn_id)
            stale = {row.turn_id for row in (*before[-1:], *after[:1])}
            keys = keys_of((*before, *after), self.zone)
            await self.storage.search.put(tx, chat_id, [key for key in keys if key.turn_id in stale])

    async def changed(self, tx: Transaction, chat_id: int, turn_id: int) -> None:
        """Index a turn anew whose words were changed, and its neighbours, whose keys held the old ones."""
        rows = await self.storage.past.neighbours(tx, chat_id, turn_id)
        at = next((at for at, row in enumerate(rows) if row.turn_id == turn_id), None)
        if at is not None:
            await self.storage.search.put(tx, chat_id, keys_of(rows, self.zone)[max(at - 1, 0) : at + 2])

    async def repair(self) -> None:
        """Drop keys whose turn is gone and make those that are missing, looking at some thousand ids at a time."""
        search = self.storage.search
        for first in range(1, await search.last_key() + 1, LOOKED_AT):
            last = first + LOOKED_AT - 1
            if orphans := await search.orphans(first, last):
                async with self.storage.transaction() as tx:
                    await search.remove(tx, orphans)
            for chat_id, turn_id in (await search.without_key(first, last)).items():
                async with self.storage.transaction() as tx:
                    await search.progress(tx, chat_id, turn_id - 1)
                await self.catch_up(chat_id)

    async def merge(self) -> None:
        """Merge the parts of the index into one, in small steps, so that no deleted word lingers in an old part."""
        begins, more = True, True
        while more:
            async with self.storage.transaction() as tx:
                more = await self.storage.search.merge(tx, begins=begins)
            begins = False


def keys_of(rows: Sequence[Spoken], zone: tzinfo) -> list[Key]:
    """The keys of turns that follow one another, each between its neighbours among them."""
    own = [spread(row.content if row.role is Role.ASSISTANT else spoken(row.content)) for row in rows]
    label = [_label(row, zone) for row in rows]
    keys = []
    for at, row in enumerate(rows):
        near = [one for one in (at - 1, at + 1) if 0 <= one < len(rows) and rows[one].era == row.era]
        around = " ".join(f"{label[one]} {own[one]}" for one in near)
        keys.append(Key(row.turn_id, own[at], around, label[at]))
    return keys


def _label(row: Spoken, zone: tzinfo) -> str:
    if row.role is Role.ASSISTANT:
        return ""
    return spread(f"{dated(datetime.fromtimestamp(row.at, zone))} {row.speaker or ''}")
