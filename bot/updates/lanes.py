"""One lane per conversation: updates are handled in order within a lane, and no lane waits for another.

A lane exists while it has something to do. Its updates are already on disk, so it can be dropped at any time: what was
not handled is replayed after a restart.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Collection, Coroutine, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from bot.concurrency import Pulse, watched
from bot.logs import logged_turn
from bot.metrics import LANES, QUEUE, count_error
from bot.updates.claimed_chats import AllChats, ClaimedChats
from bot.updates.lane_queue import LaneQueue
from bot.updates.parsing import QueuedUpdate, UpdateKind
from storage.claims import ClaimLostError, current_claim, under
from storage.records import ChatKey

GRACE_S = 1.0
"""How long to wait for the next part of a split paste or a burst of forwards, in seconds."""

MOST_STOPS = 20
"""The most stops that may wait in a chat; further ones would find nothing left to stop."""
MOST_DROPPED = 500
"""How many updates are dropped in one transaction."""
NOTIFIED_S = 60.0
"""For how long someone whose updates are dropped gets no further notice, in seconds."""

STUCK_S = 3600.0
"""How long a lane may be at the same work without a sign of life, in seconds, before that counts as a fault.

Signs of life are pieces of an answer and messages sent. Waiting for as long as Telegram asks for is expected. A model
may be silent for MODEL_TIMEOUT, which this has to exceed.
"""

log = logging.getLogger(__name__)


class Wakeups(Protocol):
    """For code that stores something for a chat's lane to send."""

    def wake(self, key: ChatKey) -> None:
        """Have this chat's lane process what is pending."""


@dataclass(frozen=True, slots=True)
class DroppedUpdate:
    """An update that is not handled, because too many are waiting; `tell`: whether to tell its sender."""

    arrival: QueuedUpdate
    tell: bool


class LaneWorker(Protocol):
    """Does the work of the lanes."""

    async def handle(self, key: ChatKey, batch: Sequence[QueuedUpdate]) -> None:
        """Handle the updates of one turn or one command (or none), then everything pending in the conversation."""

    async def overtake(self, arrival: QueuedUpdate) -> None:
        """Handle an update at once, in parallel to its lane."""

    def ends_sending(self, arrival: QueuedUpdate) -> bool:
        """Whether an update doesn't have to wait for the delivery in progress, because it ends that."""

    def is_overheard(self, arrival: QueuedUpdate) -> bool:
        """Whether an update is a message that is not addressed to the bot."""

    async def overflow(self, dropped: Sequence[DroppedUpdate]) -> None:
        """Mark updates as done without handling them."""

    def more_to_come(self, key: ChatKey) -> None:
        """Note that another part of the turn in progress has arrived: its answer may be started again with it."""

    def arrived(self, arrival: QueuedUpdate) -> None:
        """Note what takes effect at once, before the lane gets to this update: that a group has moved."""

    async def edited(self, arrival: QueuedUpdate) -> None:
        """Note that a message was edited: an answer to its old text that is in progress need not be finished."""


class _Lane:
    def __init__(self) -> None:
        self.queue = LaneQueue()
        self.arrived = asyncio.Event()
        self.gathered: Sequence[QueuedUpdate] = ()
        """The batch that is about to be handled: more of its parts may still arrive."""
        self.current: Sequence[QueuedUpdate] = ()
        self.pending = False
        """Whether the worker should run even without an update."""
        self.pulse: Pulse | None = None
        """The signs of life of the current work."""
        self.reported = False
        """Whether the log says that it is stuck."""
        self.abandoned = False
        """Whether another process has its chat now."""


class Lanes:
    """All lanes and their tasks."""

    def __init__(self, stuck_after: float = STUCK_S, chats: ClaimedChats | None = None) -> None:
        """`stuck_after`: seconds without a sign of life after which a busy lane counts as stuck."""
        self._stuck_after = stuck_after
        self._chats = chats or AllChats()
        self._worker: LaneWorker | None = None
        self._lanes: dict[ChatKey, _Lane] = {}
        self._stops: dict[ChatKey, deque[QueuedUpdate]] = {}
        """What overtakes each chat's lane, in order; at most one of a chat is handled at a time."""
        self._dropped: deque[DroppedUpdate] = deque()
        self._notified: dict[tuple[ChatKey, int | None], float] = {}
        """Who got a notice that their updates are dropped, and when (monotonic seconds)."""
        self._tasks: dict[asyncio.Task[None], int] = {}
        """All tasks, and the Telegram chats that they work for."""
        self._open = True
        QUEUE.set_function(self._queued)
        LANES.set_function(lambda: len(self._lanes))

    def start(self, worker: LaneWorker) -> None:
        """Set the worker. Has to be called before `put` and `wake`."""
        self._worker = worker

    @property
    def _work(self) -> LaneWorker:
        assert self._worker is not None, "started"
        return self._worker

    def wake(self, key: ChatKey) -> None:
        """Have the lane process what is pending in its chat before it continues with its queue."""
        if self._chats.holds(key.telegram_id):
            self._lane(key).pending = True
        else:
            self._chats.forward(key)

    def put(self, arrival: QueuedUpdate) -> None:
        """Queue an update and return at once. Once `drain` has begun, it is left to the next start."""
        if not self._open:
            return
        if not self._chats.holds(arrival.key.telegram_id):
            self._chats.forward(arrival.key)
            return
        self._work.arrived(arrival)
        if arrival.kind is UpdateKind.STOP:
            self._overtake(arrival)
            return
        lane = self._lane(arrival.key)
        if not lane.queue and self._work.ends_sending(arrival):
            self._overtake(arrival)
            return
        overheard = self._work.is_overheard(arrival)
        if not lane.queue.has_room(arrival, overheard=overheard):
            self._drop(arrival, tell=arrival.update.message is not None and self._is_new(arrival))
            return
        if not lane.queue and lane.current and arrival.continues(lane.current[-1]):
            self._work.more_to_come(arrival.key)
        if arrival.kind is UpdateKind.EDIT:
            self._start(self._work.edited(arrival), arrival.key)
        if (replaced := lane.queue.add(arrival, overheard=overheard)) is not None:
            self._drop(replaced, tell=False)
        lane.arrived.set()

    def is_busy(self, key: ChatKey) -> bool:
        """Whether this chat's lane has something to do."""
        return key in self._lanes

    def busy(self) -> set[int]:
        """The Telegram chats that something runs for."""
        return set(self._tasks.values())

    def abandon(self, telegram_ids: Collection[int]) -> None:
        """Cancel all that runs for these chats, and drop what waits: another process goes on with it."""
        for key in [key for key in self._lanes if key.telegram_id in telegram_ids]:
            self._lanes.pop(key).abandoned = True
        for key in [key for key in self._stops if key.telegram_id in telegram_ids]:
            self._stops.pop(key).clear()
        for task, telegram_id in list(self._tasks.items()):
            if telegram_id in telegram_ids:
                task.cancel()

    def has_queued(self, key: ChatKey) -> bool:
        """Whether an update is waiting in this chat's lane."""
        lane = self._lanes.get(key)
        return lane is not None and bool(lane.queue)

    def has_question(self, key: ChatKey) -> bool:
        """Whether a message that needs an answer is waiting in this chat's lane."""
        lane = self._lanes.get(key)
        return lane is not None and (lane.queue.questions > 0 or any(map(self._is_question, lane.gathered)))

    def _is_question(self, queued: QueuedUpdate) -> bool:
        return queued.kind is UpdateKind.MESSAGE and not self._work.is_overheard(queued)

    def _queued(self) -> int:
        return sum(len(lane.queue) for lane in self._lanes.values())

    async def are_moving(self) -> bool:
        """Whether no lane is stuck: at the same work for long, without a sign of life and without an expected wait."""
        now = time.monotonic()
        stuck = {
            key: lane
            for key, lane in self._lanes.items()
            if lane.pulse is not None and now - lane.pulse.beat_at > self._stuck_after
        }
        for key, lane in stuck.items():
            if not lane.reported:
                log.error(
                    "The lane of chat %d has given no sign of life for %.0f s", key.telegram_id, self._stuck_after
                )
                lane.reported = True
        return not stuck

    async def drain(self, timeout: float) -> None:
        """Start nothing new, give work in progress `timeout` seconds to finish, then cancel the rest."""
        self._open = False
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=timeout)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _start(self, work: Coroutine[None, None, None], key: ChatKey) -> None:
        with under(self._chats.claim(key.telegram_id)):
            task = asyncio.create_task(work, name=f"lane {key.telegram_id}/{key.thread_id}")
        self._tasks[task] = key.telegram_id
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        if not task.cancelled() and (exc := task.exception()) is not None:
            log.error("%s failed", task.get_name(), exc_info=exc)

    def _lane(self, key: ChatKey) -> _Lane:
        if key not in self._lanes:
            self._lanes[key] = _Lane()
            self._start(self._run(key, self._lanes[key]), key)
        return self._lanes[key]

    def _overtake(self, arrival: QueuedUpdate) -> None:
        waiting = self._stops.get(arrival.key)
        if waiting is None:
            self._stops[arrival.key] = deque([arrival])
            self._start(self._run_stops(arrival.key), arrival.key)
        elif len(waiting) < MOST_STOPS:
            waiting.append(arrival)
        else:
            self._drop(arrival, tell=False)

    async def _run_stops(self, key: ChatKey) -> None:
        """Handle what overtakes a lane, one at a time: thousands at once would block every other chat."""
        waiting = self._stops[key]
        try:
            while self._open and waiting:
                arrival = waiting.popleft()
                try:
                    with logged_turn(arrival.arrived):
                        await self._work.overtake(arrival)
                except ClaimLostError as exc:
                    log.warning("Work was given up: %s", exc)
                    self._give_up()
                except Exception:
                    count_error(None)
                    log.exception("An update that overtakes its lane failed")
                self.wake(key)
        finally:
            if self._stops.get(key) is waiting:
                del self._stops[key]

    def _give_up(self) -> None:
        if (claim := current_claim()) is not None:
            self._chats.lost(claim)

    def _is_new(self, arrival: QueuedUpdate) -> bool:
        """Whether its sender got no notice lately that updates are dropped; if so, it is noted."""
        who, now = (arrival.key, arrival.sender), time.monotonic()
        for known in [known for known, at in self._notified.items() if now - at >= NOTIFIED_S]:
            del self._notified[known]
        return self._notified.setdefault(who, now) == now

    def _drop(self, arrival: QueuedUpdate, *, tell: bool) -> None:
        self._dropped.append(DroppedUpdate(arrival, tell))
        if len(self._dropped) == 1:
            self._start(self._run_dropped(), arrival.key)

    async def _run_dropped(self) -> None:
        while self._dropped:
            some = list(islice(self._dropped, MOST_DROPPED))
            try:
                await self._work.overflow(some)
            except Exception:  # they are left to the next start
                count_error(None)
                log.exception("%d updates could not be dropped", len(some))
            for _ in some:
                self._dropped.popleft()
            for key in {one.arrival.key for one in some if one.tell}:
                self.wake(key)

    async def _run(self, key: ChatKey, lane: _Lane) -> None:
        try:
            while self._open and not lane.abandoned and (lane.pending or lane.queue):
                lane.current = () if lane.pending else await self._next_batch(lane)
                lane.pending, lane.gathered = False, ()
                lane.pulse, lane.reported = Pulse(), False
                with watched(lane.pulse):
                    await self._handle(key, lane.current)
                lane.pulse = None
                lane.current = ()
        finally:
            if not lane.abandoned:
                del self._lanes[key]

    async def _handle(self, key: ChatKey, batch: Sequence[QueuedUpdate]) -> None:
        try:
            with logged_turn(batch[0].arrived if batch else None):
                await self._work.handle(key, batch)
        except ClaimLostError as exc:
            log.warning("Work was given up: %s", exc)
            self._give_up()
        except Exception:
            count_error(None)
            log.exception("A lane's work failed; the lane continues with its queue")

    async def _next_batch(self, lane: _Lane) -> Sequence[QueuedUpdate]:
        lane.gathered = batch = [lane.queue.pop()]
        while True:
            while lane.queue.first is not None and lane.queue.first.joins(batch[-1]):
                batch.append(lane.queue.pop())
            if lane.queue or not batch[-1].may_continue:
                return batch
            lane.arrived.clear()
            try:
                async with asyncio.timeout(GRACE_S):
                    await lane.arrived.wait()
            except TimeoutError:
                return batch
