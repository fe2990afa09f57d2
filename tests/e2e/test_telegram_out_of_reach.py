"""Two processes on one PostgreSQL database, of which one or both lose Telegram, but not the database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from sandbox.botapi import Chat, User
from sandbox.model import Say
from tests.e2e.chaos.balancer import balanced
from tests.e2e.conftest import PATIENCE_S, Separate, Stage, open_stage
from tests.e2e.forks import Forks
from tests.postgres_server import free_port
from tests.tcp import Proxy, served

READY, NOT_READY = (200, "ready"), (503, "not ready: telegram, process")


class Pair:
    """The processes, each with its own way to Telegram."""

    def __init__(self, stage: Stage, client: httpx.AsyncClient, folder: Path) -> None:
        self.stage = stage
        self.bots: list[Separate] = []
        self.ways: list[Proxy] = []
        self.ports = [free_port(), free_port()]
        self._client = client
        self._folder = folder

    async def start(self, forks: Forks, stack: AsyncExitStack, webhook: str | None) -> None:
        """Start one after the other, so that the first leads."""
        port = int(self.stage.environment["TELEGRAM_API_URL"].rpartition(":")[2])
        own = {"WEBHOOK_URL": webhook} if webhook is not None else {}
        for number in range(len(self.ports)):
            way = Proxy(port)
            self.ways.append(way)
            link = await stack.enter_async_context(served(way.handle))
            more = {"PORT": str(self.ports[number]), "TELEGRAM_API_URL": f"http://127.0.0.1:{link}"}
            bot = Separate(forks.bot, self.stage.environment | own | more, self._folder / str(number) / "bot.log")
            self.bots.append(bot)
            await bot.start()
            await self.until(number, READY)

    async def until(self, number: int, wanted: tuple[int, str]) -> None:
        """Wait until /readyz of a process answers this."""
        async with asyncio.timeout(2 * PATIENCE_S):
            while await self._ask(number) != wanted:  # noqa: ASYNC110 - it can only be asked for
                await asyncio.sleep(0.1)

    async def passive(self, number: int) -> bool:
        """Whether the metrics of a process say that it is passive."""
        url = f"http://127.0.0.1:{self.ports[number]}/metrics"
        text = (await self._client.get(url, headers={"Authorization": "Bearer metrics-token"})).text
        return "\nkeepsake_passive 1.0\n" in text

    def log(self, number: int) -> str:
        return (self._folder / str(number) / "bot.log").read_text()

    async def _ask(self, number: int) -> tuple[int, str]:
        try:
            response = await self._client.get(f"http://127.0.0.1:{self.ports[number]}/readyz")
        except httpx.HTTPError:
            return 0, ""
        return response.status_code, response.text


@pytest.fixture
def lost_s() -> float:
    """After how long Telegram is out of reach: long enough for each process to learn before that that others fail."""
    return 8.0


@pytest.fixture(params=["webhook", pytest.param("polling", marks=pytest.mark.long)])
async def pair(
    postgres_url: str, tmp_path: Path, forks: Forks, lost_s: float, request: pytest.FixtureRequest
) -> AsyncIterator[Pair]:
    def none(_: object) -> Separate:
        raise AssertionError("each process is started by itself")

    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(open_stage(tmp_path, postgres_url, "10.1", none))
        stage.environment |= {"DATABASE_URL": postgres_url, "MESSAGES_PER_MINUTE": "1000", "TMPDIR": str(tmp_path)}
        stage.environment |= {"LOST_S": str(lost_s), "METRICS_TOKEN": "metrics-token"}
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        pair = Pair(stage, client, tmp_path)
        url = await stack.enter_async_context(balanced(pair.ports)) if request.param == "webhook" else None
        try:
            await pair.start(forks, stack, url and f"{url}/hook")
            yield pair
        finally:
            for bot in pair.bots:
                if bot.running:
                    bot.kill()
                await bot.wait()


async def _greet(pair: Pair) -> tuple[User, Chat]:
    """Ann is answered, by the process that leads or is the first to get an update, and that is stored."""
    stage = pair.stage
    stage.model.always(Say("Answered."))
    group = stage.telegram.group("All", [stage.ann])
    await stage.ann.say(stage.home, "hello")
    assert await stage.replies(1) == ["Answered."]
    async with asyncio.timeout(PATIENCE_S):
        while not _count(pair, "Answered chat"):  # noqa: ASYNC110 - only the log shows it
            await asyncio.sleep(0.05)
    return stage.ann, group


def _texts(chat: Chat) -> list[str]:
    return [message.text for message in chat.replies]


@pytest.mark.parametrize("lost_s", [3.0])
async def test_chats_move_to_process_that_reaches_telegram(pair: Pair) -> None:
    ann, group = await _greet(pair)
    stage, asked = pair.stage, len(pair.stage.model.requests)
    pair.ways[0].refuse()
    await ann.say(stage.home, "and now?")
    await ann.say(group, "@keepsake_sandbox_bot and you?")
    await stage.replies(2)
    await group.wait(1, PATIENCE_S)
    await pair.until(0, NOT_READY)
    assert await pair.passive(0)
    assert not await pair.passive(1)
    assert pair.log(0).count("this one leaves its chats to them") == 1
    await pair.until(1, READY)
    pair.ways[0].release()
    await pair.until(0, READY)
    assert "this process takes chats again" in pair.log(0)
    await ann.say(stage.home, "thanks")
    assert await stage.replies(3) == ["Answered."] * 3
    assert _texts(group) == ["Answered."]
    assert len(stage.model.requests) == asked + 3
    assert "Traceback" not in pair.log(0) + pair.log(1)


async def test_answers_wait_while_no_process_reaches_telegram(pair: Pair, lost_s: float) -> None:
    ann, group = await _greet(pair)
    stage, asked = pair.stage, len(pair.stage.model.requests)
    failures = _count(pair, "will be sent again")
    stage.model.always(Say("Later.", delay=0.2))
    await ann.say(stage.home, "one")
    await ann.say(group, "@keepsake_sandbox_bot two")
    await stage.fetched()
    for way in pair.ways:
        way.refuse()
    await asyncio.sleep(lost_s)  # as long as Telegram may be gone before a process would become passive
    await pair.until(0, (503, "not ready: telegram"))
    for way in pair.ways:
        way.release()
    await stage.replies(2)
    await group.wait(1, PATIENCE_S)
    for number in (0, 1):
        await pair.until(number, READY)
        assert "leaves its chats" not in pair.log(number)
    assert _count(pair, "will be sent again") > failures
    assert _texts(stage.home) == ["Answered.", "Later."]
    assert _texts(group) == ["Later."]
    assert len(stage.model.requests) == asked + 2
    assert "Traceback" not in pair.log(0) + pair.log(1)


def _count(pair: Pair, words: str) -> int:
    return sum(pair.log(number).count(words) for number in (0, 1))
