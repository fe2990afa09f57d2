"""What a message costs in trips to the database, as a traced connection in the bot's process counts them."""

from benchmarks.message_path import measure

MOST_SELECTS = 11
"""10, and one of a worker whose time may come meanwhile."""
MOST_WRITES = 4
"""The update; the question with the reply that is begun; the answer and its cost; its arrival.

Each 16 turns there is one more, which indexes them.
"""
MOST_FILES = 129
"""128, without those of the workers, and one of a worker whose time may come meanwhile."""


class TestPrivateMessage:
    async def test_costs_few_trips_to_the_database(self) -> None:
        path = await measure(turns=0)
        assert path.selects <= MOST_SELECTS
        assert path.write_transactions <= MOST_WRITES
        assert len(path.files) <= MOST_FILES
