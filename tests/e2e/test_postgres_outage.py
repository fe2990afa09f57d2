"""PostgreSQL is stopped in the middle of an answer and starts again: nothing is lost, and nothing comes twice.

The bot is at a point where the outside world holds it, goes on while the server is down, and has to wait for it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from bot import app
from sandbox.botapi.faults import Moment
from sandbox.model import HoldStream, Say
from sandbox.model.behaviour import Point
from storage.postgres.timed_connection import TimedConnection
from tests.e2e.conftest import PATIENCE_S, Resident, Separate, Stage, no_menu, open_stage
from tests.e2e.forks import Forks
from tests.e2e.programs import Variables
from tests.postgres_cluster import Cluster, cluster_for_test
from tests.selection import some
from tests.tcp import Proxy, served

ANSWER = Say("A fine answer of some seven words.", delay=0.02)
LONG = Say("\n\n".join(f"Paragraph {number} " + "of many words " * 70 for number in range(12)), chunk=500)
"""Some 12,000 characters: three messages."""
DOWN_S = 0.5
"""How long the server is down, at least."""

Release = Callable[[], None]
Drive = Callable[[Stage], Awaitable[tuple[Say, Release]]]
"""Has Ann ask something, and waits for the point; returns the answer that she gets, and what lets the bot go on."""


def _model_held(point: Point) -> Drive:
    async def drive(process: Stage) -> tuple[Say, Release]:
        hold = HoldStream(point)
        process.model.script(Say(ANSWER.text, delay=ANSWER.delay, hold=hold))
        await process.ann.say(process.home, "hello")
        await hold.reached(PATIENCE_S)
        return ANSWER, hold.release

    return drive


def _telegram_held(method: str, moment: Moment, nth: int = 1, answer: Say = ANSWER) -> Drive:
    async def drive(process: Stage) -> tuple[Say, Release]:
        hold = process.telegram.faults.hold(method, moment, nth)
        process.model.script(answer)
        await process.ann.say(process.home, "hello")
        await hold.reached(PATIENCE_S)
        return answer, hold.release

    return drive


POINTS = {
    "middle of the answer": _model_held(4),
    "answer on its way": _telegram_held("sendMessage", "before"),
    "answer arrived": _telegram_held("sendMessage", "after"),
    "model asked": _model_held("headers"),
    "end of the answer": _model_held("finish"),
    "update on its way to the bot": _telegram_held("getUpdates", "after"),
    "first part of three arrived": _telegram_held("sendMessage", "before", 2, LONG),
    "last part of three arrived": _telegram_held("sendMessage", "after", 3, LONG),
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with cluster_for_test() as cluster:
        yield cluster


@pytest.fixture
async def process(cluster: Cluster, tmp_path: Path, forks: Forks) -> AsyncIterator[Stage]:
    def make(variables: Variables) -> Separate:
        return Separate(forks.bot, variables, tmp_path / "bot.log")

    cluster.run("DROP DATABASE IF EXISTS keepsake WITH (FORCE)")
    cluster.run("CREATE DATABASE keepsake")
    async with open_stage(tmp_path, cluster.url("keepsake"), "10.1", make, forks.bot) as stage:
        yield stage


def words(stage: Stage) -> list[str]:
    return " ".join(message.text for message in stage.home.replies).split()


@pytest.mark.parametrize("mode", ["fast", pytest.param("immediate", marks=pytest.mark.long)])
@pytest.mark.parametrize("point", some(POINTS, 4))
async def test_answer_survives_a_restart_of_the_server(point: str, mode: str, process: Stage, cluster: Cluster) -> None:
    process.model.always(ANSWER)
    await process.start()
    answer, release = await POINTS[point](process)
    cluster.stop(mode)
    release()
    await asyncio.sleep(DOWN_S)
    await process.ann.say(process.home, "and now?")
    await asyncio.sleep(DOWN_S)
    cluster.start()
    expected = [*answer.text.split(), *ANSWER.text.split()]
    await process.telegram.changed(lambda: len(words(process)) >= len(expected), 2 * PATIENCE_S)
    assert words(process) == expected
    said = [
        str(message.content).partition("] ")[2] or message.content for message in process.model.requests[-1].messages
    ]
    assert [str(text).split() for text in said[1:]] == [["hello"], answer.text.split(), ["and", "now?"]]
    assert len(process.model.requests) == 2
    assert await process.end() == 0
    assert "Traceback" not in process.log()


async def test_server_that_starts_late_is_waited_for(process: Stage, cluster: Cluster) -> None:
    cluster.stop()
    process.model.always(ANSWER)
    await process.start()
    await process.ann.say(process.home, "hello")
    await asyncio.sleep(DOWN_S)
    cluster.start()
    assert await process.replies(1) == [ANSWER.text]
    assert process.log().count("Waiting for PostgreSQL") == 1


HANGING = {name: POINTS[name] for name in ("middle of the answer", "answer on its way", "update on its way to the bot")}


@pytest.mark.parametrize("point", some(HANGING, 3))
async def test_answer_survives_connections_that_hang(
    point: str, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TimedConnection, "answers_within", 1.0)
    monkeypatch.setattr(app, "register_menu", no_menu)
    cluster.run("DROP DATABASE IF EXISTS keepsake WITH (FORCE)")
    cluster.run("CREATE DATABASE keepsake")
    proxy = Proxy(cluster.port)
    async with (
        served(proxy.handle) as port,
        open_stage(
            tmp_path,
            f"postgresql://keepsake@127.0.0.1:{port}/keepsake",
            "10.1",
            partial(Resident, tmp_path, monkeypatch),
        ) as stage,
    ):
        stage.model.always(ANSWER)
        await stage.start()
        answer, release = await POINTS[point](stage)
        proxy.hold()
        release()
        await stage.ann.say(stage.home, "and now?")
        await asyncio.sleep(DOWN_S)
        proxy.release()
        expected = [*answer.text.split(), *ANSWER.text.split()]
        await stage.telegram.changed(lambda: len(words(stage)) >= len(expected), 2 * PATIENCE_S)
        assert words(stage) == expected
        assert len(stage.model.requests) == 2
        await stage.end()


async def test_start_that_cannot_work_ends_with_a_sentence(process: Stage, cluster: Cluster) -> None:
    secret = "pass-w0rd"
    cluster.run("DROP ROLE IF EXISTS guest")
    cluster.run(f"CREATE ROLE guest LOGIN PASSWORD '{secret}'")
    hba = cluster.folder / "data" / "pg_hba.conf"
    hba.write_text(f"host all guest all scram-sha-256\n{hba.read_text()}")
    cluster.run("SELECT pg_reload_conf()")
    said = {
        cluster.url("keepsake", user="guest", password=f"{secret}-not"): "the user or the password is wrong",
        cluster.url("none"): "create it first",
        cluster.url("keepsake", user="guest", password=secret): "GRANT CREATE ON SCHEMA public",
        f"{cluster.url('keepsake')}?sslmode=require": "the server has no TLS",
    }
    for url, sentence in said.items():
        await process.start(DATABASE_URL=url)
        assert process.bot is not None
        assert await process.bot.wait() != 0
        last = process.log().splitlines()[-1]
        assert sentence in last
        assert "DATABASE_URL" in last
    assert secret not in process.log()
    assert "Traceback" not in process.log()
