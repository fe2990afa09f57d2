import asyncio

import pytest
from telegram.request import HTTPXRequest

from bot.outbound.content import Destination
from bot.outbound.flood_control import FloodControl
from bot.outbound.reach import CountedRequests, TelegramReach

PRIVATE = Destination(1, private=True)
GROUP = Destination(-1, private=False)


class Clock:
    """Time that passes only while someone sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def flood_control(clock: Clock) -> FloodControl:
    return FloodControl(clock, clock.sleep)


async def turns(flood_control: FloodControl, clock: Clock, to: Destination, count: int) -> list[float]:
    times = []
    for _ in range(count):
        await flood_control.turn(to)
        times.append(clock.now - 1000)
    return times


def most_within(times: list[float], span: float) -> int:
    return max(sum(start <= time < start + span for time in times) for start in times)


async def test_private_chat_gets_burst_then_one_per_second(flood_control: FloodControl, clock: Clock) -> None:
    assert await turns(flood_control, clock, PRIVATE, 7) == pytest.approx([0, 0, 0, 0, 1, 2, 3])


async def test_group_gets_20_per_minute_at_most(flood_control: FloodControl, clock: Clock) -> None:
    times = await turns(flood_control, clock, GROUP, 60)
    assert times[:5] == pytest.approx([0] * 5)
    assert 15 <= most_within(times, 60) <= 20


async def test_all_chats_get_30_per_second_at_most(flood_control: FloodControl, clock: Clock) -> None:
    times = []
    for chat in range(200):
        times += await turns(flood_control, clock, Destination(chat, private=True), 1)
    assert 20 <= most_within(times, 1) <= 30


async def test_preview_takes_free_turns_and_spares_burst(flood_control: FloodControl, clock: Clock) -> None:
    assert flood_control.free(PRIVATE)
    assert not flood_control.free(PRIVATE)
    assert await turns(flood_control, clock, PRIVATE, 3) == pytest.approx([0, 0, 0])
    clock.now += 3.9
    assert not flood_control.free(PRIVATE)
    clock.now += 0.2
    assert flood_control.free(PRIVATE)


async def test_halted_chat_waits_alone(flood_control: FloodControl, clock: Clock) -> None:
    flood_control.halt(PRIVATE, 230)
    assert flood_control.halted(PRIVATE)
    assert not flood_control.free(PRIVATE)
    assert flood_control.free(GROUP)
    assert await turns(flood_control, clock, PRIVATE, 1) == pytest.approx([230])
    assert not flood_control.halted(PRIVATE)


async def test_halt_also_delays_a_waiting_message(clock: Clock) -> None:
    async def sleep(seconds: float) -> None:
        if clock.now == 1000:
            waiting.halt(PRIVATE, 50)
        await clock.sleep(seconds)

    waiting = FloodControl(clock, sleep)
    assert await turns(waiting, clock, PRIVATE, 5) == pytest.approx([0, 0, 0, 0, 50])


async def test_shorter_halt_does_not_shorten_longer(flood_control: FloodControl, clock: Clock) -> None:
    flood_control.halt(PRIVATE, 100)
    flood_control.halt(PRIVATE, 1)
    clock.now += 50
    assert flood_control.halted(PRIVATE)


async def test_turns_are_given_in_the_order_of_asking() -> None:
    loop, order = asyncio.get_running_loop(), list[int]()
    flood_control = FloodControl(lambda: loop.time() * 2, lambda seconds: asyncio.sleep(seconds / 2))

    async def ask(number: int) -> None:
        await flood_control.turn(Destination(number, private=True))
        order.append(number)

    await asyncio.gather(*(ask(number) for number in range(40)))
    assert order == list(range(40))


async def test_chats_that_are_free_again_are_forgotten(flood_control: FloodControl, clock: Clock) -> None:
    for chat in range(5000):
        await flood_control.turn(Destination(chat, private=True))
    assert len(flood_control._due) < 1100


async def test_patient_messages_let_others_go_first(clock: Clock) -> None:
    asked: list[float] = []

    async def sleep(seconds: float) -> None:
        asked.append(seconds)
        await asyncio.Event().wait()

    flood_control = FloodControl(clock, sleep)
    strangers = [Destination(10 + number, private=True, patient=True) for number in range(40)]
    tasks = [asyncio.create_task(flood_control.turn(to)) for to in (*strangers, PRIVATE)]
    await asyncio.sleep(0.01)
    assert asked[-1] < 0.1
    for task in tasks:
        task.cancel()


async def test_notices_leave_turns_to_answers(flood_control: FloodControl, clock: Clock) -> None:
    began = clock.now
    for _ in range(3):
        assert await flood_control.spare(GROUP, lambda: True)
        await flood_control.turn(GROUP)
    assert clock.now == began
    assert not await flood_control.spare(GROUP, lambda: clock.now < began + 1)
    assert clock.now <= began + 2
    assert await turns(flood_control, clock, GROUP, 2) == pytest.approx([clock.now - 1000] * 2)


async def test_requests_beyond_the_connections_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, most = 0, 0

    async def send(*_: object, **__: object) -> tuple[int, bytes]:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        return 200, b""

    monkeypatch.setattr(HTTPXRequest, "do_request", send)
    requests = CountedRequests(3, TelegramReach())
    await asyncio.gather(*(requests.do_request("url", "POST") for _ in range(20)))
    assert most == 3


def test_chat_actions_are_bounded(flood_control: FloodControl, clock: Clock) -> None:
    assert sum(flood_control.may_act() for _ in range(100)) in (9, 10, 11)  # as floats are rounded
    clock.now += 100
    assert flood_control.may_act()


@pytest.mark.parametrize("replicas", [2, 3, 5, 8])
async def test_replicas_together_keep_the_overall_rate(replicas: int) -> None:
    times = []
    for _ in range(replicas):
        clock = Clock()
        flood_control = FloodControl(clock, clock.sleep)
        flood_control.share(replicas)
        for chat in range(60):
            times += await turns(flood_control, clock, Destination(chat, private=True), 1)
    assert 20 <= most_within(times, 1) <= 30


async def test_replicas_do_not_share_a_chats_rate(flood_control: FloodControl, clock: Clock) -> None:
    flood_control.share(4)
    assert (await turns(flood_control, clock, PRIVATE, 7))[-1] == pytest.approx(3, abs=0.2)
    flood_control.share(1)
    clock.now += 60
    start = clock.now - 1000
    assert await turns(flood_control, clock, PRIVATE, 4) == pytest.approx([start] * 4)
