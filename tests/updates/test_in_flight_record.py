"""What processes died of, recorded in the database: a process that dies leaves its record as it was."""

import asyncio
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.updates import isolation
from bot.updates.in_flight import WorkKey, WorkKind
from bot.updates.in_flight_record import InFlightRecord
from bot.updates.quarantine import Quarantine
from storage import Storage, StorageError, Transaction
from storage.inbox import RawUpdate
from storage.postgres.postgresql import PostgresDatabase
from storage.postgres.processes import Processes
from storage.records import ChatKey, NewTurn

A, B = WorkKey(WorkKind.UPDATE, 1), WorkKey(WorkKind.UPDATE, 2)
ANSWER, OTHER = WorkKey(WorkKind.ANSWER, 1), WorkKey(WorkKind.COMPACTION, 1)
HERE = ChatKey(5)
FOLDER = Path()


class Dead(Processes):
    """The table as a process that has died sees it: nothing it writes arrives."""

    async def leave(self, tx: Transaction, left: str, dead: Collection[int] = ()) -> None:
        pass

    async def note(self, process: int, in_flight: str) -> None:
        pass


@pytest.fixture
async def database(postgres_url: str) -> Any:
    """With two updates to handle, and an answer to give in each of twenty chats."""
    storage = await Storage.connect(postgres_url)
    async with storage.transaction() as tx:
        await storage.inbox.add(tx, [RawUpdate(number, "{}") for number in (1, 2)], 0.0)
        for number in range(1, 21):
            chat = await storage.chats.ensure(tx, ChatKey(number), private=True, now=0.0)
            await storage.transcript.append(tx, chat.id, [NewTurn("hello", "\n", 5, 1, 5)], 0.0)
    yield storage.database
    await storage.close()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the exact records are. What a process leaves there is thrown away unless a test keeps it."""
    monkeypatch.setattr("tests.updates.test_in_flight_record.FOLDER", tmp_path)
    return tmp_path


async def _start(database: PostgresDatabase) -> tuple[Quarantine, InFlightRecord]:
    record = InFlightRecord(FOLDER, "keepsake")
    quarantine = Quarantine(record)
    await quarantine.connect(database)
    quarantine.open()
    return quarantine, record


@pytest.fixture
def living(postgres_url: str) -> Iterator[Callable[[int], None]]:
    """Makes a process with this number count as alive."""
    with psycopg.connect(postgres_url, autocommit=True) as session:

        def live(process: int) -> None:
            session.execute("SELECT pg_advisory_lock(%s)", (process,))

        yield live


def _records(folder: Path) -> int:
    return len(list(folder.iterdir()))


def _names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def _hung(folder: Path) -> list[str]:
    return [one.name for one in folder.glob("*.hung")]


async def _dies(database: PostgresDatabase, *keys: WorkKey, keeps_disk: bool = False) -> None:
    """A process dies while these are in progress: each begins, and then waits."""
    quarantine, record = await _start(database)
    await quarantine.written()
    begun = asyncio.Semaphore(0)

    async def wait() -> None:
        begun.release()
        await asyncio.Event().wait()

    works = [asyncio.create_task(quarantine.run(key, HERE, wait())) for key in keys]
    for _ in keys:
        await begun.acquire()
    record._processes = Dead(database)
    left = record._file.read_bytes()
    for work in works:
        work.cancel()
    await asyncio.gather(*works, return_exceptions=True)
    record.close()
    if keeps_disk:
        record._file.write_bytes(left)


async def test_three_deaths_alone_are_enough_on_server(database: PostgresDatabase) -> None:
    for deaths in range(3):
        quarantine, _ = await _start(database)
        assert quarantine.deaths(A) == deaths
        assert bool(quarantine.suspects()) == (deaths == 2)
        await _dies(database, A)
    quarantine, _ = await _start(database)
    assert quarantine.is_exhausted(A)


async def test_deaths_in_company_make_suspects_only(database: PostgresDatabase) -> None:
    for _ in range(2):
        await _dies(database, A, B)
    quarantine, _ = await _start(database)
    assert [key for key, _ in quarantine.suspects()] == [A, B]
    assert not quarantine.is_exhausted(A)
    await _dies(database, A)
    quarantine, _ = await _start(database)
    assert (quarantine.is_exhausted(A), quarantine.is_exhausted(B)) == (True, False)


async def test_suspect_holds_other_work_until_it_ends(database: PostgresDatabase) -> None:
    for _ in range(2):
        await _dies(database, A, B)
    quarantine, _ = await _start(database)
    order: list[str] = []
    gate, begun = asyncio.Event(), asyncio.Event()

    async def work(name: str, *, waits: bool = False) -> None:
        order.append(f"{name} begins")
        if waits:
            begun.set()
            await gate.wait()
        order.append(f"{name} ends")

    first = asyncio.create_task(quarantine.run(A, HERE, work("a", waits=True)))
    await begun.wait()
    rest = [asyncio.create_task(quarantine.run(B, HERE, work("b")))]
    rest.append(asyncio.create_task(quarantine.run(OTHER, HERE, work("other"))))
    await asyncio.sleep(0.1)
    assert (order, quarantine.isolates) == (["a begins"], True)
    gate.set()
    await asyncio.gather(first, *rest)
    assert order == ["a begins", "a ends", "b begins", "b ends", "other begins", "other ends"]
    assert not quarantine.isolates
    quarantine.close()


async def test_work_in_progress_shares_no_blame_with_suspect(database: PostgresDatabase) -> None:
    for _ in range(2):
        await _dies(database, A)
    await _dies(database, ANSWER, A)
    quarantine, _ = await _start(database)
    assert quarantine.is_exhausted(A)
    assert quarantine.deaths(ANSWER) == 0


async def test_slow_suspect_holds_others_only_for_a_while(
    database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "ALONE_S", 0.1)
    for _ in range(2):
        await _dies(database, A)
    await _dies(database, A, B)
    quarantine, _ = await _start(database)
    assert not quarantine.is_exhausted(A)


async def test_what_others_have_finished_is_dropped(database: PostgresDatabase) -> None:
    await _dies(database, A, B, ANSWER)
    quarantine, _ = await _start(database)
    assert (quarantine.deaths(A), quarantine.deaths(B), quarantine.is_suspect(ANSWER)) == (1, 1, True)
    async with database.transaction() as tx:
        await tx.execute("UPDATE inbox SET state = 'done' WHERE update_id = 1")
        await tx.execute("UPDATE turns SET state = 'settled'")
    await _dies(database, OTHER)
    await quarantine.inherit()
    assert (quarantine.is_suspect(A), quarantine.is_suspect(B), quarantine.is_suspect(ANSWER)) == (False, True, False)
    quarantine.close()


async def test_finished_suspect_is_forgotten_by_all(database: PostgresDatabase) -> None:
    job = WorkKey(WorkKind.JOB, 1)
    await _dies(database, job)
    quarantine, _ = await _start(database)
    await quarantine.run(job, ChatKey(0), asyncio.sleep(0))
    await quarantine.written()
    assert (await _start(database))[0].deaths(job) == 0
    quarantine.close()


async def test_each_process_has_its_own_watchdog(
    database: PostgresDatabase, folder: Path, living: Callable[[int], None]
) -> None:
    """What hung in one is blamed on its own work, and the other's file is left alone."""
    living(5)
    await _dies(database, ANSWER, WorkKey(WorkKind.ANSWER, 2))
    (number,) = [one for one in await Processes(database).all() if one]
    (folder / f"keepsake-{number:x}.hung").write_text("File a.py")
    other = folder / "keepsake-5.hung"
    other.write_text("File b.py")
    quarantine, _ = await _start(database)
    assert quarantine.deaths(ANSWER) == 1
    assert _hung(folder) == [other.name]
    quarantine.close()


async def test_files_of_dead_processes_are_removed(
    database: PostgresDatabase, folder: Path, living: Callable[[int], None]
) -> None:
    """Their deaths were counted on other machines."""
    living(0x5)
    kept = {"keepsake-5.inflight", "keepsake-other-7.inflight", "keepsake-7.txt", "keepsakes-7.hung"}
    for name in (*kept, "keepsake-6.inflight", "keepsake-6.hung", "keepsake-3fffffffffffffff.hung"):
        (folder / name).touch()
    quarantine, record = await _start(database)
    assert _names(folder) == kept | {record._file.name}
    quarantine.close()


async def test_first_death_holds_up_no_chat(database: PostgresDatabase) -> None:
    await _dies(database, *(WorkKey(WorkKind.ANSWER, number) for number in range(20)))
    quarantine, _ = await _start(database)
    assert quarantine.suspects() == []


@pytest.mark.parametrize("key", [ANSWER, OTHER])
async def test_three_deaths_of_an_answer_alone_are_enough(database: PostgresDatabase, key: WorkKey) -> None:
    for deaths in range(3):
        quarantine, _ = await _start(database)
        assert quarantine.deaths(key) == deaths
        await _dies(database, key)
    quarantine, _ = await _start(database)
    assert quarantine.is_exhausted(key)


async def test_slow_answers_in_company_are_no_suspects(database: PostgresDatabase) -> None:
    for _ in range(5):
        await _dies(database, ANSWER, WorkKey(WorkKind.ANSWER, 2))
    quarantine, _ = await _start(database)
    assert quarantine.suspects() == []


async def test_what_has_ended_is_not_blamed(database: PostgresDatabase) -> None:
    quarantine, record = await _start(database)
    await quarantine.run(A, HERE, asyncio.sleep(0))
    await quarantine.written()
    await _dies(database)
    quarantine, _ = await _start(database)
    assert (quarantine.deaths(A), record.text().count(b"update")) == (0, 0)


async def test_shutdown_is_no_death_on_server(database: PostgresDatabase) -> None:
    quarantine, record = await _start(database)
    work = asyncio.create_task(quarantine.run(A, HERE, asyncio.Event().wait()))
    await asyncio.sleep(0)
    quarantine.end()
    await quarantine.written()
    record._processes = Dead(database)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    quarantine.close()
    assert (await _start(database))[0].deaths(A) == 0


async def test_set_aside_outlives_processes_on_server(database: PostgresDatabase) -> None:
    job = WorkKey(WorkKind.JOB, 1)
    quarantine, _ = await _start(database)
    quarantine.set_aside(job, ChatKey(0))
    quarantine.close()
    await quarantine.written()
    for _ in range(2):
        quarantine, _ = await _start(database)
        await quarantine.written()
        assert quarantine.is_set_aside(job)
    assert len(await Processes(database).all()) == 2, "its own, and what dead ones left"


async def test_exact_record_is_used_where_it_is_left(database: PostgresDatabase, folder: Path) -> None:
    """Work that waits is not to blame."""
    for _ in range(4):
        await _dies(database, A, keeps_disk=True)
        assert _records(folder) == 1
    quarantine, _ = await _start(database)
    assert quarantine.deaths(A) == 0
    await quarantine.written()
    assert _records(folder) == 1


async def test_work_goes_on_without_record(
    database: PostgresDatabase, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise StorageError("no connection")

    quarantine, _ = await _start(database)
    monkeypatch.setattr(Processes, "note", fail)
    for key in (A, B):
        await quarantine.run(key, HERE, asyncio.sleep(0))
    assert caplog.text.count("What is in flight can't be stored") == 1
    quarantine.close()
