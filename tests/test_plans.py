"""A statement that reads a whole table is noticed, and one that looks something up is not."""

import pytest

from storage import Storage
from tests.plans import Plans


@pytest.mark.parametrize(
    ("sql", "scanned"),
    [
        ("SELECT * FROM turns WHERE content = 'x'", True),
        ("UPDATE turns SET tokens = 1 WHERE sender_id = 2", True),
        ("SELECT 1 FROM turn_messages WHERE message_id = 2", True),
        ("SELECT * FROM turns WHERE chat_id = 3", False),
        ("SELECT value FROM json_each('[1]') WHERE value IN (SELECT id FROM turns WHERE chat_id = 1)", False),
        ("WITH one (id) AS (SELECT 1) SELECT * FROM turns WHERE id IN (SELECT id FROM one)", False),
    ],
)
async def test_whole_tables_are_told_from_lookups(storage: Storage, sql: str, scanned: bool) -> None:
    plans = Plans()
    await plans.look(sql, storage.database.rows)
    assert bool(plans.scans) == scanned
