"""Deletion of forgotten turns in the background, a few at a time, so that no chat has to wait.

It continues after a restart. Of several processes, each may work on any chat; they exclude each other by its lock.
"""

import asyncio
import logging

from bot.concurrency import start_apart
from bot.conversation.indexing import Indexer
from storage import StorageError
from storage.chats import Chats
from storage.database import Database
from storage.deletions import Deletions, RemainingTurns

BATCH = 50
"""Turns deleted per transaction, so that other writers wait only some ten milliseconds."""
AGAIN_AFTER_S = 30.0

log = logging.getLogger(__name__)


async def hide_turns(database: Database, chats: Chats, deletions: Deletions, left: RemainingTurns) -> None:
    """Move all confirmed turns out of sight of their chat."""
    more = True
    while more:
        async with database.transaction() as tx:
            await tx.lock_chats(left.home, left.aside)
            more = await deletions.hide_more(tx, left)
            if more:
                await chats.begin_epoch(tx, left.home)


class Eraser:
    """Deletes forgotten turns of all chats in one background task."""

    def __init__(self, database: Database, chats: Chats, deletions: Deletions, indexer: Indexer) -> None:
        self._database = database
        self._chats = chats
        self._deletions = deletions
        self._indexer = indexer
        self._wanted = asyncio.Event()
        self._working: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start deleting everything that was forgotten; retries until it succeeds."""
        self._wanted.set()
        if self._working is None or self._working.done():
            self._working = start_apart(self._work(), "erasing")

    async def close(self) -> None:
        """Stop; the next start continues."""
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)

    async def _work(self) -> None:
        while self._wanted.is_set():
            self._wanted.clear()
            try:
                await self.erase()
            except Exception as exc:
                if not isinstance(exc, StorageError):  # a bug must not leave it undeleted until the next start
                    log.exception("Forgotten turns could not be deleted")
                log.warning("Forgotten turns will be deleted later: %s", exc)
                self._wanted.set()
                await asyncio.sleep(AGAIN_AFTER_S)

    async def erase(self) -> None:
        """Delete everything forgotten, and overwrite its words in old index segments and the database's log."""
        waiting = await self._deletions.remaining()
        if not waiting:
            return
        for left in waiting:
            await hide_turns(self._database, self._chats, self._deletions, left)
            more = True
            while more:  # other writers get their turn in between
                more = await self._delete_some(left)
        await self._indexer.renew()
        await self._indexer.merge()
        await self._database.scrub()
        async with self._database.transaction() as tx:
            await tx.lock_chats(*(left.aside for left in waiting))
            for left in waiting:
                await self._deletions.finish(tx, left)

    async def _delete_some(self, left: RemainingTurns) -> bool:
        async with self._database.transaction() as tx:
            await tx.lock_chats(left.home, left.aside)
            turn_ids = await self._deletions.return_to_chat(tx, left, BATCH)
            for chat_id in (left.home, left.aside):
                await self._deletions.delete_turns(tx, chat_id, turn_ids)
            await self._indexer.forgotten(tx, left.home, turn_ids)
        return bool(turn_ids)
