"""Several processes on one PostgreSQL database: each chat in one of them, in order, and handed over when one dies."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from bot.updates import replica as module
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
from storage.records import ChatKey, Notice
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
        self.replica = Replica(Member(url, 123456, next(numbers)), time.monotonic)
        self.lanes = Lanes(chats=self.replica)
        self.recorder = Recorder(storage, name, log)
        self.lanes.start(self.recorder)
        quarantine = Quarantine(InFlightFile(folder / f"{name}.inflight"))
        quarantine.open()
        self._quarantine = quarantine
        self.receiver = Receiver(
            *(storage.database, storage.inbox, storage.chats, self.lanes, quarantine, NamedBot(), time.time),
            others=self.replica,
        )
        self.lead = Lead()
        self._run: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        work = LaneWork(
            self.storage.inbox, self.storage.chats, self.lanes, self.receiver, self._quarantine, [self._recover]
        )
        await self.replica.join(0.0)
        self.replica.begin(self.storage.database, work, self._changed)
        self._run = asyncio.create_task(self.replica.run(self.lead))

    async def receive(self, *updates: tuple[int, int]) -> None:
        """Updates (ID, chat) arrive at this process."""
        await self.receiver.receive([RawUpdate(one, message_json(one, "hello", chat_id=chat)) for one, chat in updates])

    async def die(self) -> None:
        """As kill -9 does it: all stops at once, and the connections end."""
        for task in [self._run, *self.lanes._tasks, *self.replica._tasks]:
            if task is not None:
                task.cancel()
        await asyncio.sleep(0)
        await self.replica.close()

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


async def test_updates_of_a_chat_keep_their_order(start: Start, log: list[tuple[str, int]]) -> None:
    processes = [await start(name) for name in "abc"]
    for number in range(1, 31):
        await processes[number % 3].receive((number, number % 2 + 5))
    await until(lambda: len(log) == 30)
    for chat in (0, 1):
        handled = [(name, one) for name, one in log if one % 2 == chat]
        assert [one for _, one in handled] == sorted(one for _, one in handled)
        assert len({name for name, _ in handled}) == 1, "one process had the chat"


async def test_same_update_at_two_processes_counts_once(start: Start, log: list[tuple[str, int]]) -> None:
    first, second = await start("a"), await start("b")
    await asyncio.gather(first.receive((1, 5)), second.receive((1, 5)))
    await first.receive((2, 5))
    await until(lambda: len(log) == 2)
    assert [one for _, one in log] == [1, 2]


async def test_chats_of_a_dead_process_go_on(start: Start, log: list[tuple[str, int]]) -> None:
    first = await start("a")
    first.recorder.gates[5] = asyncio.Event()
    await first.receive((1, 5), (2, 5))
    await until(lambda: first.lanes.busy() == {5})
    second = await start("b")
    await second.receive((3, 5))
    await first.die()
    await until(lambda: len(log) == 3)
    assert log == [("b", 1), ("b", 2), ("b", 3)]
    assert second.recovered == [5]


async def test_shutdown_hands_chats_over_at_once(start: Start, log: list[tuple[str, int]]) -> None:
    first = await start("a")
    gate = first.recorder.gates[5] = asyncio.Event()
    await first.receive((1, 5))
    await until(lambda: first.lanes.busy() == {5})
    await start("b")
    leaving = asyncio.create_task(first.leave())
    await asyncio.sleep(0.05)
    await first.receive((2, 5), (3, 6))  # which it still stores, for others
    gate.set()
    await leaving
    await until(lambda: len(log) == 3)
    assert sorted(log) == [("a", 1), ("b", 2), ("b", 3)]


async def test_one_process_leads(start: Start) -> None:
    first, second = await start("a"), await start("b")
    await until(lambda: first.replica.live == second.replica.live == 2)
    await until(lambda: first.lead.leads or second.lead.leads)
    leaders = [one for one in (first, second) if one.lead.leads]
    assert len(leaders) == 1
    other = second if leaders[0] is first else first
    await leaders[0].leave()
    assert not leaders[0].lead.leads
    await until(lambda: other.lead.leads and other.replica.live == 1)


async def test_wake_reaches_process_that_has_chat(start: Start) -> None:
    first = await start("a")
    await first.receive((1, 5))
    await until(lambda: first.replica.holds(5))
    second = await start("b")
    first.recorder.woken.clear()

    def woken() -> bool:
        second.lanes.wake(ChatKey(5, 3))  # again and again, because at first no one may be listening
        return bool(first.recorder.woken)

    await until(woken)
    assert set(first.recorder.woken) == {ChatKey(5, 3)}
    second.lanes.wake(ChatKey(6))  # which nobody has
    await until(lambda: second.recorder.woken)
    assert second.recorder.woken == [ChatKey(6)]


async def test_stored_notice_is_found_without_notification(start: Start) -> None:
    process = await start("a")
    async with process.storage.transaction() as tx:
        await process.storage.outbox.add(tx, Notice(key=ChatKey(9), private=True, text="hello"))
    await until(lambda: ChatKey(9) in process.recorder.woken)


async def test_idle_chat_is_given_back(
    start: Start, log: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await start("a")
    await first.receive((1, 5))
    await until(lambda: first.replica.holds(5))
    second = await start("b")
    monkeypatch.setattr(module, "IDLE_S", 0.0)
    await until(lambda: not first.replica.holds(5))
    await second.receive((2, 5))
    await until(lambda: len(log) == 2)
    assert [one for _, one in log] == [1, 2]


async def _cut(process: Process) -> None:
    """End all sessions but the one of this statement, as a restart of the server does."""
    await process.storage.database.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND datname = current_database() AND backend_type = 'client backend'"
    )


async def test_cut_session_keeps_what_nobody_took(start: Start, log: list[tuple[str, int]]) -> None:
    process = await start("a")
    gate = process.recorder.gates[5] = asyncio.Event()
    await process.receive((1, 5))
    await until(lambda: process.lanes.busy() == {5})
    await _cut(process)
    await until(lambda: process.changes)
    gate.set()
    await until(lambda: log)
    assert log == [("a", 1)]
    assert not process.recorder.lost


async def test_cut_session_stops_lost_work(start: Start, log: list[tuple[str, int]]) -> None:
    """While its session is cut, another process takes the chat; what ran for it here neither writes nor sends."""
    first = await start("a")
    first.recorder.gates[5] = asyncio.Event()
    await first.receive((1, 5))
    await until(lambda: first.lanes.busy() == {5})
    connect = first.replica._session.check
    held = asyncio.Event()

    async def unreachable() -> None:
        await held.wait()
        await connect()

    first.replica._session.check = unreachable  # type: ignore[method-assign]
    await asyncio.sleep(0.3)
    await first.replica._session.close()
    second = await start("b")
    await until(lambda: log == [("b", 1)])
    held.set()
    await first.recorder.stops.wait()
    await until(lambda: not first.replica.holds(5))
    assert second.replica.holds(5)
    assert log == [("b", 1)]


async def test_unaware_process_can_write_nothing(start: Start, log: list[tuple[str, int]]) -> None:
    """Its lane goes on because it doesn't know yet: its commit fails, and then its lane ends."""
    first = await start("a")
    gate = first.recorder.gates[5] = asyncio.Event()
    await first.receive((1, 5))
    await until(lambda: first.lanes.busy() == {5})
    first.replica._session.check = partial(asyncio.sleep, 0)  # type: ignore[method-assign]
    await first.replica._session.close()
    await start("b")
    await until(lambda: log == [("b", 1)])
    gate.set()
    await until(lambda: not first.lanes.busy())
    assert first.recorder.lost == [5]
    assert log == [("b", 1)]
    assert not first.replica.holds(5)
