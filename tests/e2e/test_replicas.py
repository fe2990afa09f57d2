"""Three processes on one PostgreSQL database: the short form of ``make chaos-replicas``."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest

from storage.postgres.postgresql import migrations
from tests.conftest import ON_POSTGRES
from tests.e2e.chaos import replica_rounds
from tests.e2e.chaos.checks import table
from tests.e2e.chaos.replicas import Replicas, open_replicas
from tests.e2e.forks import Forks
from tests.postgres_cluster import Cluster, cluster_for_test

pytestmark = [
    pytest.mark.skipif(not ON_POSTGRES, reason="runs with the tests over PostgreSQL (make test-postgres)"),
    pytest.mark.timeout(240),
]
SHORT = {"kills": 12.0, "no webhook": 6.0, "restarts of PostgreSQL": 8.0}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with cluster_for_test() as cluster:
        yield cluster


@pytest.fixture
def opened(cluster: Cluster, tmp_path: Path, forks: Forks) -> Callable[..., AbstractAsyncContextManager[Replicas]]:
    return partial(open_replicas, cluster, tmp_path, forks.bot, count=3, seed=3, patience=120.0)


@pytest.mark.parametrize("name", SHORT)
async def test_three_processes_lose_nothing(
    name: str, opened: Callable[..., AbstractAsyncContextManager[Replicas]]
) -> None:
    async with opened(polls=name in replica_rounds.POLLING) as world:
        rows = await replica_rounds.ROUNDS[name](world, SHORT[name])
        assert await world.until_quiet()
        rows += world.findings()
        assert not any(row.wrong for row in rows), table(rows)


@pytest.fixture
async def world(opened: Callable[..., AbstractAsyncContextManager[Replicas]]) -> AsyncIterator[Replicas]:
    async with opened() as world:
        yield world


async def test_deployment_of_a_later_version_ends_the_others(world: Replicas) -> None:
    """They drain and end; what they stored meanwhile is for the later version."""
    newest = migrations()[-1].version + 1
    await world.crowd.act(5)
    world.cluster.run(f"UPDATE schema_version SET version = {newest}", "keepsake")
    codes = [await replica.wait() for replica in world.replicas]
    sentence = f"a later version of Keepsake has migrated the database to schema {newest}"
    for code, replica in zip(codes, world.replicas, strict=True):
        assert code == 1
        last = replica.log.read_text().splitlines()[-1]
        assert sentence in last
    world.cluster.run(f"UPDATE schema_version SET version = {newest - 1}", "keepsake")
    for replica in world.replicas:
        await replica.start()
    assert await world.until_quiet()
    rows = world.findings()
    assert not any(row.wrong for row in rows), table(rows)


async def test_metrics_of_each_process_need_the_token(world: Replicas) -> None:
    for replica in world.replicas:
        assert (answer := await replica.ask(world.client, "/metrics")) is not None
        assert answer.status_code == 403
