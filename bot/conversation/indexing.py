"""Indexing: each turn is searchable by its own words and its neighbours'.

The search index follows the transcript. A damaged index is rebuilt in the background while the bot keeps answering.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import tzinfo
from functools import partial

from bot.concurrency import start_apart
from bot.conversation.index_keys import (
    LANGUAGES,
    HistoryReader,
    PlainHistoryReader,
    languages_in,
    runs_of_turns,
    turn_keys,
)
from bot.conversation.search_terms import KEYS_VERSION
from storage import StorageError, Transaction
from storage.chats import Chats
from storage.history import History
from storage.records import Chat, HistoryTurn
from storage.search import Search, TurnKey

BATCH = 100
"""Turns indexed per transaction, so that other writers wait only milliseconds."""
INDEX_AFTER = 16
"""New turns that a chat collects before they are indexed in one transaction."""
RENEWED = 50
"""The same for turns with changed or deleted neighbours, which are spread over the index."""
MOVED, REST_S = 50, 0.02
"""Turns moved from an older index per transaction, and seconds to pause after each, so that answers aren't delayed."""
LOOKED_AT = 5_000
"""Ids that one step of the repair reads, in about ten milliseconds."""
PROBES = 30
"""Turns looked up by one of their words to test the index."""
MOST_MISSED = 0.1
"""The tolerated share of failed probes; a damaged index misses nearly all, or raises an error."""
_PROBE = re.compile(r"[^\W\d_]{2,}")
"""A word suitable for a probe."""
LOOK_EVERY_S = 86_400.0
"""How often the whole index is checked, in seconds: a damaged index may raise no error and just find nothing."""
RETRY_S = 300.0
"""Seconds until the next attempt to rebuild an index, for example while the disk is full."""

log = logging.getLogger(__name__)


class Indexer:
    """Writes index keys; dates are those of `zone`. Turns are read by `reader`."""

    def __init__(
        self, chats: Chats, history: History, search: Search, zone: tzinfo, reader: HistoryReader | None = None
    ) -> None:
        self._chats = chats
        self._history = history
        self._search, self._index = search, search.index
        self._zone = zone
        self._reader = reader or PlainHistoryReader()

    @property
    def is_damaged(self) -> bool:
        """Whether the search index is known to be damaged."""
        return self._index.damaged

    async def keep_up(self, chat_id: int, new: int | None = None) -> None:
        """Index new turns when enough of them have come; until then they are in the window, or `reach` indexes them.

        `new`: how many there are; None: unknown.
        """
        await self.renew()
        if new is None:
            new = await self._history.unindexed_count(chat_id, INDEX_AFTER)
        if new >= INDEX_AFTER:
            await self.catch_up(chat_id)

    async def reach(self, chat: Chat, turn_id: int) -> None:
        """Before a search: index the new turns up to this one, unless they are a backlog that takes long.

        `chat`: as it was read with its window.
        """
        if chat.indexed_turn >= turn_id:
            return
        try:
            if await self._history.unindexed_count(chat.id, 1):
                await self._index_batch(chat.id)
        except StorageError as exc:  # an answer doesn't fail because of that
            log.info("New turns can't be indexed now: %s", exc)

    async def catch_up(self, chat_id: int, indexed: Callable[[int], object] | None = None) -> None:
        """Index all new turns; `indexed` is called with the number of those that were."""
        await self.renew()
        while await self._history.unindexed_count(chat_id, 1):
            count = await self._index_batch(chat_id)
            if indexed is not None:
                indexed(count)
            if count < BATCH:  # newer turns get a call of their own
                return

    async def _index_batch(self, chat_id: int) -> int:
        """Index the oldest new turns; returns how many. Progress and keys share a transaction, so a kill loses neither.

        A damaged index takes none.
        """
        if self._index.damaged:
            return 0
        async with self._index.transaction() as tx:
            await tx.lock_chats(chat_id)
            # Read inside the writing transaction, so that turns forgotten in the meantime don't come back as keys.
            rows = await self._history.unindexed(tx, chat_id, BATCH)
            if not rows.fresh:
                return 0
            home = await self._home(tx, chat_id, rows.fresh)
            keys = await self._keys(chat_id, (*rows.before, *rows.fresh), home)
            # The last turn indexed before gets a new neighbour; the one before it serves only as its neighbour.
            await self._search.put(tx, chat_id, keys[max(len(rows.before) - 1, 0) :])
            await self._search.progress(tx, chat_id, rows.fresh[-1].turn_id)
            return len(rows.fresh)
        return 0

    async def renew(self) -> None:
        """Index again the turns that were changed, or whose neighbours were."""
        while stale := await self._index.next_stale(RENEWED):
            async with self._index.transaction() as tx:
                await tx.lock_chats(*stale)
                await self._index.renewed(tx, [turn_id for turn_ids in stale.values() for turn_id in turn_ids])
                for chat_id, turn_ids in stale.items():
                    home = await self._chats.languages(chat_id, tx)
                    for rows in runs_of_turns(await self._history.indexed(tx, chat_id, turn_ids)):
                        keys = await self._keys(chat_id, rows, home)
                        await self._search.put(tx, chat_id, [key for key in keys if key.turn_id in turn_ids])

    async def resume(self) -> None:
        """Remove and make the keys that a process which died has left stale."""
        await self._index.follow()
        await self.renew()

    async def _keys(self, chat_id: int, rows: Sequence[HistoryTurn], home: Sequence[str] = ()) -> list[TurnKey]:
        return await self._reader.read(chat_id, rows, partial(turn_keys, zone=self._zone, home=home))

    async def _home(self, tx: Transaction, chat_id: int, fresh: Sequence[HistoryTurn]) -> tuple[str, ...]:
        """The chat's languages, after counting those of new turns."""
        languages = await self._reader.read(chat_id, fresh, languages_in, LANGUAGES)
        await self._chats.count_languages(tx, chat_id, languages)
        return await self._chats.languages(chat_id, tx)

    async def move(self) -> None:
        """Move an older index into this one in small steps, recently active chats first.

        Until then the old one is searched for turns that haven't been moved. A killed process continues after its next
        start.
        """
        await self._index.renew_all(KEYS_VERSION)
        chats, more = await self._index.old_chats(), True
        while chats and not self._index.damaged:
            if not await self._move_some(chats[0]):
                chats = chats[1:]
            await asyncio.sleep(REST_S)
        while more and not self._index.damaged and not await self._index.old_chats():
            more = await self._index.take_away_old()
            await asyncio.sleep(REST_S)

    async def _move_some(self, chat_id: int) -> bool:
        """Index the newest of a chat's old turns; False if none are left."""
        async with self._index.transaction() as tx:
            await tx.lock_chats(chat_id)
            rows = await self._history.old(tx, chat_id, MOVED)
            home = await self._home(tx, chat_id, rows.old)
            keys = {key.turn_id: key for key in await self._keys(chat_id, rows.all, home)}
            await self._search.put(tx, chat_id, [keys[row.turn_id] for row in rows.old])
            await self._index.moved(tx, chat_id, rows.rest)
            return rows.rest > 0
        return False

    async def forgotten(self, tx: Transaction, chat_id: int, turn_ids: Iterable[int]) -> None:
        """Turns were deleted: their neighbours' keys contain their words, so mark them stale."""
        for turn_id in turn_ids:
            before, after = await self._history.neighbours(tx, chat_id, turn_id)
            await self._index.stale(tx, [row.turn_id for row in (*before[-1:], *after[:1])])

    async def changed(self, tx: Transaction, chat_id: int, turn_id: int) -> None:
        """A turn was changed: its own and its neighbours' keys contain the old words, so mark them stale."""
        before, after = await self._history.neighbours(tx, chat_id, turn_id)
        await self._index.stale(tx, [turn_id, *(row.turn_id for row in (*before[-1:], *after[:1]))])

    async def probe(self) -> bool:
        """Whether the index is sound: a sample of turns must be found by their words, and SQLite checks all of it."""
        probes = missed = 0
        for row in await self._history.sample(PROBES):
            key = (await self._keys(0, [row]))[0]
            # Words as written: stems depend on the languages that the chat had at the time.
            words = [word for word in (key.written or key.own).split() if _PROBE.fullmatch(word)]
            if words:
                probes += 1
                missed += not await self._search.finds(row.turn_id, max(words, key=len))
        if missed > MOST_MISSED * probes:
            await self._index.mark_damaged(f"{missed} of {probes} messages can't be found by their own words")
        await self._index.examine()
        return not await self._index.look()

    async def rebuild(self) -> None:
        """Rebuild the index. A killed process continues after its next start."""
        await self._index.replace()
        await self.catch_up_all()

    async def catch_up_all(self, indexed: Callable[[int], object] | None = None) -> None:
        """Index the new turns of all chats; see `catch_up`."""
        await self.renew()
        for chat_id in await self._history.chats_to_index():
            await self.catch_up(chat_id, indexed)

    async def begin_index(self) -> None:
        """Record that an empty index is about to be filled by this version, so that it isn't all done again."""
        await self._index.renew_all(KEYS_VERSION)

    async def keep_up_all(self) -> None:
        """Index the new turns of chats that have enough of them."""
        await self.renew()
        for chat_id in await self._history.chats_to_index():
            await self.keep_up(chat_id)

    async def repair(self) -> None:
        """Remove keys without a turn and add missing ones, some thousand ids at a time."""
        await self._index.follow()
        for first in range(1, await self._search.last_key() + 1, LOOKED_AT):
            last = first + LOOKED_AT - 1
            if orphans := await self._search.orphans(first, last):
                async with self._index.transaction() as tx:
                    await self._search.remove(tx, orphans)
            for chat_id, turn_id in (await self._search.without_key(first, last)).items():
                async with self._index.transaction() as tx:
                    await tx.lock_chats(chat_id)
                    await self._search.progress(tx, chat_id, turn_id - 1)
                await self.catch_up(chat_id)

    async def merge(self) -> None:
        """Merge the index's segments in small steps, so that no deleted word survives in an old one."""
        begins, more = True, not self._index.damaged
        while more:
            more = False
            async with self._index.transaction() as tx:
                more = await self._search.merge(tx, begins=begins)
            begins = False


class IndexRepair:
    """Keeps the index sound; `clock` gives monotonic seconds."""

    def __init__(self, indexer: Indexer, clock: Callable[[], float]) -> None:
        self._indexer = indexer
        self._clock = clock
        self._not_before = 0.0
        self._looked_at = clock()
        self._working: asyncio.Task[None] | None = None
        self._moving: asyncio.Task[None] | None = None

    @property
    def at_work(self) -> bool:
        """Whether all chats are being indexed now."""
        return self._working is not None and not self._working.done()

    def begin(self) -> None:
        """Check the index after a start, and index what the last process left."""
        self._start(self._look)

    def maintain(self) -> None:
        """Rebuild the index if it is known to be damaged; check it again after a day."""
        if self.at_work or self._clock() < self._not_before:
            return
        if self._indexer.is_damaged:
            self._start(self._rebuild)
        elif self._clock() >= self._looked_at + LOOK_EVERY_S:
            self._start(self._look)

    async def close_when_done(self) -> None:
        """Wait until the current work is done."""
        if self._working is not None:
            await self._working
        if self._moving is not None:
            await self._moving

    async def close(self) -> None:
        """Cancel the current work; it continues after the next start."""
        tasks = [task for task in (self._working, self._moving) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        self._working = start_apart(self._guarded(work), "search index")

    async def _guarded(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        try:
            await (
                work()
            )  # called here, because a task that is cancelled before it starts would never await the coroutine
        except StorageError as exc:
            log.error("The search index can't be rebuilt now, trying again in %.0f s: %s", RETRY_S, exc)
            self._not_before = self._clock() + RETRY_S
        except Exception:
            log.exception("The search index can't be rebuilt, trying again in %.0f s", RETRY_S)
            self._not_before = self._clock() + RETRY_S

    async def _look(self) -> None:
        self._looked_at = self._clock()
        if await self._indexer.probe():
            await self._indexer.keep_up_all()
        else:
            await self._rebuild()
        if self._moving is None or self._moving.done():
            self._moving = start_apart(self._guarded(self._indexer.move), "older search index")

    async def _rebuild(self) -> None:
        await self._indexer.rebuild()
        log.warning("The search index was rebuilt")
