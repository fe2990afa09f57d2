"""A lane counts as stuck without a sign of life, but not while it waits for a slow model or a flood limit."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bot.concurrency import still_alive
from bot.outbound.content import Destination
from bot.outbound.flood_control import FloodControl
from bot.updates.lanes import Lanes
from storage.records import ChatKey

HERE, THERE = ChatKey(1), ChatKey(2)


class _Worker:
    """Does with each lane what the test says."""

    def __init__(self, works: dict[ChatKey, Callable[[], Awaitable[object]]]) -> None:
        self._works = works

    async def handle(self, key: ChatKey, _: object) -> None:
        await self._works[key]()


async def _hang() -> None:
    await asyncio.Event().wait()


async def _nothing() -> None:
    pass


async def _started(**works: Callable[[], Awaitable[object]]) -> Lanes:
    keys = {"here": HERE, "there": THERE}
    lanes = Lanes(stuck_after=0.05)
    lanes.start(_Worker({keys[name]: work for name, work in works.items()}))  # type: ignore[arg-type]
    for name in works:
        lanes.wake(keys[name])
    await asyncio.sleep(0.15)
    return lanes


async def test_hanging_lane_is_stuck(caplog: pytest.LogCaptureFixture) -> None:
    lanes = await _started(here=_hang)
    assert not await lanes.are_moving()
    assert not await lanes.are_moving()
    assert [record.getMessage() for record in caplog.records] == [
        "The lane of chat 1 has given no sign of life for 0 s"
    ]
    await lanes.drain(0)


async def test_other_lanes_hide_no_stuck_one() -> None:
    lanes = await _started(here=_hang, there=_nothing)
    assert not await lanes.are_moving()
    await lanes.drain(0)
    assert await lanes.are_moving()


async def test_idle_lanes_are_moving() -> None:
    assert await (await _started(here=_nothing)).are_moving()
    assert await Lanes(stuck_after=0.0).are_moving()


async def test_slow_answer_is_not_stuck() -> None:
    async def speak() -> None:
        while True:
            still_alive()
            await asyncio.sleep(0.01)

    async def answer() -> None:
        await asyncio.create_task(speak())

    lanes = await _started(here=answer)
    assert await lanes.are_moving()
    await lanes.drain(0)


async def test_flood_wait_is_not_stuck() -> None:
    flood, to = FloodControl(), Destination(1, private=True)
    flood.halt(to, 3600)
    lanes = await _started(here=lambda: flood.turn(to))
    assert await lanes.are_moving()
    await lanes.drain(0)
