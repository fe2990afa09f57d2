"""A short form of ``make chaos``."""

from pathlib import Path

import pytest

from tests.e2e.chaos import rounds
from tests.e2e.chaos.checks import findings_of_one, table
from tests.e2e.chaos.one_process import open_world
from tests.e2e.forks import Forks

PATIENCE_S = 60.0


@pytest.mark.timeout(120)
async def test_twenty_chats_lose_nothing_to_kills(database_file: Path, forks: Forks) -> None:
    async with open_world(database_file.parent, forks.bot, 3, PATIENCE_S) as world:
        await rounds.kills(world, 4, life_s=0.6)
        assert await world.until_quiet()
        rows = findings_of_one(world)
        assert not any(row.wrong for row in rows), table(rows)
