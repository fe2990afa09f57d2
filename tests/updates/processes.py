"""Processes that share a database, as far as chats, lanes and claims go: without Telegram and without a model."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path

import pytest

from bot.outbound.reach import LOST_S, TelegramReach
from bot.updates import replica as module
from bot.updates.activity import Activity
from bot.updates.chat_work import LaneWork
from bot.updates.in_flight import InFlightFile
from bot.updates.lanes import DroppedUpdate, Lanes
from bot.updates.parsing import QueuedUpdate
from bot.updates.quarantine import Quarantine
from bot.updates.receiver import Receiver
from bot.updates.replica import Replica
from storage import Storage
from storage.claims import ClaimLostError
from storage.inbox import RawUpdate
from storage.postgres.chat_claims import Member
from storage.records import ChatKey
from tests.updates.samples import NamedBot, message_json

numbers = count(1 << 60)


class Recorder:
    """Lane work that marks updates as done, and notes in which process."""

    def __init__(self, storage: Storage, name: str, log: list[tuple[str, int]]) -> None:
        self._storage = storage
        self._name = name
        self._log = log
        self.gates: dict[int, asyncio.Event] = {}
        self.woken: list[ChatKey] = []
        self.lost: list[int] = []
        self.stops = asyncio.Event()
        """Set when work is cancelled."""

    async def handle(self, key: ChatKey, batch: Sequence[QueuedUpdate]) -> None:
        if not batch:
            self.woken.append(key)
        try:
            if (gate := self.gates.get(key.telegram_id)) is not None and batch:
                await gate.wait()
        except asyncio.CancelledError:
            self.stops.set()
            raise
        try:
            async with self._storage.transaction() as tx:
                await self._storage.inbox.done(tx, [one.update_id for one in batch])
        except ClaimLostError:
            self.lost.append(key.telegram_id)
            raise
        self._log += [(self._name, one.update_id) for one in batch]

    def ends_sending(self, _: QueuedUpdate) -> bool:
        return False

    async def overtake(self, one: QueuedUpdate) -> None:
        await self.handle(one.key, [one])

    def is_overheard(self, _: QueuedUpdate) -> bool:
        return False

    async def overflow(self, _: Sequence[DroppedUpdate]) -> None: ...

    def more_to_come(self, _: ChatKey) -> None: ...

    def arrived(self, _: QueuedUpdate) -> None: ...

    async def edited(self, _: QueuedUpdate) -> None: ...


class Lead:
    """Notes whether its process leads."""

    def __init__(self) -> None:
        self.leads = False

    def begin(self) -> None:
        self.leads = True

    def end(self) -> None:
        self.leads = False


class Process:
    """What one process has of all this."""

    def __init__(self, name: str, url: str, storage: Storage, log: list[tuple[str, int]], folder: Path) -> None:
        self.storage = storage
        self.changes = 0
        self.recovered: list[int] = []
        self.now = 0.0
        """The time by which it is judged whether Telegram can be reached."""
        self.reach = TelegramReach(lambda: self.now)
        activity = Activity(self.reach, lambda: self.now)
        self.replica = Replica(Member(url, 123456, next(numbers)), activity, time.monotonic)
        self.lanes = Lanes(chats=self.replica)
        self.recorder = Recorder(storage, name, log)
        self.lanes.start(self.recorder)
        quarantine = Quarantine(InFlightFile(folder / f"{name}.inflight"))
        quarantine.open()
        self.quarantine = quarantine
        self.receiver = Receiver(
            *(storage.database, storage.inbox, storage.chats, self.lanes, quarantine, NamedBot(), time.time),
            others=self.replica,
        )
        self.lead = Lead()
        self._run: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        work = LaneWork(
            self.storage.inbox, self.storage.chats, self.lanes, self.receiver, self.quarantine, [self._recover]
        )
        await self.replica.join(0.0)
        self.replica.begin(self.storage.database, work, self._changed)
        self._run = asyncio.create_task(self.replica.run(self.lead))

    async def receive(self, *updates: tuple[int, int]) -> None:
        """Updates (ID, chat) arrive at this process."""
        await self.receiver.receive([RawUpdate(one, message_json(one, "hello", chat_id=chat)) for one, chat in updates])

    async def die(self) -> None:
        """As kill -9 does it: all stops at once, and the connections end."""
        self.replica._tasks.cancel()
        for task in [self._run, *self.lanes._tasks]:
            if task is not None:
                task.cancel()
        await asyncio.sleep(0)
        await self.replica.close()

    def cut_off(self) -> None:
        """The network to Telegram fails, and time passes."""
        for _ in range(4):
            self.now += LOST_S / 3
            self.reach.failed()

    async def leave(self) -> None:
        """As SIGTERM does it."""
        assert self._run is not None
        self._run.cancel()
        await asyncio.gather(self._run, return_exceptions=True)
        await asyncio.gather(self.lanes.drain(10.0), self.replica.leave())
        await self.replica.close()

    async def _recover(self, telegram_id: int) -> None:
        self.recovered.append(telegram_id)

    async def _changed(self) -> None:
        self.changes += 1


Start = Callable[[str], Awaitable[Process]]


@pytest.fixture(autouse=True)
def short_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SWEEP_S", 0.2)


@pytest.fixture
def log() -> list[tuple[str, int]]:
    """The process and the ID of each update that was handled, in order."""
    return []


@asynccontextmanager
async def _process(name: str, url: str, log: list[tuple[str, int]], folder: Path) -> AsyncIterator[Process]:
    storage = await Storage.connect(url)
    process = Process(name, url, storage, log, folder)
    await process.begin()
    try:
        yield process
    finally:
        await process.die()
        await storage.close()


@pytest.fixture
async def start(postgres_url: str, log: list[tuple[str, int]], tmp_path: Path) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def started(name: str) -> Process:
            return await stack.enter_async_context(_process(name, postgres_url, log, tmp_path))

        yield started


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what happens in another process can only be looked for
            await asyncio.sleep(0.01)
