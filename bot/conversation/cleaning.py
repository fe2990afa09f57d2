"""What is done for all chats at night: what is too old is deleted, and the index is put in order."""

from dataclasses import dataclass

from bot.conversation.indexing import Indexer
from storage import Storage

BATCH = 100
"""Turns that are deleted in one transaction: other writers wait for it, some ten milliseconds."""


@dataclass(frozen=True, slots=True)
class Cleaning:
    """Works through all chats in small steps."""

    storage: Storage
    indexer: Indexer

    async def delete_before(self, before: float) -> int:
        """Delete for good what was said before this time (Unix seconds), and memories that are as old.

        Returns how many turns. A turn that waits for its answer stays.
        """
        deleted = 0
        while turns := await self.storage.past.stored_before(before, BATCH):
            async with self.storage.transaction() as tx:
                for chat_id, turn_ids in turns.items():
                    deleted += await self.storage.forgettings.delete_turns(tx, chat_id, turn_ids)
                    await self.storage.chats.take_back(tx, chat_id)
                    # The oldest turns went: the only key with their words left is that of the turn behind the last.
                    await self.indexer.forgotten(tx, chat_id, turn_ids[-1:])
        async with self.storage.transaction() as tx:
            await self.storage.memories.delete_before(tx, before)
        if deleted:
            await self.indexer.renew()
            await self.storage.database.scrub()
        return deleted

    async def purge_resets(self, before: float) -> int:
        """Delete for good what was reset before this time (Unix seconds); returns how many turns."""
        deleted = purged = BATCH
        while purged == BATCH:
            async with self.storage.transaction() as tx:
                purged = await self.storage.resets.purge(tx, before, BATCH)
            deleted += purged
        async with self.storage.transaction() as tx:
            await self.storage.memories.prune(tx)
        return deleted - BATCH

    async def repair_index(self) -> None:
        """Index what is missing, drop what has no turn any more, and let the index merge its parts."""
        if not await self.indexer.probe():
            await self.indexer.make_anew()
        await self.indexer.catch_up_all()
        await self.indexer.repair()
        await self.indexer.merge()
