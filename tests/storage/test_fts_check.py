"""SQLite's integrity check of the search index: it sees what nothing else sees, and nobody waits for it."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storage import Storage
from storage import fts_index as index
from storage.inspection import inspect
from tests.selection import first
from tests.storage.test_damaged_index import _chat_in as chat_in
from tests.storage.test_damaged_index import _damage as damage
from tests.storage.test_damaged_index import _indexer as indexer
from tests.storage.test_damaged_index import _live as live
from tests.storage.test_damaged_index import path as path
from tests.storage.test_damaged_index import talked as talked

pytestmark = pytest.mark.sqlite_only("damages the tables of FTS5")

SILENT = {
    "other words in one turn": "UPDATE turn_words_content SET c1 = 'wrong' WHERE id = 5",
    "one turn is missing": "DELETE FROM turn_words_content WHERE id = 5",
    "one size is wrong": "UPDATE turn_words_docsize SET sz = x'0101010101' WHERE id = 5",
    "a leaf is empty": "DELETE FROM turn_words_data WHERE id = (SELECT max(id) FROM turn_words_data)",
}


@pytest.mark.parametrize("silent", first(list(SILENT), 2))
async def test_what_raises_no_error_is_found(path: Path, silent: str) -> None:
    damage(path, SILENT[silent])
    assert await index.look(path)
    storage = await Storage.open(path)
    try:
        assert not await indexer(storage).probe()
        await indexer(storage).rebuild()
        assert await indexer(storage).probe()
    finally:
        await storage.close()


async def test_an_index_that_was_lived_with_is_sound(path: Path) -> None:
    storage = await Storage.open(path)
    try:
        await live(storage, await chat_in(storage))
        assert await index.look(path) == ""
    finally:
        await storage.close()


async def test_check_neither_waits_for_nor_blocks_writers(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE chats SET indexed_turn = indexed_turn")
        assert await index.look(path) == ""
        looking = asyncio.create_task(index.look(path))
        await asyncio.sleep(0)
        writer.execute("COMMIT")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("COMMIT")
        assert await looking == ""


async def test_it_can_be_given_up(path: Path) -> None:
    looking = asyncio.create_task(index.look(path))
    await asyncio.sleep(0)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking


async def test_the_doctor_has_it_looked_at(path: Path) -> None:
    assert not (await inspect(path)).index_damages
    damage(path, SILENT["other words in one turn"])
    found = await inspect(path)
    assert found.index_damages
    assert not found.damages
