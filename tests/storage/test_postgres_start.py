"""The first contact with a PostgreSQL server: it is waited for, and what does not suit is said in a sentence."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from storage import Storage, StorageError
from storage.postgres import first_contact
from tests.postgres_cluster import Cluster, cluster_for_test
from tests.postgres_server import free_port
from tests.tcp import served

PASSWORD = "pass-w0rd"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with cluster_for_test() as cluster:
        cluster.authenticate("host all guest all scram-sha-256")
        cluster.authenticate("host all stranger all reject")
        cluster.restart()
        sql = f"""
            CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'; CREATE ROLE stranger LOGIN; CREATE ROLE reader LOGIN;
            CREATE ROLE nobody NOLOGIN;
            ALTER ROLE reader SET default_transaction_read_only = on;
            CREATE DATABASE narrow ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0;
        """
        for statement in filter(str.strip, sql.split(";")):
            cluster.run(statement)
        yield cluster


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_contact, "AGAIN_S", 0.05)


async def refused(url: str, patience: float = 0.0) -> str:
    """What the operator reads."""
    with pytest.raises(StorageError) as caught:
        await (await Storage.connect(url, patience)).close()
    text = str(caught.value)
    assert PASSWORD not in text
    assert "\n" not in text
    return text


async def test_what_no_waiting_mends_is_said_at_once(cluster: Cluster) -> None:
    long = 30.0
    assert "user or the password is wrong" in await refused(cluster.url(user="guest", password="wrong"), long)
    assert "no password" in await refused(cluster.url(user="guest"), long)
    assert 'database "none" does not exist: create it' in await refused(cluster.url("none"), long)
    assert 'role "who" does not exist' in await refused(cluster.url(user="who"), long)
    assert "does not let this user in" in await refused(cluster.url(user="stranger"), long)
    assert "may not log in" in await refused(cluster.url(user="nobody"), long)
    assert "no TLS" in await refused(f"{cluster.url()}?sslmode=require", long)
    assert "LATIN1" in await refused(cluster.url("narrow"), long)
    assert "GRANT CREATE ON SCHEMA public" in await refused(cluster.url(user="guest", password=PASSWORD), long)


async def test_url_that_cannot_be_read_shows_no_password(cluster: Cluster) -> None:
    for written in (f"{PASSWORD}%zz", f"{PASSWORD}/x", f"x@{PASSWORD}"):
        assert "%40" in await refused(cluster.url(password=written), 30.0)


async def test_unreachable_server_is_named_after_the_wait(caplog: pytest.LogCaptureFixture) -> None:
    assert "Connection refused" in await refused(f"postgresql://x:{PASSWORD}@127.0.0.1:{free_port()}/x", 0.3)
    assert "resolve host" in await refused(f"postgresql://x:{PASSWORD}@database.invalid/x", 0.3)
    waiting = [record for record in caplog.records if "Waiting for PostgreSQL" in record.message]
    assert len(waiting) == 2
    assert PASSWORD not in caplog.text


async def test_server_that_starts_later_is_waited_for(cluster: Cluster) -> None:
    cluster.run("CREATE DATABASE later")
    cluster.stop()
    opening = asyncio.create_task(Storage.connect(cluster.url("later"), 30.0))
    await asyncio.sleep(0.2)
    assert not opening.done()
    cluster.start()
    storage = await opening
    assert await storage.answers()
    await storage.close()


async def test_read_only_server_is_refused_or_waited_for(cluster: Cluster) -> None:
    cluster.run("CREATE DATABASE shared OWNER reader")
    url = cluster.url("shared", user="reader")
    assert "use the URL of the primary" in await refused(url, 0.2)
    opening = asyncio.create_task(Storage.connect(url, 30.0))
    await asyncio.sleep(0.2)
    assert not opening.done()
    cluster.run("ALTER ROLE reader RESET default_transaction_read_only")
    await (await opening).close()


@pytest.mark.long
async def test_standby_is_refused_until_it_is_promoted(cluster: Cluster) -> None:
    standby = Cluster(cluster.folder.parent / "standby")
    cluster.call(
        "pg_basebackup", "-d", cluster.url(), "-D", standby.folder / "data", "-R", "-X", "stream", "-c", "fast"
    )
    standby.start()
    try:
        assert "use the URL of the primary" in await refused(standby.url(), 0.2)
        opening = asyncio.create_task(Storage.connect(standby.url(), 30.0))
        standby.run("SELECT pg_promote()")
        await (await opening).close()
    finally:
        standby.stop()


@asynccontextmanager
async def server_of_version(version: str) -> AsyncIterator[str]:
    """A server that lets everybody in and reports its version, as PostgreSQL's protocol has it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(4))
        request = await reader.readexactly(length - 4)
        if request[:2] != b"\x00\x03":  # it asks for encryption first
            writer.write(b"N")
            length = int.from_bytes(await reader.readexactly(4))
            await reader.readexactly(length - 4)
        told = {"server_version": version, "server_encoding": "UTF8", "client_encoding": "UTF8"}
        packets = [b"R" + (8).to_bytes(4) + (0).to_bytes(4)]
        for name, value in told.items():
            body = f"{name}\0{value}\0".encode()
            packets.append(b"S" + (4 + len(body)).to_bytes(4) + body)
        packets.append(b"Z" + (5).to_bytes(4) + b"I")
        writer.write(b"".join(packets))
        await reader.read()

    async with served(serve) as port:
        yield f"postgresql://x@127.0.0.1:{port}/x"


@pytest.mark.parametrize("version", ["12.22", "13.20", "9.6.24"])
async def test_old_server_is_refused(version: str) -> None:
    async with server_of_version(version) as url:
        assert f"PostgreSQL {version.split('.')[0]}, and Keepsake needs 14" in await refused(url, 30.0)


async def test_silent_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_contact, "CONNECT_S", 1.0)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with served(say_nothing) as port:
        assert "can't be reached" in await refused(f"postgresql://x@127.0.0.1:{port}/x")
