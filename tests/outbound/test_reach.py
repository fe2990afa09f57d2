"""Whether Telegram can be reached is judged by all requests together, and any response is an answer."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator

import pytest
from telegram import Bot
from telegram.error import NetworkError, TelegramError

from bot.outbound import reach as module
from bot.outbound.reach import LOST_S, SILENT_S, SOCKET_OPTIONS, CountedRequests, TelegramReach
from sandbox.botapi import BotApi


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reach(clock: Clock) -> TelegramReach:
    return TelegramReach(clock)


def _fail(reach: TelegramReach, clock: Clock, *at: float) -> None:
    for clock.now in at:
        reach.failed()


def test_lost_after_failures_for_long(reach: TelegramReach, clock: Clock) -> None:
    _fail(reach, clock, 0, 10, 20, LOST_S - 0.1)
    assert reach.is_doubtful
    assert not reach.is_lost
    _fail(reach, clock, LOST_S)
    assert reach.is_lost
    reach.answered()
    assert not reach.is_lost
    assert not reach.is_doubtful


def test_one_answer_begins_anew(reach: TelegramReach, clock: Clock) -> None:
    _fail(reach, clock, 0, 10, 20)
    reach.answered()
    _fail(reach, clock, 25, 30, 35, 40)
    assert not reach.is_lost


@pytest.mark.parametrize("failures", [(0,), (0, 100)])
def test_few_failures_say_little(reach: TelegramReach, clock: Clock, failures: tuple[float, ...]) -> None:
    _fail(reach, clock, *failures)
    clock.now += 1000
    assert not reach.is_lost


def test_silence_says_nothing_either_way(reach: TelegramReach, clock: Clock) -> None:
    reach.answered()
    clock.now = SILENT_S - 0.1
    assert not reach.is_silent
    clock.now = SILENT_S
    assert reach.is_silent
    assert not reach.is_doubtful


@pytest.fixture
async def api() -> AsyncIterator[tuple[BotApi, str]]:
    api = BotApi()
    async with api.run() as url:
        yield api, url


@pytest.mark.parametrize(("code", "text"), [(403, "Forbidden"), (429, "Too Many Requests"), (502, "Bad Gateway")])
async def test_any_response_is_an_answer(
    api: tuple[BotApi, str], reach: TelegramReach, clock: Clock, code: int, text: str
) -> None:
    telegram, url = api
    async with Bot(telegram.token, base_url=f"{url}/bot", request=CountedRequests(1, reach)) as bot:
        _fail(reach, clock, 0, 20, 40)
        telegram.faults.add("getMe", 1, code=code, description=text)
        with pytest.raises(TelegramError):
            await bot.get_me()
    assert not reach.is_lost


@pytest.mark.skipif(not SOCKET_OPTIONS, reason="only Linux has TCP_USER_TIMEOUT")
async def test_kernel_gives_up_a_request_in_time(api: tuple[BotApi, str], reach: TelegramReach) -> None:
    telegram, url = api
    port = int(url.rpartition(":")[2])
    async with Bot(telegram.token, base_url=f"{url}/bot", request=CountedRequests(1, reach)) as bot:
        await bot.get_me()
        open_sockets = [one for one in gc.get_objects() if isinstance(one, socket.socket) and one.fileno() >= 0]
        clients = [one for one in open_sockets if _peer(one) == port]
        (timeout,) = {one.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) for one in clients}
    assert 0 < timeout < 1000 * LOST_S


def _peer(one: socket.socket) -> int | None:
    try:
        return int(one.getpeername()[1])
    except (OSError, IndexError):
        return None


async def test_closed_port_is_no_answer(reach: TelegramReach) -> None:
    telegram = BotApi()
    async with telegram.run() as url:
        bot = Bot(telegram.token, base_url=f"{url}/bot", request=CountedRequests(1, reach))
        await bot.initialize()
    for _ in range(2):
        with pytest.raises(NetworkError):
            await bot.get_me()
    await bot.shutdown()
    assert reach.is_doubtful


async def test_after_failure_telegram_is_asked_until_it_answers(
    reach: TelegramReach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ASK_EVERY_S", 0.0)
    asked = 0
    done = asyncio.Event()

    async def ask() -> None:
        nonlocal asked
        asked += 1
        if asked < 4:
            reach.failed()
            raise NetworkError("no route")
        reach.answered()
        done.set()

    watching = asyncio.create_task(reach.watch(ask))
    await asyncio.sleep(0)
    assert asked == 0
    reach.failed()
    await done.wait()
    for _ in range(10):
        await asyncio.sleep(0)
    watching.cancel()
    assert asked == 4
