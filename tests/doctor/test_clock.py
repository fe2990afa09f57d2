"""A clock that is more than a minute off is a note."""

import time

import pytest

from bot.doctor import clock
from bot.doctor.report import Mark
from sandbox.botapi import BotApi
from tests.doctor.conftest import World


@pytest.mark.parametrize(
    ("off", "mark", "told"),
    [(0, Mark.FINE, "agrees"), (-30, Mark.FINE, "agrees"), (120, Mark.NOTE, "ahead"), (-7200, Mark.NOTE, "behind")],
)
async def test_the_clock_is_compared_with_a_servers(world: World, off: int, mark: Mark, told: str) -> None:
    found = await clock.check([world.telegram_url], lambda: time.time() + off)
    assert found.mark is mark
    assert told in found.found


async def test_unreachable_clock_server_is_replaced_by_next(world: World) -> None:
    async with BotApi().run() as away:
        pass
    assert (await clock.check([away, world.telegram_url], time.time)).mark is Mark.FINE
    assert "not compared" in (await clock.check([away], time.time)).found
