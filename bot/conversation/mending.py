"""A damaged search index is made anew in the background, while the bot answers."""

import asyncio
import logging
from collections.abc import Callable, Coroutine

from bot.conversation.indexing import Indexer
from storage import StorageError

LOOK_EVERY_S = 86_400.0
"""Damage that raises nothing, and only finds nothing, shows when the whole index is looked at."""
RETRY_S = 300.0
"""An index that can't be made anew now (a full disk) is tried again after this, in seconds."""

log = logging.getLogger(__name__)


class Mending:
    """Keeps the index sound; `clock` gives seconds and never goes back."""

    def __init__(self, indexer: Indexer, clock: Callable[[], float]) -> None:
        self._indexer = indexer
        self._clock = clock
        self._not_before = 0.0
        self._looked_at = clock()
        self._working: asyncio.Task[None] | None = None
        self._moving: asyncio.Task[None] | None = None

    @property
    def at_work(self) -> bool:
        """Whether all chats are being indexed just now."""
        return self._working is not None and not self._working.done()

    def begin(self) -> None:
        """Look at the index after a start, and index what the last process left."""
        self._start(self._look)

    def see_to(self) -> None:
        """Make the index anew, if it is known to be damaged; look at it again after a day."""
        if self.at_work or self._clock() < self._not_before:
            return
        if self._indexer.storage.search.index.damaged:
            self._start(self._make_anew)
        elif self._clock() >= self._looked_at + LOOK_EVERY_S:
            self._start(self._look)

    async def close_when_done(self) -> None:
        """Wait for the end of what is under way."""
        if self._working is not None:
            await self._working
        if self._moving is not None:
            await self._moving

    async def close(self) -> None:
        """End what is under way; it is taken up after the next start."""
        tasks = [task for task in (self._working, self._moving) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        self._working = asyncio.create_task(self._guarded(work), name="search index")

    async def _guarded(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        try:
            await work()  # called here: a task that is cancelled before it begins leaves no coroutine behind
        except StorageError as exc:
            log.error("The search index can't be made anew now, again in %.0f s: %s", RETRY_S, exc)
            self._not_before = self._clock() + RETRY_S
        except Exception:
            log.exception("The search index can't be made anew, again in %.0f s", RETRY_S)
            self._not_before = self._clock() + RETRY_S

    async def _look(self) -> None:
        self._looked_at = self._clock()
        if await self._indexer.probe():
            await self._indexer.catch_up_all()
        else:
            await self._make_anew()
        if self._moving is None or self._moving.done():
            self._moving = asyncio.create_task(self._guarded(self._indexer.move), name="older search index")

    async def _make_anew(self) -> None:
        await self._indexer.make_anew()
        log.warning("The search index was made anew")
