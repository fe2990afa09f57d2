"""What a message costs in trips to the database, as a traced connection in the bot's process counts them."""

from pathlib import Path

import pytest

from benchmarks.message_path import Bench, BotEndedError, measure

MOST_SELECTS = 11
"""10, and one of a worker whose time may come meanwhile."""
MOST_WRITES = 4
"""The update; the question with the reply that is begun; the answer and its cost; its arrival.

Each 16 turns there is one more, which indexes them.
"""
MOST_FILES = 130
"""128, without those of the workers, and one of a worker whose time may come meanwhile."""


class TestPrivateMessage:
    async def test_costs_few_trips_to_the_database(self) -> None:
        path = await measure(turns=0)
        assert path.selects <= MOST_SELECTS
        assert path.write_transactions <= MOST_WRITES
        assert len(path.files) <= MOST_FILES


async def test_bot_that_cannot_start_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(BotEndedError, match="DATABASE_URL"):
        async with Bench(tmp_path, "mysql://localhost/memory").run():
            pass
