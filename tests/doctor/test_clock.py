"""A clock that is more than a minute off is a note."""

import time

import pytest

from bot.doctor import environment
from bot.doctor.report import Severity
from sandbox.botapi import BotApi
from tests.doctor.conftest import World


@pytest.mark.parametrize(
    ("off", "mark", "told"),
    [
        (0, Severity.FINE, "agrees"),
        (-30, Severity.FINE, "agrees"),
        (120, Severity.NOTE, "ahead"),
        (-7200, Severity.NOTE, "behind"),
    ],
)
async def test_the_clock_is_compared_with_a_servers(world: World, off: int, mark: Severity, told: str) -> None:
    found = await environment.check_clock([world.telegram_url], lambda: time.time() + off)
    assert found.mark is mark
    assert told in found.found


async def test_unreachable_clock_server_is_replaced_by_next(world: World) -> None:
    async with BotApi().run() as away:
        pass
    assert (await environment.check_clock([away, world.telegram_url], time.time)).mark is Severity.FINE
    assert "not compared" in (await environment.check_clock([away], time.time)).found
