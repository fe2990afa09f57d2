"""What is done for all chats at night: what is too old is deleted, and the index is put in order."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.conversation.asking import plain
from bot.conversation.indexing import Indexer
from bot.conversation.kept import sharing_codes, telling_of
from bot.conversation.tokens import TokenCounter
from storage import Storage, Transaction

BATCH = 100
"""Turns that are deleted in one transaction: other writers wait for it, some ten milliseconds."""
MOST_COMPARED = 20_000
"""Tokens of a window that lines of notes are compared with."""


@dataclass(frozen=True, slots=True)
class Cleaning:
    """Works through all chats in small steps."""

    storage: Storage
    indexer: Indexer
    count_tokens: TokenCounter

    async def delete_before(self, before: float) -> int:
        """Delete for good what was said before this time (Unix seconds), what notes tell of it, and notes as old.

        Returns how many turns. A turn that waits for its answer stays.
        """
        deleted = 0
        for chat_id, lines in (await self.storage.memories.lines_of_before(before)).items():
            async with self.storage.transaction() as tx:
                await self._take_out(tx, chat_id, lines)
        while turns := await self.storage.past.stored_before(before, BATCH):
            told = {chat_id: await self._told_of(chat_id, turn_ids) for chat_id, turn_ids in turns.items()}
            async with self.storage.transaction() as tx:
                for chat_id, turn_ids in turns.items():
                    await self._take_out(tx, chat_id, told[chat_id])
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

    async def _told_of(self, chat_id: int, turn_ids: Sequence[int]) -> set[str]:
        """The lines of a chat's notes that tell of these turns, and not of one that is in its window and stays."""
        lines = await self.storage.memories.lines(chat_id)
        if not lines:
            return set()
        leaving = {*turn_ids}
        gone = [one.content for one in await self.storage.past.of_ids(chat_id, turn_ids)]
        window = (await self.storage.memories.window(chat_id, most_tokens=MOST_COMPARED)).turns
        stays = [plain(turn.content) for turn in window if turn.id not in leaving]
        told = telling_of(lines, map(plain, gone))
        return (told - telling_of(told, stays)) | sharing_codes(lines, map(plain, gone), stays)

    async def _take_out(self, tx: Transaction, chat_id: int, lines: set[str]) -> None:
        if lines:
            await self.storage.chats.take_back(tx, chat_id)  # a compaction under way would bring them back
            await self.storage.memories.take_out(tx, chat_id, lines.__contains__, self.count_tokens)

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
