"""Nightly jobs for all chats: they delete what is past its retention period, and tidy up the index."""

from collections.abc import Sequence

from bot.conversation.indexing import Indexer
from bot.conversation.memory_loss import lines_about, sharing_codes
from bot.conversation.query import strip_framing
from bot.conversation.tokens import TokenCounter
from storage import Storage, Transaction

BATCH = 100
"""Turns deleted per transaction, so that other writers wait only some ten milliseconds."""
MOST_COMPARED = 20_000
"""Tokens of the window that memory lines are compared with."""


class Retention:
    """Deletes expired data of all chats in small steps."""

    def __init__(self, storage: Storage, indexer: Indexer, count_tokens: TokenCounter) -> None:
        self._storage, self._indexer, self._count_tokens = storage, indexer, count_tokens

    async def delete_before(self, before: float) -> int:
        """Delete what was said before this time (Unix seconds), memory lines about it, and memory versions that old.

        Returns the number of deleted turns. Turns waiting for an answer stay.
        """
        deleted = 0
        for chat_id, lines in (await self._storage.memories.lines_of_before(before)).items():
            async with self._storage.transaction() as tx:
                await tx.lock_chats(chat_id)
                await self._take_out(tx, chat_id, lines)
        while turns := await self._storage.history.stored_before(before, BATCH):
            lines_by_chat = {chat_id: await self._lines_about(chat_id, turn_ids) for chat_id, turn_ids in turns.items()}
            async with self._storage.transaction() as tx:
                await tx.lock_chats(*turns)
                for chat_id, turn_ids in turns.items():
                    await self._take_out(tx, chat_id, lines_by_chat[chat_id])
                    deleted += await self._storage.deletions.delete_oldest(tx, chat_id, turn_ids)
                    await self._storage.chats.begin_epoch(tx, chat_id)
                    # These were the oldest turns, so only the turn after the last of them has a key with their words.
                    await self._indexer.forgotten(tx, chat_id, turn_ids[-1:])
        async with self._storage.transaction() as tx:
            await self._storage.memories.delete_before(tx, before)
        if deleted:
            await self._clean_up()
        return deleted

    async def _clean_up(self) -> None:
        """Overwrite deleted words in old index segments and the database's log."""
        await self._indexer.renew()
        await self._indexer.merge()
        await self._storage.database.scrub()

    async def _lines_about(self, chat_id: int, turn_ids: Sequence[int]) -> set[str]:
        """Memory lines that are about these turns and not about one that stays in the window."""
        lines = await self._storage.memories.lines(chat_id)
        if not lines:
            return set()
        leaving = {*turn_ids}
        gone = [turn.content for turn in await self._storage.history.of_ids(chat_id, turn_ids)]
        window = (await self._storage.memories.window(chat_id, most_tokens=MOST_COMPARED)).turns
        stays = [strip_framing(turn.content) for turn in window if turn.id not in leaving]
        found = lines_about(lines, map(strip_framing, gone))
        return (found - lines_about(found, stays)) | sharing_codes(lines, map(strip_framing, gone), stays)

    async def _take_out(self, tx: Transaction, chat_id: int, lines: set[str]) -> None:
        if lines:
            await self._storage.chats.begin_epoch(tx, chat_id)  # a compaction in progress would restore them
            await self._storage.memories.take_out(tx, chat_id, lines.__contains__, self._count_tokens)

    async def purge_resets(self, before: float) -> int:
        """Delete what was reset before this time (Unix seconds); returns the number of deleted turns."""
        deleted = purged = BATCH
        while purged == BATCH:
            async with self._storage.transaction() as tx:
                purged = await self._storage.deletions.purge_resets(tx, before, BATCH)
            deleted += purged
        async with self._storage.transaction() as tx:
            await self._storage.memories.prune(tx)
        if deleted > BATCH:
            await self._clean_up()
        return deleted - BATCH

    async def repair_index(self) -> None:
        """Index what is missing, remove orphaned keys, and merge the index's segments."""
        if not await self._indexer.probe():
            await self._indexer.rebuild()
        await self._indexer.catch_up_all()
        await self._indexer.repair()
        await self._indexer.merge()
