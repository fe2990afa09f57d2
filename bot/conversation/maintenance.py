"""Maintenance: indexing and compaction of a chat between its turns.

A compaction is a separate task, at most one per chat. Turns that arrive in the meantime are answered from the
current window and don't cancel it; only when the window is at its cap does the next turn wait.
"""

import asyncio
import logging
from collections.abc import Callable

from bot.concurrency import backoff
from bot.conversation.answer import AnswerInFlight, AnswerState
from bot.conversation.compaction import CompactionOutcome, WindowCompactor
from bot.conversation.embedding import EmbeddingIndex
from bot.conversation.indexing import Indexer, IndexRepair
from bot.conversation.thresholds import MemoryMode, pays_while_warm
from bot.conversation.window import PromptWindow, WindowReader
from bot.conversation.window_probe import WindowProbe
from bot.errors import BudgetSpent, ModelError
from bot.metrics import COMPACTIONS
from storage.chats import Chats
from storage.database import Database
from storage.memories import Memories
from storage.records import Chat

CACHE_S = 300.0
"""How long a prompt cache lasts after its last use (Qwen's explicit cache; OpenAI's minimum)."""
QUIET_S = 240.0
"""Silence after which a chat counts as quiet; a minute is left to use its cache."""
FIRST_RETRY_S = 60.0
LONGEST_RETRY_S = 3600.0
"""Seconds before a failed compaction is repeated: the first pause, which doubles each time, and the longest."""
SIDE_BY_SIDE = 4
"""Concurrent compactions in the background: after a night hundreds of chats may be due."""
IDLE = "idle"

log = logging.getLogger(__name__)


class Maintenance:
    """Schedules compactions. `schedule` is `idle`, `off` or a crontab; `clock` gives Unix seconds."""

    def __init__(
        self,
        database: Database,
        chats: Chats,
        memories: Memories,
        windows: WindowReader,
        compactor: WindowCompactor,
        indexer: Indexer,
        embedding: EmbeddingIndex | None,
        schedule: str,
        clock: Callable[[], float],
        index_repair: IndexRepair | None = None,
        window_probe: WindowProbe | None = None,
    ) -> None:
        self._database = database
        self._chats = chats
        self._memories = memories
        self._windows = windows
        self._compactor = compactor
        self._indexer = indexer
        self._embedding = embedding
        self._schedule = schedule
        self._clock = clock
        self._index_repair = index_repair
        self._window_probe = window_probe
        self._running: dict[int, asyncio.Task[CompactionOutcome]] = {}
        self._room = asyncio.Semaphore(SIDE_BY_SIDE)
        self._leads = False
        self._queued: set[int] = set()
        """Chats whose compaction is waiting for others."""

    async def look_after(self, chat_id: int, answer: AnswerInFlight | None = None) -> None:
        """Index new turns, and decide whether to compact the window now, later when the chat is quiet, or not.

        Unaddressed talk alone never causes a model call: its compaction waits for the next question.
        `answer`: one that was just given. Anything else that happens in the chat in the meantime has its own call.
        """
        if self._index_repair is not None and self._leads:
            self._index_repair.maintain()
        if (
            self._index_repair is None or not self._index_repair.at_work
        ):  # the rebuild indexes all chats, which takes a while
            await self._indexer.keep_up(chat_id, _unindexed(answer))
        if self._embedding is not None:
            self._embedding.wake(chat_id)
        if self._window_probe is not None:
            self._window_probe.measure_suspected(chat_id)
        if chat_id in self._running or (answer is not None and self._is_far_from_due(answer)):
            return
        if await self._is_only_overheard(chat_id):
            return
        if await self._chats.by_id(chat_id) is not None:  # else its group has moved, and it joined another chat
            await self._decide(chat_id)

    async def _decide(self, chat_id: int) -> None:
        """Compact the window now, or later when the chat is quiet, or not."""
        view = await self._windows.view(chat_id)
        if self.waits(view.window.chat):
            return
        if (view.sizes.total >= view.thresholds.high and not view.overheard) or self._is_time(view):
            self._start(chat_id, queues=True)
            return
        due = self._quiet_at(view)
        if due != view.window.chat.due_at:
            await self._set_due(chat_id, due, 0)

    def _is_far_from_due(self, answer: AnswerInFlight) -> bool:
        """Whether nothing is due even with this answer in the window, decided without reading the window again."""
        view = answer.window
        if view is None or answer.state is not AnswerState.WRITTEN or answer.generation.goes_on:
            return False
        if view.window.chat.due_at is not None or view.window.chat.compact_failures:
            return False
        view = self._windows.with_answer(view, answer.generation.text, answer.token_ratio)
        return view.sizes.total < view.thresholds.high and not pays_while_warm(
            view.policy, view.mode, view.sizes, view.thresholds
        )

    async def _is_only_overheard(self, chat_id: int) -> bool:
        """Whether nothing is due because the chat only has unaddressed talk, decided without loading the window."""
        if not await self._memories.ends_overheard(chat_id):
            return False
        chat = await self._chats.by_id(chat_id)
        if chat is None or chat.due_at is None or self.waits(chat):
            return True
        if chat.due_at > self._clock():  # set for the cache of a window that has since changed
            await self._set_due(chat_id, None, 0)
            return True
        return False

    def waits(self, chat: Chat) -> bool:
        """Whether a recent failure delays the compaction of this chat."""
        return chat.compact_failures > 0 and chat.due_at is not None and chat.due_at > self._clock()

    async def compact(self, chat_id: int, *, most_prompt: float | None = None) -> CompactionOutcome:
        """Compact now, or wait for the compaction in progress. Raises ModelError."""
        return await asyncio.shield(self._start(chat_id, most_prompt))

    async def stop(self, chat_id: int) -> None:
        """Cancel the compaction in progress; it starts again when it is due."""
        task = self._running.get(chat_id)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        await self._set_due(chat_id, None, 0)

    async def begin(self) -> None:
        """Resume the last process's work: a damaged or incomplete index, missing vectors.

        Of several processes, only the leader does so.
        """
        self._leads = True
        if self._index_repair is not None:
            self._index_repair.begin()
        if self._embedding is not None:
            await self._embedding.wake_all()

    async def take_over(self, telegram_id: int) -> None:
        """Resume another process's work for this Telegram chat: keys and vectors that weren't made."""
        await self._indexer.resume()
        if self._embedding is not None:
            await self._embedding.wake_all(telegram_id)

    async def step_down(self) -> None:
        """Stop the work on all chats, because another process leads from now on."""
        self._leads = False
        if self._index_repair is not None:
            await self._index_repair.close()

    async def close(self) -> None:
        """Cancel the current work; nothing of it is stored, and it starts again when its chat is due."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._window_probe is not None:
            await self._window_probe.close()
        if self._index_repair is not None:
            await self._index_repair.close()
        if self._embedding is not None:
            await self._embedding.close()

    def _start(
        self, chat_id: int, most_prompt: float | None = None, *, queues: bool = False
    ) -> asyncio.Task[CompactionOutcome]:
        task = self._running.get(chat_id)
        if task is not None and chat_id in self._queued and not queues:  # someone is waiting for it now
            task.cancel()
            self._queued.discard(chat_id)  # now: the task does so only when it runs again
            task = None
        if task is None:
            work = self._queue(chat_id) if queues else self._run(chat_id, most_prompt)
            task = asyncio.create_task(work, name=f"compaction of chat {chat_id}")
            self._running[chat_id] = task
            task.add_done_callback(lambda done: self._on_done(chat_id, done))
        return task

    def _on_done(self, chat_id: int, task: asyncio.Task[CompactionOutcome]) -> None:
        if self._running.get(chat_id) is task:
            del self._running[chat_id]
        if not task.cancelled() and (exc := task.exception()) is not None and not isinstance(exc, ModelError):
            log.error("A compaction failed", exc_info=exc)

    async def _queue(self, chat_id: int) -> CompactionOutcome:
        """Compact when fewer than SIDE_BY_SIDE others are running."""
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
            await self._mark_due(chat_id)
            outcome = await self._compactor.compact(chat_id, most_prompt=most_prompt)
        except BudgetSpent as exc:
            await self._set_due(chat_id, exc.until, 0)
            raise
        except Exception as exc:  # bugs too: without a pause they would be paid for again and again
            await self._failed(chat_id, exc)
            raise
        await self._set_due(chat_id, self._clock() if outcome is CompactionOutcome.VOID else None, 0)
        return outcome

    async def _mark_due(self, chat_id: int) -> None:
        """Mark the chat as due, so that a killed process's compaction is repeated after the next start."""
        chat = await self._chats.by_id(chat_id)
        await self._set_due(chat_id, self._clock(), chat.compact_failures if chat else 0)

    async def _failed(self, chat_id: int, exc: Exception) -> None:
        chat = await self._chats.by_id(chat_id)
        failures = (chat.compact_failures if chat else 0) + 1
        COMPACTIONS.labels("failed").inc()
        asked = exc.wait_s if isinstance(exc, ModelError) else None
        pause = max(backoff(failures, FIRST_RETRY_S, LONGEST_RETRY_S), asked or 0.0)
        log.warning(
            "Chat %d could not be compacted, retry in %.0f s: %s: %s",
            *(chat.key.telegram_id if chat else 0, pause, type(exc).__name__, exc),
        )
        await self._set_due(chat_id, self._clock() + pause, failures)

    async def _set_due(self, chat_id: int, due_at: float | None, failures: int) -> None:
        async with self._database.transaction() as tx:
            await self._chats.set_due(tx, chat_id, due_at, failures)

    def _is_time(self, view: PromptWindow) -> bool:
        """Whether the schedule wants this window compacted now."""
        due = view.window.chat.due_at
        if (
            due is None
            or due > self._clock()
            or view.sizes.total <= view.thresholds.low
            or view.mode is MemoryMode.FULL
        ):
            return False
        return self._schedule != IDLE or self._quiet_at(view) is not None

    def _quiet_at(self, view: PromptWindow) -> float | None:
        """When to compact because the cache is about to expire; None if it doesn't pay or has expired."""
        if self._schedule != IDLE or not view.window.turns or view.overheard:
            return None
        if not pays_while_warm(view.policy, view.mode, view.sizes, view.thresholds):
            return None
        last = view.window.turns[-1].at
        return last + QUIET_S if self._clock() - last < CACHE_S else None


def _unindexed(answer: AnswerInFlight | None) -> int | None:
    """How many turns are to be indexed now that this answer was given; None: that is unknown."""
    if answer is None or answer.window is None or answer.state is not AnswerState.WRITTEN:
        return None
    window = answer.window.window
    if window.chat.indexed_turn < window.through_turn:  # some have left the window
        return None
    return sum(turn.id > window.chat.indexed_turn for turn in window.turns) + 1
