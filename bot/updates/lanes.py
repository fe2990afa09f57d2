"""One lane per conversation: first come, first served inside it, and no lane waits for another.

A lane exists while it has something to do. What it holds is on the disk already, so it can be dropped at any time: what
was not handled is replayed after a restart.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine, Sequence
from typing import Protocol

from bot.updates.parsing import QueuedUpdate, UpdateKind
from storage.records import ChatKey

GRACE_S = 1.0
"""How long a turn waits for the next part of a split paste or of a burst of forwards, in seconds."""

MOST_WAITING = 1000
"""Updates that wait in one lane; what comes on top of them is left out ..."""
MOST_OVERHEARD = 10_000
"""... unless it asks nothing. A group talks on while the bot is down, and all of that is heard, at 2.5 kB a message."""

log = logging.getLogger(__name__)


class Wakeups(Protocol):
    """For those who store something that a chat's lane is to send."""

    def wake(self, key: ChatKey) -> None:
        """Have this chat's lane process what is pending."""


class LaneWorker(Protocol):
    """What is done in the lanes."""

    async def handle(self, key: ChatKey, batch: Sequence[QueuedUpdate]) -> None:
        """Handle arrivals that are one turn or one command (or none), then all that the conversation is owed."""

    async def overtake(self, arrival: QueuedUpdate) -> None:
        """Handle an arrival at once, beside whatever its lane does."""

    def ends_sending(self, arrival: QueuedUpdate) -> bool:
        """Whether it need not wait for what is being sent, since it ends that."""

    def is_overheard(self, arrival: QueuedUpdate) -> bool:
        """Whether it is a message that is not meant for the bot."""

    async def overflow(self, arrival: QueuedUpdate, *, tell: bool) -> None:
        """Leave an arrival out, since too much waits before it; `tell` its sender so."""

    def more_to_come(self, key: ChatKey) -> None:
        """A further part of the turn under way has arrived: the answer may be begun again with it."""

    def arrived(self, arrival: QueuedUpdate) -> None:
        """Take note of what holds at once, whatever it has to wait for in its lane: a group that has moved."""

    def edited(self, arrival: QueuedUpdate) -> None:
        """A message has other words now: an answer to the old ones that is under way need not be finished."""


class _Lane:
    def __init__(self) -> None:
        self.queue: deque[QueuedUpdate] = deque()
        self.arrived = asyncio.Event()
        self.gathered: Sequence[QueuedUpdate] = ()
        """What is handled in a moment: more that belongs to it may still be on its way."""
        self.current: Sequence[QueuedUpdate] = ()
        self.asking = 0
        """How many of the queue are not only overheard."""
        self.pending = False
        """Woken: the worker is to run even without an update."""
        self.full = False
        """Someone was told that too much waits."""


class Lanes:
    """All lanes and their tasks."""

    def __init__(self) -> None:
        self._worker: LaneWorker | None = None
        self._lanes: dict[ChatKey, _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = True

    def start(self, worker: LaneWorker) -> None:
        """Give them their worker, before anything is put or woken."""
        self._worker = worker

    @property
    def _work(self) -> LaneWorker:
        assert self._worker is not None, "started"
        return self._worker

    def wake(self, key: ChatKey) -> None:
        """Have the lane process what is pending in its chat before it goes on with its queue."""
        self._lane(key).pending = True

    def put(self, arrival: QueuedUpdate) -> None:
        """Hand over one update; returns at once. After `drain` began it is left to the next start."""
        if not self._open:
            return
        self._work.arrived(arrival)
        if arrival.kind is UpdateKind.STOP:
            self._start(self._overtake(arrival), arrival.key)
            return
        lane = self._lane(arrival.key)
        if not lane.queue and self._work.ends_sending(arrival):
            self._start(self._overtake(arrival), arrival.key)
            return
        overheard = self._work.is_overheard(arrival)
        if len(lane.queue) >= MOST_OVERHEARD if overheard else lane.asking >= MOST_WAITING:
            self._start(self._leave_out(arrival, tell=not lane.full), arrival.key)
            lane.full = True
            return
        if not lane.queue and lane.current and arrival.continues(lane.current[-1]):
            self._work.more_to_come(arrival.key)
        if arrival.kind is UpdateKind.EDIT:
            self._work.edited(arrival)
        lane.queue.append(arrival)
        lane.asking += not overheard
        lane.arrived.set()

    def is_busy(self, key: ChatKey) -> bool:
        """Whether there is something that this lane has to do."""
        return key in self._lanes

    def waits(self, key: ChatKey) -> bool:
        """Whether something waits in this lane for what it does now."""
        lane = self._lanes.get(key)
        return lane is not None and bool(lane.queue)

    def asks(self, key: ChatKey) -> bool:
        """Whether a message that is to be answered waits in this lane."""
        lane = self._lanes.get(key)
        waiting = [*lane.gathered, *lane.queue] if lane is not None else []
        return any(one.kind is UpdateKind.MESSAGE and not self._work.is_overheard(one) for one in waiting)

    async def drain(self, timeout: float) -> None:
        """Let what is under way end within `timeout` seconds, begin nothing new, then cancel what is left."""
        self._open = False
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=timeout)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _start(self, work: Coroutine[None, None, None], key: ChatKey) -> None:
        task = asyncio.create_task(work, name=f"lane {key.telegram_id}/{key.thread_id}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (exc := task.exception()) is not None:
            log.error("%s failed", task.get_name(), exc_info=exc)

    def _lane(self, key: ChatKey) -> _Lane:
        if key not in self._lanes:
            self._lanes[key] = _Lane()
            self._start(self._run(key, self._lanes[key]), key)
        return self._lanes[key]

    async def _overtake(self, arrival: QueuedUpdate) -> None:
        await self._work.overtake(arrival)
        self.wake(arrival.key)

    async def _leave_out(self, arrival: QueuedUpdate, *, tell: bool) -> None:
        await self._work.overflow(arrival, tell=tell)
        if tell:
            self.wake(arrival.key)

    async def _run(self, key: ChatKey, lane: _Lane) -> None:
        try:
            while self._open and (lane.pending or lane.queue):
                lane.current = () if lane.pending else await self._next_batch(lane)
                lane.pending, lane.gathered = False, ()
                await self._handle(key, lane.current)
                lane.current, lane.full = (), lane.full and bool(lane.queue)
        finally:
            del self._lanes[key]

    async def _handle(self, key: ChatKey, batch: Sequence[QueuedUpdate]) -> None:
        try:
            await self._work.handle(key, batch)
        except Exception:
            log.exception("A lane's work failed; the lane goes on with what waits in it")

    async def _next_batch(self, lane: _Lane) -> Sequence[QueuedUpdate]:
        lane.gathered = batch = [self._first(lane)]
        while True:
            while lane.queue and lane.queue[0].joins(batch[-1]):
                batch.append(self._first(lane))
            if lane.queue or not batch[-1].may_continue:
                return batch
            lane.arrived.clear()
            try:
                async with asyncio.timeout(GRACE_S):
                    await lane.arrived.wait()
            except TimeoutError:
                return batch

    def _first(self, lane: _Lane) -> QueuedUpdate:
        arrival = lane.queue.popleft()
        lane.asking -= not self._work.is_overheard(arrival)
        return arrival
