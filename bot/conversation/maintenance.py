"""What is done for a chat between its turns: its new turns are indexed, and its window is compacted when that is due.

A compaction is a task of its own, at most one for each chat. It runs beside the turns that come meanwhile: they are
answered from the window as it is, and none of them cancels it. Only a window at its cap has its next turn wait.

What is done for all chats at night: what is too old is deleted, and the index is put in order.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bot.concurrency import backoff
from bot.conversation.compaction import CompactionOutcome, Compactor
from bot.conversation.embedding import EmbeddingIndex
from bot.conversation.indexing import Indexer, IndexRepair
from bot.conversation.memory_loss import sharing_codes, telling_of
from bot.conversation.query import plain
from bot.conversation.thresholds import MemoryMode, worth_while_warm
from bot.conversation.tokens import TokenCounter
from bot.conversation.window import PromptWindow, WindowReader
from bot.conversation.window_probe import WindowProbe
from bot.errors import BudgetSpent, ModelError
from storage import Storage, Transaction
from storage.records import Chat

CACHE_S = 300.0
"""A prompt cache goes cold about this long after its last use (Qwen's explicit cache, OpenAI's shortest)."""
QUIET_S = 240.0
"""After this much silence a chat counts as quiet: a minute is left to use its cache while it is warm."""
FIRST_RETRY_S = 60.0
LONGEST_RETRY_S = 3600.0
"""A compaction that failed is tried again after this, doubled each time."""
SIDE_BY_SIDE = 4
"""Compactions that nobody waits for run at once: after a night hundreds of chats may be due."""
IDLE = "idle"
BATCH = 100
"""Turns that are deleted in one transaction: other writers wait for it, some ten milliseconds."""
MOST_COMPARED = 20_000
"""Tokens of a window that lines of notes are compared with."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Looks after windows. `schedule` is `idle`, `off` or a crontab; `clock` gives Unix seconds."""

    storage: Storage
    windows: WindowReader
    compactor: Compactor
    indexer: Indexer
    embedding: EmbeddingIndex | None
    schedule: str
    clock: Callable[[], float]
    mending: IndexRepair | None = None
    measuring: WindowProbe | None = None
    running: dict[int, asyncio.Task[CompactionOutcome]] = field(default_factory=dict)
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SIDE_BY_SIDE))
    _queued: set[int] = field(default_factory=set)
    """Chats whose compaction waits for the others."""

    async def look_after(self, chat_id: int) -> None:
        """Index what was said, and see whether the window is to be compacted now, or later when it stays quiet.

        What is only overheard costs no call of the model: its compaction waits for the next question.
        """
        if self.mending is not None:
            self.mending.see_to()
        if self.mending is None or not self.mending.at_work:  # which indexes all chats, and takes a while
            await self.indexer.catch_up(chat_id)
        if self.embedding is not None:
            self.embedding.wake(chat_id)
        if self.measuring is not None:
            self.measuring.see_to(chat_id)
        if chat_id in self.running or await self._is_only_overheard(chat_id):
            return
        view = await self.windows.view(chat_id)
        if self.waits(view.window.chat):
            return
        if (view.sizes.total >= view.marks.high and not view.overheard) or self._is_time(view):
            self._start(chat_id, queues=True)
            return
        due = self._quiet_at(view)
        if due != view.window.chat.due_at:
            await self._look_at(chat_id, due, 0)

    async def _is_only_overheard(self, chat_id: int) -> bool:
        """Whether nothing is to be done since people talk among themselves: said without reading what they say."""
        if not await self.storage.memories.ends_overheard(chat_id):
            return False
        chat = await self.storage.chats.by_id(chat_id)
        if chat is None or chat.due_at is None or self.waits(chat):
            return True
        if chat.due_at > self.clock():  # its cache would go cold: that of a window which has changed since
            await self._look_at(chat_id, None, 0)
            return True
        return False

    def waits(self, chat: Chat) -> bool:
        """Whether a compaction of this chat failed so recently that it is not tried yet."""
        return chat.compact_failures > 0 and chat.due_at is not None and chat.due_at > self.clock()

    async def compact(self, chat_id: int, *, most_prompt: float | None = None) -> CompactionOutcome:
        """Compact now, or wait for the compaction under way. Raises ModelError."""
        return await asyncio.shield(self._start(chat_id, most_prompt))

    async def stop(self, chat_id: int) -> None:
        """End the compaction under way; it is begun anew when the window asks for it."""
        task = self.running.get(chat_id)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        await self._look_at(chat_id, None, 0)

    async def begin(self) -> None:
        """Take up what the last process left: an index that is damaged or behind, turns without a vector."""
        if self.mending is not None:
            self.mending.begin()
        if self.embedding is not None:
            await self.embedding.wake_all()

    async def close(self) -> None:
        """End what is under way; nothing of it is stored, and it is begun anew when its chat is looked at again."""
        tasks = list(self.running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.measuring is not None:
            await self.measuring.close()
        if self.mending is not None:
            await self.mending.close()
        if self.embedding is not None:
            await self.embedding.close()

    def _start(
        self, chat_id: int, most_prompt: float | None = None, *, queues: bool = False
    ) -> asyncio.Task[CompactionOutcome]:
        task = self.running.get(chat_id)
        if task is not None and chat_id in self._queued and not queues:  # somebody waits for it now
            task.cancel()
            task = None
        if task is None:
            work = self._queue(chat_id) if queues else self._run(chat_id, most_prompt)
            task = asyncio.create_task(work, name=f"compaction of chat {chat_id}")
            self.running[chat_id] = task
            task.add_done_callback(lambda done: self._ended(chat_id, done))
        return task

    def _ended(self, chat_id: int, task: asyncio.Task[CompactionOutcome]) -> None:
        if self.running.get(chat_id) is task:
            del self.running[chat_id]
        if not task.cancelled() and (exc := task.exception()) is not None and not isinstance(exc, ModelError):
            log.error("The compaction of chat %d failed", chat_id, exc_info=exc)

    async def _queue(self, chat_id: int) -> CompactionOutcome:
        """Compact when there is room beside the others."""
        self._queued.add(chat_id)
        try:
            await self._room.acquire()
        finally:
            self._queued.discard(chat_id)
        try:
            return await self._run(chat_id, None)
        finally:
            self._room.release()

    async def _run(self, chat_id: int, most_prompt: float | None) -> CompactionOutcome:
        try:
            await self._begun(chat_id)
            outcome = await self.compactor.compact(chat_id, most_prompt=most_prompt)
        except BudgetSpent as exc:
            await self._look_at(chat_id, exc.until, 0)
            raise
        except Exception as exc:  # a fault of ours as well: without a pause it is paid for again and again
            await self._failed(chat_id, exc)
            raise
        await self._look_at(chat_id, self.clock() if outcome is CompactionOutcome.VOID else None, 0)
        return outcome

    async def _begun(self, chat_id: int) -> None:
        """A process that is killed meanwhile leaves a window that is looked at after the next start."""
        chat = await self.storage.chats.by_id(chat_id)
        await self._look_at(chat_id, self.clock(), chat.compact_failures if chat else 0)

    async def _failed(self, chat_id: int, exc: Exception) -> None:
        chat = await self.storage.chats.by_id(chat_id)
        failures = (chat.compact_failures if chat else 0) + 1
        pause = backoff(failures, FIRST_RETRY_S, LONGEST_RETRY_S)
        log.warning("Chat %d could not be compacted, again in %.0f s: %s: %s", chat_id, pause, type(exc).__name__, exc)
        await self._look_at(chat_id, self.clock() + pause, failures)

    async def _look_at(self, chat_id: int, due_at: float | None, failures: int) -> None:
        async with self.storage.transaction() as tx:
            await self.storage.chats.look_at(tx, chat_id, due_at, failures)

    def _is_time(self, view: PromptWindow) -> bool:
        """Whether the schedule wants this window compacted now."""
        due = view.window.chat.due_at
        if due is None or due > self.clock() or view.sizes.total <= view.marks.low or view.way is MemoryMode.FULL:
            return False
        return self.schedule != IDLE or self._quiet_at(view) is not None

    def _quiet_at(self, view: PromptWindow) -> float | None:
        """When a compaction pays because the cache is about to go cold; None: never, or it is cold already."""
        if self.schedule != IDLE or not view.window.turns or view.overheard:
            return None
        if not worth_while_warm(view.policy, view.way, view.sizes, view.marks):
            return None
        last = view.window.turns[-1].at
        return last + QUIET_S if self.clock() - last < CACHE_S else None


@dataclass(frozen=True, slots=True)
class Retention:
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
