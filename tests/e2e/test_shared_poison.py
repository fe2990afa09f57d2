"""A poison message with three processes on one PostgreSQL database: it kills three of them, and the others go on."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import psycopg
import pytest

from sandbox.botapi import Chat, User
from sandbox.model import Say
from tests.e2e.chaos.balancer import balanced
from tests.e2e.conftest import PATIENCE_S, Separate, Stage, open_stage
from tests.e2e.forks import Forks

PROCESSES, CHATS, ROUNDS = 3, 10, 3
DEATHS = 3


class Fleet:
    """The processes, each of which is started again as soon as it has died."""

    def __init__(self, stage: Stage, bots: Sequence[Separate]) -> None:
        self.stage = stage
        self.bots = bots
        self.deaths = 0

    async def supervise(self, bot: Separate) -> None:
        while await bot.wait() != 0:
            self.deaths += 1
            await bot.start()


@pytest.fixture
def poison() -> str:
    """See ``tests.e2e.poison``."""
    return "reading:kill"


@pytest.fixture(params=["on machines of their own", pytest.param("on one machine", marks=pytest.mark.long)])
async def fleet(
    postgres_url: str, tmp_path: Path, forks: Forks, poison: str, request: pytest.FixtureRequest
) -> AsyncIterator[Fleet]:
    """On machines of their own, processes see of each other only what is in the database."""
    apart = request.param == "on machines of their own"
    ports = [_free_port() for _ in range(PROCESSES)]

    def none(_: object) -> Separate:
        raise AssertionError("each process is started by itself")

    async with open_stage(tmp_path, postgres_url, "10.1", none) as stage, balanced(ports) as url:
        stage.environment |= {
            "DATABASE_URL": postgres_url,
            "WEBHOOK_URL": f"{url}/hook",
            "POISON": poison,
            "MESSAGES_PER_MINUTE": "1000",
        }
        folders = [tmp_path / str(port) for port in ports]
        own = [
            {"PORT": str(port), "TMPDIR": str(folder if apart else tmp_path)}
            for port, folder in zip(ports, folders, strict=True)
        ]
        bots = [
            Separate(forks.bot, stage.environment | more, folder / "bot.log")
            for more, folder in zip(own, folders, strict=True)
        ]
        for bot in bots:
            await bot.start()
        fleet = Fleet(stage, bots)
        supervisors = [asyncio.create_task(fleet.supervise(bot)) for bot in bots]
        try:
            yield fleet
        finally:
            for supervisor in supervisors:
                supervisor.cancel()
            await asyncio.gather(*supervisors, return_exceptions=True)
            for bot in bots:
                if bot.running:
                    bot.kill()
                await bot.wait()


async def test_poison_kills_three_processes_and_others_are_answered(fleet: Fleet, postgres_url: str) -> None:
    stage = fleet.stage
    stage.model.always(Say("Answered.", delay=0.02))
    await stage.telegram.wait_call("setWebhook", timeout=PATIENCE_S)
    people = [stage.telegram.user(f"Person {number}") for number in range(CHATS)]
    talks = [_talk(stage.telegram.private(one), one) for one in people]

    async def poison() -> None:
        await asyncio.sleep(0.3)
        await stage.ann.say(stage.home, "what a poison")

    async with asyncio.timeout(3 * PATIENCE_S):
        await asyncio.gather(*talks, poison())
        (told,) = await stage.home.wait(1, PATIENCE_S)
    assert told.text.startswith("This made me crash three times")
    await stage.ann.say(stage.home, "and now?")
    assert (await stage.replies(2))[1] == "Answered."
    with psycopg.connect(postgres_url) as connection:
        states: dict[str, int] = dict(connection.execute("SELECT state, count(*) FROM inbox GROUP BY state").fetchall())
    assert states == {"done": CHATS * ROUNDS + 1, "quarantined": 1}
    assert fleet.deaths == DEATHS


@pytest.mark.parametrize("poison", ["answers:kill"])
async def test_poison_answer_kills_three_processes(fleet: Fleet) -> None:
    stage = fleet.stage
    stage.model.always(Say("This is a poison, and more."))
    await stage.telegram.wait_call("setWebhook", timeout=PATIENCE_S)
    await stage.ann.say(stage.home, "hello")
    (told,) = await stage.home.wait(1, 2 * PATIENCE_S)
    assert told.text.startswith("This made me crash three times")
    stage.model.always(Say("Answered."))
    await stage.ann.say(stage.home, "and now?")
    assert (await stage.replies(2))[1] == "Answered."
    assert fleet.deaths == DEATHS


async def _talk(chat: Chat, person: User) -> None:
    for number in range(ROUNDS):
        await person.say(chat, f"hello {number}")
        replies = await chat.wait(number + 1, 2 * PATIENCE_S)
        assert [reply.text for reply in replies] == ["Answered."] * (number + 1)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
