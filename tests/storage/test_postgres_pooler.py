"""Connection poolers between the bot and PostgreSQL: only one that keeps sessions is accepted."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from storage import Storage, StorageError
from storage.records import ChatKey
from tests.postgres_cluster import Cluster, cluster_for_test
from tests.postgres_server import answers, end_with_parent, free_port, process_owner

BOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    if BOUNCER is None:
        pytest.skip("PgBouncer is not installed (Debian's package: pgbouncer)")
    with cluster_for_test() as cluster:
        yield cluster


@contextmanager
def pooled(cluster: Cluster, mode: str, **more: str) -> Iterator[str]:
    """PgBouncer in front of the server; yields the URL through it."""
    port, folder = free_port(), cluster.folder
    settings = {
        "listen_addr": "127.0.0.1",
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "any",
        "pool_mode": mode,
        "default_pool_size": 10,
        **more,
    }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    databases = f"[databases]\n* = host=127.0.0.1 port={cluster.port} user=keepsake\n[pgbouncer]\n"
    config = folder / "pgbouncer.ini"
    config.write_text(databases + "\n".join(lines) + "\n")
    owner = process_owner()
    if owner:
        shutil.chown(config, owner["user"], owner["group"])
    process = subprocess.Popen(
        [BOUNCER or "", config],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=end_with_parent,
        **owner,
    )
    url = f"postgresql://keepsake@127.0.0.1:{port}/postgres"
    try:
        assert answers(process, url)
        yield url
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("more", [{}, {"server_round_robin": "1"}, {"default_pool_size": "1"}])
async def test_pool_of_transactions_is_refused(cluster: Cluster, more: dict[str, str]) -> None:
    with pooled(cluster, "transaction", **more) as url, pytest.raises(StorageError, match="direct URL") as caught:
        await Storage.connect(url, 0.0)
    assert not caught.value.may_pass


async def test_pool_of_transactions_that_others_use_is_refused(cluster: Cluster) -> None:
    def use(url: str) -> None:
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
            while not over.is_set():
                connection.execute("SELECT 1")

    over = asyncio.Event()
    with pooled(cluster, "transaction") as url:
        others = [asyncio.create_task(asyncio.to_thread(use, url)) for _ in range(4)]
        try:
            for _ in range(5):
                with pytest.raises(StorageError, match="direct URL"):
                    await Storage.connect(url, 0.0)
        finally:
            over.set()
            await asyncio.gather(*others)


async def test_pool_of_sessions_is_accepted(cluster: Cluster) -> None:
    with pooled(cluster, "session") as url:
        storage = await Storage.connect(url, 0.0)
        async with storage.transaction() as tx:
            await storage.chats.ensure(tx, ChatKey(1), private=True, now=0.0)
        for _ in range(20):
            assert await storage.chats.find(ChatKey(1)) is not None
        await storage.close()


async def test_pool_of_statements_is_refused(cluster: Cluster) -> None:
    with pooled(cluster, "statement") as url, pytest.raises(StorageError, match="direct URL"):
        await Storage.connect(url, 0.0)
