"""What processes died of: a process is a ``Quarantine`` that is not closed."""

import asyncio
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from bot.updates.in_flight import LINE, InFlightFile, WorkKey, WorkKind
from bot.updates.quarantine import Quarantine
from bot.updates.watchdog import Watchdog
from storage.records import ChatKey

A, B = WorkKey(WorkKind.UPDATE, 1), WorkKey(WorkKind.UPDATE, 2)
HERE = ChatKey(5)


class Process:
    """A process that has begun and can be killed: what it has written stays."""

    def __init__(self, file: Path, watchdog: Watchdog | None = None) -> None:
        self.quarantine = Quarantine(InFlightFile(file), watchdog)
        self.quarantine.open()
        self.file, self.left = file, b""

    def dies(self) -> None:
        """Remember the file as it is: what cleans up after this does so in a process that is dead."""
        self.left = self.file.read_bytes()

    def buried(self) -> None:
        self.file.write_bytes(self.left)


async def _die(process: Process) -> None:
    process.dies()


async def _read_and_die(process: Process) -> None:
    with process.quarantine.reading():
        await asyncio.sleep(0)
        process.dies()


async def _wait_until(event: asyncio.Event) -> None:
    await event.wait()


async def _lives_and_dies(file: Path, key: WorkKey, work: Any = _die) -> None:
    process = Process(file)
    await process.quarantine.run(key, HERE, work(process))
    process.buried()


def _next(file: Path) -> Quarantine:
    quarantine = Quarantine(InFlightFile(file))
    quarantine.open()
    return quarantine


def _write(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    file.chmod(0o644)


def _bytes(file: Path) -> bytes:
    return file.read_bytes()


def _stat(file: Path) -> os.stat_result:
    return file.stat()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "inflight"


@pytest.mark.parametrize("work", [_die, _read_and_die])
async def test_three_deaths_alone_are_enough(file: Path, work: Any) -> None:
    for deaths in range(3):
        assert not _next(file).is_exhausted(A)
        await _lives_and_dies(file, A, work)
        assert _next(file).deaths(A) == deaths + 1
    assert _next(file).is_exhausted(A)


@pytest.mark.parametrize("work", [_die, _read_and_die])
async def test_answer_needs_more_deaths_than_chance_gives(file: Path, work: Any) -> None:
    answer = WorkKey(WorkKind.ANSWER, 1)
    for _ in range(8):
        await _lives_and_dies(file, answer, work)
    assert not _next(file).is_exhausted(answer)
    await _lives_and_dies(file, answer, work)
    assert _next(file).is_exhausted(answer)


async def test_answer_that_was_seen_to_hang_needs_three(file: Path) -> None:
    class Seen(Watchdog):
        def seen(self) -> bool:
            return True

        def start(self) -> None:
            pass

    answer = WorkKey(WorkKind.ANSWER, 1)
    for _ in range(3):
        process = Process(file, Seen(file))
        await process.quarantine.run(answer, HERE, _die(process))
        process.buried()
    last = Quarantine(InFlightFile(file), Seen(file))
    last.open()
    assert last.is_exhausted(answer)


async def test_part_that_arrived_clears_a_reply(file: Path) -> None:
    reply = WorkKey(WorkKind.DELIVERY, 1)
    for _ in range(2):
        await _lives_and_dies(file, reply)
    process = Process(file)

    async def work() -> None:
        process.quarantine.progress(reply)
        process.dies()

    await process.quarantine.run(reply, HERE, work())
    process.buried()
    assert _next(file).deaths(reply) == 1


async def test_one_that_waits_is_not_in_flight(file: Path) -> None:
    process, event = Process(file), asyncio.Event()
    running = asyncio.create_task(process.quarantine.run(A, HERE, _wait_until(event)))
    await asyncio.sleep(0)
    process.dies()
    event.set()
    await running
    process.buried()
    assert _next(file).suspects() == []


async def test_death_in_company_counts_for_nobody(file: Path) -> None:
    process, event = Process(file), asyncio.Event()

    async def read() -> None:
        with process.quarantine.reading():
            await event.wait()

    running = asyncio.create_task(process.quarantine.run(B, HERE, read()))
    await asyncio.sleep(0)
    await process.quarantine.run(A, HERE, _die(process))
    event.set()
    await running
    process.buried()
    after = _next(file)
    assert after.suspects() == [(A, HERE), (B, HERE)]
    assert (after.deaths(A), after.deaths(B)) == (0, 0)


async def test_tasks_that_a_flight_starts_belong_to_it(file: Path) -> None:
    process = Process(file)
    asyncio.get_running_loop().set_task_factory(process.quarantine.make_task)

    async def work() -> None:
        await asyncio.create_task(_die(process))

    await process.quarantine.run(A, HERE, work())
    process.buried()
    asyncio.get_running_loop().set_task_factory(None)
    assert _next(file).deaths(A) == 1


async def test_task_that_outlives_its_flight_blames_nobody(file: Path) -> None:
    process, event = Process(file), asyncio.Event()
    asyncio.get_running_loop().set_task_factory(process.quarantine.make_task)
    late: list[asyncio.Task[None]] = []

    async def later() -> None:
        await event.wait()
        process.dies()

    async def work() -> None:
        late.append(asyncio.create_task(later()))
        await asyncio.sleep(0)

    await process.quarantine.run(A, HERE, work())
    other = asyncio.create_task(process.quarantine.run(B, HERE, _wait_until(asyncio.Event())))
    await asyncio.sleep(0)
    event.set()
    await late[0]
    process.buried()
    other.cancel()
    asyncio.get_running_loop().set_task_factory(None)
    assert _next(file).suspects() == []


@pytest.mark.parametrize("work", [_die, _read_and_die])
async def test_end_that_was_asked_for_counts_for_nothing(file: Path, work: Any) -> None:
    await _lives_and_dies(file, A)
    process = Process(file)

    async def ended() -> None:
        process.quarantine.end()
        await work(process)

    await process.quarantine.run(A, HERE, ended())
    process.buried()
    assert _next(file).deaths(A) == 1


async def test_one_that_is_through_is_forgotten(file: Path) -> None:
    await _lives_and_dies(file, A)
    quarantine = _next(file)
    await quarantine.run(A, HERE, asyncio.sleep(0))
    quarantine.close()
    assert _next(file).suspects() == []


async def test_cancelled_flight_keeps_its_deaths(file: Path) -> None:
    await _lives_and_dies(file, A)
    quarantine = _next(file)
    running = asyncio.create_task(quarantine.run(A, HERE, _wait_until(asyncio.Event())))
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    quarantine.close()
    assert _next(file).deaths(A) == 1


async def test_step_before_the_place_is_known_counts(file: Path) -> None:
    for _ in range(3):
        process = Process(file)
        with process.quarantine.step(A):
            process.dies()
        process.buried()
    assert _next(file).is_exhausted(A)


async def test_what_a_batch_is_blamed_for_is_kept(file: Path) -> None:
    quarantine = _next(file)
    quarantine.record_deaths(B, HERE, 2)
    assert _next(file).deaths(B) == 2


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-30], lambda data: b"\xff" * 500, lambda data: b"", lambda data: data * 300]
)
async def test_damaged_file_is_ignored_with_a_line(file: Path, damage: Any, caplog: pytest.LogCaptureFixture) -> None:
    await _lives_and_dies(file, A)
    _write(file, damage(_bytes(file)))
    quarantine = _next(file)
    assert quarantine.deaths(A) <= 1
    assert "damaged" in caplog.text
    await quarantine.run(A, HERE, asyncio.sleep(0))


async def test_folder_that_takes_no_file_stops_nothing(tmp_path: Path) -> None:
    quarantine = _next(tmp_path / "nowhere" / "inflight")
    await quarantine.run(A, HERE, asyncio.sleep(0))
    quarantine.close()


async def test_file_is_its_owners_and_holds_ids_only(file: Path) -> None:
    _write(file, b"open to all")
    await _lives_and_dies(file, A)
    assert stat.S_IMODE(_stat(file).st_mode) == 0o600
    assert _bytes(file).decode().split()[-6:] == ["update", "1", "5", "0", "0", "begun"]


async def test_marks_wait_for_no_disk(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def waits(_: int) -> None:
        raise AssertionError("a mark must survive the process, not the power")

    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, waits)
    quarantine = _next(file)
    for number in range(1000):
        await quarantine.run(WorkKey(WorkKind.UPDATE, number), HERE, asyncio.sleep(0))
    assert _stat(file).st_size < 5 * LINE


async def test_errors_and_results_pass_through(file: Path) -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError

    async def gives() -> int:
        try:
            await asyncio.wait_for(asyncio.sleep(60), 0)
        except TimeoutError:
            return 7
        return 0

    quarantine = _next(file)
    with pytest.raises(ValueError, match=r"^$"):
        await quarantine.run(A, HERE, fails())
    assert await quarantine.run(A, HERE, gives()) == 7
