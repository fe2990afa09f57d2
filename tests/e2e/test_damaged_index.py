"""With a damaged search index everything is answered, and what was said is found again soon."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.e2e.conftest import PATIENCE_S, Stage
from tests.selection import first

pytestmark = pytest.mark.sqlite_only("damages the tables of FTS5")

DAMAGES = ["UPDATE turn_words_data SET block = randomblob(length(block))", "DROP TABLE turn_words_config"]


def _damage(stage: Stage, sql: str) -> None:
    with closing(sqlite3.connect(stage.folder / "keepsake.db", isolation_level=None)) as connection:
        connection.execute(sql)


def _read(stage: Stage, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(stage.folder / "keepsake.db", isolation_level=None)) as connection:
        return connection.execute(sql).fetchall()


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - another process wakes nobody
            await asyncio.sleep(0.05)


async def _index(stage: Stage) -> None:
    """Have what was said before indexed: a few turns are only when someone searches."""
    count = len(await stage.replies(1))
    await stage.ann.say(stage.home, "/search boat")
    assert "Marigold" in (await stage.replies(count + 1))[-1]
    assert _read(stage, "SELECT count(*) FROM turn_words") == [(2,)]


@pytest.mark.parametrize("damage", first(DAMAGES))
async def test_damage_between_two_starts_costs_nothing(damage: str, process: Stage) -> None:
    await process.start()
    await process.ann.say(process.home, "my boat is called Marigold")
    await process.replies(1)
    await _index(process)
    await process.end()
    await asyncio.to_thread(_damage, process, damage)
    await process.start()
    await process.ann.say(process.home, "hello again")
    await process.replies(3)
    await _until(lambda: "was rebuilt" in process.log())
    await process.ann.say(process.home, "/search Marigold")
    assert "Marigold" in (await process.replies(4))[-1]
    assert _read(process, "SELECT count(*) FROM turn_words") == [(4,)]


@pytest.mark.long
async def test_damage_while_it_runs_costs_nothing(process: Stage) -> None:
    await process.start()
    await process.ann.say(process.home, "my boat is called Marigold")
    await process.replies(1)
    await _index(process)
    await asyncio.to_thread(_damage, process, DAMAGES[0])
    for count, words in enumerate(("/search Marigold", "and a message", "/memory", "/forget boat", "/reset"), 3):
        await process.ann.say(process.home, words)
        assert "reference" not in (await process.replies(count))[-1]
    await _until(lambda: "was rebuilt" in process.log())
    await process.ann.say(process.home, "my cat is called Pepper")
    await process.replies(8)
    await process.ann.say(process.home, "/search Pepper")
    assert "Pepper" in (await process.replies(9))[-1]
    assert process.log().count("search index is damaged") == 1
