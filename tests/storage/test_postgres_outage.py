"""A PostgreSQL server that restarts, hangs, has no room or no connections: it is waited for, and nothing gets lost."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import psycopg
import pytest

from storage import Storage, StorageError, until_stored
from storage import database as storage_database
from storage.postgres import doubt, postgres_pool
from storage.postgres.postgresql import PostgresDatabase
from storage.postgres.timed_connection import TimedConnection
from storage.records import ChatKey
from tests.postgres_cluster import Cluster, cluster_for_test
from tests.tcp import Proxy, served

TERMINATE = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'keepsake'"
"""End all sessions."""
ANSWER_S = 1.0
"""How long these tests wait for a server that hangs."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with cluster_for_test() as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TimedConnection, "answers_within", ANSWER_S)
    monkeypatch.setattr(postgres_pool, "AGAIN_S", 0.05)
    monkeypatch.setattr(doubt, "AGAIN_S", 0.05)
    monkeypatch.setattr(storage_database, "WRITE_AGAIN_AFTER_S", (0.1,) * 10)


@pytest.fixture
async def storage(cluster: Cluster) -> AsyncIterator[Storage]:
    async with opened(cluster, cluster.port) as storage:
        yield storage


@pytest.fixture
async def proxy(cluster: Cluster) -> Proxy:
    return Proxy(cluster.port)


@pytest.fixture
async def distant(cluster: Cluster, proxy: Proxy) -> AsyncIterator[Storage]:
    """Through the proxy."""
    async with served(proxy.handle) as port, opened(cluster, port) as storage:
        yield storage


@asynccontextmanager
async def opened(cluster: Cluster, port: int) -> AsyncIterator[Storage]:
    cluster.run("DROP DATABASE IF EXISTS keepsake WITH (FORCE)")
    cluster.run("CREATE DATABASE keepsake")
    storage = await Storage.connect(f"postgresql://keepsake@127.0.0.1:{port}/keepsake")
    yield storage
    await storage.close()


async def write(storage: Storage, number: int) -> None:
    """A transaction that would store something twice if it were repeated after its commit."""
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, ChatKey(number), private=True, now=0.0)
        await tx.execute("INSERT INTO resets (chat_id, from_id, to_id, reset_at) VALUES (?, 0, 0, 0)", (chat.id,))


async def written(storage: Storage) -> list[int]:
    sql = "SELECT telegram_id FROM resets JOIN chats ON chats.id = chat_id ORDER BY 1"
    return [row["telegram_id"] for row in await storage.database.rows(sql)]


@pytest.mark.parametrize("mode", ["fast", pytest.param("immediate", marks=pytest.mark.long)])
async def test_restart_in_the_middle_is_waited_out(
    cluster: Cluster, storage: Storage, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "storage")
    restarted = asyncio.Event()

    async def keep_writing(first: int) -> list[int]:
        numbers: list[int] = []
        while not restarted.is_set():
            numbers.append(first + len(numbers))
            await until_stored(partial(write, storage, numbers[-1]))
        return numbers

    async def keep_reading() -> None:
        while not restarted.is_set():
            await storage.database.rows("SELECT count(*) AS number FROM chats")

    writers = [asyncio.create_task(keep_writing(first)) for first in (1_000, 2_000_000)]
    readers = [asyncio.create_task(keep_reading()) for _ in range(3)]
    await asyncio.sleep(0.2)
    cluster.stop(mode)
    await asyncio.sleep(0.3)
    cluster.start()
    await asyncio.sleep(0.2)
    restarted.set()
    numbers = [number for writer in writers for number in await writer]
    await asyncio.gather(*readers)
    assert await written(storage) == numbers
    assert sum("trying again" in record.message and "No connection" in record.message for record in caplog.records) <= 1


async def test_ended_sessions_cost_no_transaction(cluster: Cluster, storage: Storage) -> None:
    for number in range(3):
        cluster.run(TERMINATE)
        await write(storage, number)
        cluster.run(TERMINATE)
        assert await written(storage) == list(range(number + 1))


async def test_session_ended_inside_a_transaction_may_pass(cluster: Cluster, storage: Storage) -> None:
    async def interrupted() -> None:
        async with storage.transaction() as tx:
            await storage.chats.ensure(tx, ChatKey(1), private=True, now=0.0)
            cluster.run(TERMINATE)
            await storage.chats.ensure(tx, ChatKey(2), private=True, now=0.0)

    with pytest.raises(StorageError) as caught:
        await interrupted()
    assert caught.value.may_pass
    await write(storage, 3)
    assert await written(storage) == [3]


@pytest.mark.parametrize("holds", ["requests", "answers"])
async def test_commit_without_answer_is_stored_once(distant: Storage, proxy: Proxy, holds: str) -> None:
    def look(data: bytes) -> None:
        if b"COMMIT" in data:
            proxy.seen = lambda _: None
            getattr(proxy, f"holds_{holds}").set()
            asyncio.get_running_loop().call_later(ANSWER_S / 2, proxy.release)

    proxy.seen = look
    await until_stored(partial(write, distant, 1))
    await write(distant, 2)
    assert await written(distant) == [1, 2]


async def test_commit_that_a_crash_undid_is_repeated(cluster: Cluster, distant: Storage, proxy: Proxy) -> None:
    crashed = asyncio.Event()

    def look(data: bytes) -> None:
        if b"COMMIT" in data and not crashed.is_set():
            proxy.hold()
            crashed.set()

    proxy.seen = look
    writing = asyncio.create_task(until_stored(partial(write, distant, 1)))
    await crashed.wait()
    cluster.restart("immediate")
    proxy.release()
    await writing
    assert await written(distant) == [1]


async def test_connection_that_hangs_is_replaced(distant: Storage, proxy: Proxy) -> None:
    await asyncio.gather(*(written(distant) for _ in range(8)))  # so that all connections are open
    proxy.hold()
    reading = asyncio.create_task(written(distant))
    writing = asyncio.create_task(until_stored(partial(write, distant, 1)))
    await asyncio.sleep(ANSWER_S / 2)
    proxy.release()
    assert await reading in ([], [1])
    await writing
    assert await written(distant) == [1]


async def test_hung_statement_inside_a_transaction_may_pass(distant: Storage, proxy: Proxy) -> None:
    async def interrupted() -> None:
        async with distant.transaction() as tx:
            proxy.hold()
            await distant.chats.ensure(tx, ChatKey(1), private=True, now=0.0)

    with pytest.raises(StorageError, match="no answer within") as caught:
        await interrupted()
    assert caught.value.may_pass
    proxy.release()
    await write(distant, 2)
    assert await written(distant) == [2]


@pytest.mark.long
async def test_server_that_hangs_is_given_up(distant: Storage, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy.hold()
    with monkeypatch.context() as impatient:
        impatient.setattr(postgres_pool, "PATIENCE_S", 0.1)
        with pytest.raises(StorageError) as caught:
            await written(distant)
        with pytest.raises(StorageError):
            await write(distant, 1)
    assert caught.value.may_pass
    proxy.release()
    await write(distant, 2)
    assert await written(distant) == [2]


@pytest.mark.long
async def test_cancelled_read_of_a_hung_server_ends(distant: Storage, proxy: Proxy) -> None:
    await written(distant)
    proxy.hold()
    reading = asyncio.create_task(written(distant))
    await asyncio.sleep(0.1)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    proxy.release()
    assert await written(distant) == []


async def test_slow_reads_leave_a_connection_for_writing(storage: Storage) -> None:
    slow = [asyncio.create_task(storage.database.rows("SELECT pg_sleep(0.8)::text AS done")) for _ in range(12)]
    await asyncio.sleep(0.1)
    await write(storage, 1)
    assert not any(task.done() for task in slow)
    await asyncio.gather(*slow)


def all_connections(cluster: Cluster) -> list[psycopg.Connection[Any]]:
    """All that the server still has."""
    found = []
    with suppress(psycopg.OperationalError):
        while True:
            found.append(psycopg.connect(cluster.url()))
    return found


async def test_server_without_free_connections_is_waited_for(cluster: Cluster, storage: Storage) -> None:
    others = all_connections(cluster)
    await asyncio.gather(*(written(storage) for _ in range(8)))
    await write(storage, 1)
    others[0].execute(TERMINATE)
    others += all_connections(cluster)
    writing = asyncio.create_task(write(storage, 2))
    await asyncio.sleep(0.3)
    for other in others:
        other.close()
    await writing
    assert await written(storage) == [1, 2]


async def test_connection_to_an_old_primary_is_replaced(cluster: Cluster, storage: Storage) -> None:
    await asyncio.gather(*(written(storage) for _ in range(8)))
    assert isinstance(storage.database, PostgresDatabase)
    async with storage.database._pool.reader() as connection:
        await connection.execute("SET default_transaction_read_only = on")
    for number in range(8):
        await until_stored(partial(write, storage, number))
    assert await written(storage) == list(range(8))


async def test_full_disk_may_pass(cluster: Cluster, storage: Storage) -> None:
    raises = "BEGIN RAISE SQLSTATE '53100' USING MESSAGE = 'could not extend file: No space left on device'; END"
    cluster.run(f"CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ {raises} $$", "keepsake")
    cluster.run("CREATE TRIGGER no_room BEFORE INSERT ON resets EXECUTE FUNCTION no_room()", "keepsake")
    writing = asyncio.create_task(until_stored(partial(write, storage, 1)))
    await asyncio.sleep(0.3)
    cluster.run("DROP TRIGGER no_room ON resets", "keepsake")
    await writing
    assert await written(storage) == [1]


@pytest.mark.parametrize("code", ["40001", "40P01", "57014", "55P03", "53200", "58030"])
async def test_what_may_pass_is_repeated(cluster: Cluster, storage: Storage, code: str) -> None:
    cluster.run(
        "CREATE SEQUENCE often; CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF nextval('often') < 3 THEN RAISE SQLSTATE '{code}'; END IF; RETURN NEW; END $$;"
        " CREATE TRIGGER fail BEFORE INSERT ON resets FOR EACH ROW EXECUTE FUNCTION fail()",
        "keepsake",
    )
    await until_stored(partial(write, storage, 1))
    assert await written(storage) == [1]
