"""What was forgotten is deleted in the background, some turns at a time, so that no chat waits for it.

It was out of every prompt, search and export when that was confirmed. A process that is killed goes on after its start.
"""

import asyncio
import logging

from bot.conversation.forgetting import take_out
from bot.conversation.indexing import Indexer
from storage import Storage, StorageError
from storage.forgettings import Left

BATCH = 50
"""Turns that are deleted in one transaction: other writers wait for it, some ten milliseconds."""
AGAIN_AFTER_S = 30.0

log = logging.getLogger(__name__)


class Erasing:
    """One task for all chats."""

    def __init__(self, storage: Storage, indexer: Indexer) -> None:
        self._storage = storage
        self._indexer = indexer
        self._wanted = asyncio.Event()
        self._working: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Delete what has been forgotten and is still there, now or when that is possible again."""
        self._wanted.set()
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work(), name="erasing")

    async def close(self) -> None:
        """Leave the rest to the next start."""
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)

    async def _work(self) -> None:
        while self._wanted.is_set():
            self._wanted.clear()
            try:
                await self.erase()
            except Exception as exc:
                if not isinstance(exc, StorageError):  # a fault of ours must not leave it there until the next start
                    log.exception("What was forgotten could not be deleted")
                log.warning("What was forgotten is deleted later: %s", exc)
                self._wanted.set()
                await asyncio.sleep(AGAIN_AFTER_S)

    async def erase(self) -> None:
        """Delete all that is forgotten, and overwrite its words in the index's old parts and in the database's log."""
        waiting = await self._storage.forgettings.left()
        if not waiting:
            return
        for left in waiting:
            await take_out(self._storage, left)
            more = True
            while more:  # whoever waits to write has its turn between two of them
                more = await self._delete_some(left)
        await self._indexer.renew()
        await self._indexer.merge()
        await self._storage.database.scrub()
        async with self._storage.transaction() as tx:
            for left in waiting:
                await self._storage.forgettings.done(tx, left)

    async def _delete_some(self, left: Left) -> bool:
        async with self._storage.transaction() as tx:
            turn_ids = await self._storage.forgettings.bring_home(tx, left, BATCH)
            for chat_id in (left.home, left.aside):
                await self._storage.forgettings.delete_turns(tx, chat_id, turn_ids)
            await self._indexer.forgotten(tx, left.home, turn_ids)
        return bool(turn_ids)
