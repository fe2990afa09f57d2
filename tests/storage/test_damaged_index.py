"""A damaged search index fails nothing, and is made anew; damage elsewhere is an error as ever."""

import asyncio
import random
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC
from pathlib import Path

import pytest

from bot.conversation.indexing import Indexer, IndexRepair
from storage import Storage, StorageError
from storage.fts_index import INDEX, PARTS, TERMS, FTSIndex
from storage.inspection import damages
from storage.records import Chat, ChatKey, NewReply, NewTurn
from storage.sqlite import SQLiteDatabase
from tests.conversation.conftest import make_recall
from tests.selection import some

pytestmark = pytest.mark.sqlite_only("damages the tables of FTS5")

WORDS = ("harbour", "lantern", "walnut", "thunder", "saddle", "copper", "meadow", "violin")
ROUNDS = 150

GARBAGE = 96
"""Seeds what stands in for garbage; this one makes SQLite believe in a length that no memory has."""
STRUCTURE = "UPDATE turn_words_data SET block = x'0000000001010500{parts}' WHERE id = 10"
"""One level, one part, five writes, nothing merged on the level; then how many parts it has."""
DAMAGES = {
    "garbage in all blocks": "UPDATE turn_words_data SET block = garbage(length(block))",
    "garbage in the leaves": "UPDATE turn_words_data SET block = garbage(length(block)) WHERE id > 10",
    "empty blocks": "UPDATE turn_words_data SET block = x''",
    "a thousand million parts": STRUCTURE.format(parts="83dceb9400"),
    "garbage in the structure": "UPDATE turn_words_data SET block = garbage(length(block)) WHERE id = 10",
    "a hundred million parts": STRUCTURE.format(parts="afd7c200"),
    "no structure": "DELETE FROM turn_words_data WHERE id = 10",
    "garbage in the averages": "UPDATE turn_words_data SET block = garbage(length(block)) WHERE id = 1",
    "averages that give no scores": "UPDATE turn_words_data SET block = x'01010101010101' WHERE id = 1",
    "no averages": "DELETE FROM turn_words_data WHERE id = 1",
    "no blocks": "DELETE FROM turn_words_data",
    "no entries": "DELETE FROM turn_words_idx",
    "no sizes": "DELETE FROM turn_words_docsize",
    "garbage in the sizes": "UPDATE turn_words_docsize SET sz = garbage(9)",
    "no settings": "DELETE FROM turn_words_config",
    "another format": "UPDATE turn_words_config SET v = 9",
    **{f"without {name}": f"DROP TABLE {name}" for name in PARTS},
    "without the index": "DROP TABLE turn_words",
}


def _indexer(storage: Storage) -> Indexer:
    return Indexer(storage.chats, storage.history, storage.search, UTC)


async def _talk(storage: Storage, chat: Chat) -> None:
    pick = random.Random(1)
    async with storage.transaction() as tx:
        for number in range(ROUNDS):
            words = " ".join(f"{pick.choice(WORDS)}{pick.randint(0, 400)}" for _ in range(12))
            turn = NewTurn(f"the unicorn {words}", "\n", 20, number + 1, 5, speaker="Ann", said_at=0.0)
            await storage.transcript.append(tx, chat.id, [turn], 0.0)
            reply_id = await storage.transcript.begin_reply(tx, chat.id, 0.0, reply_to=None)
            reply = NewReply(f"as for number {number}", 5)
            await storage.transcript.finish_reply(tx, chat.id, reply_id, reply, None)
            await storage.transcript.give_up(tx, chat.id)
    await _indexer(storage).catch_up(chat.id)


@pytest.fixture(scope="module")
def talked(first_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with an index of several leaves, made once."""
    path = tmp_path_factory.mktemp("talked") / "keepsake.db"
    shutil.copyfile(first_database, path)
    asyncio.run(_make(path))
    return path


async def _make(path: Path) -> None:
    storage = await Storage.open(path)
    await _talk(storage, await _chat_in(storage))
    await storage.close()


async def _chat_in(storage: Storage) -> Chat:
    async with storage.transaction() as tx:
        return await storage.chats.ensure(tx, ChatKey(1001), private=True, now=0.0)


@pytest.fixture
def path(talked: Path, tmp_path: Path) -> Path:
    path = tmp_path / "keepsake.db"
    shutil.copyfile(talked, path)
    return path


def _damage(path: Path, sql: str) -> None:
    garbage = random.Random(GARBAGE)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.create_function("garbage", 1, lambda length: garbage.randbytes(length or 0))
        connection.execute(sql)


def _spoil_pages(path: Path, table: str) -> None:
    """Overwrite bytes in the pages of a table, as a failing disk does."""
    with closing(sqlite3.connect(path)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    data = bytearray(path.read_bytes())
    start = (root - 1) * size
    data[start : start + 200] = random.Random(1).randbytes(200)
    path.write_bytes(data)


async def _search(storage: Storage, chat: Chat, words: str) -> list[int]:
    recall = make_recall(storage, 1200)
    await recall.find(chat, f"what was it with the {words}?", after_turn=0, before_turn=10**9)
    return await recall.search(chat, words, after_turn=0, limit=20)


async def _live(storage: Storage, chat: Chat) -> None:
    """All that a bot does with the index while somebody talks, forgets and edits."""
    indexer = _indexer(storage)
    await _search(storage, chat, "unicorn")
    async with storage.transaction() as tx:
        turn = NewTurn("a dragon came by", "\n", 5, 9000, 5, speaker="Ann", said_at=0.0)
        await storage.transcript.append(tx, chat.id, [turn], 0.0)
        await storage.transcript.give_up(tx, chat.id)
    await indexer.catch_up(chat.id)
    async with storage.transaction() as tx:
        await storage.deletions.delete_turns(tx, chat.id, [3, 4])
        await indexer.forgotten(tx, chat.id, [3, 4])
    async with storage.transaction() as tx:
        await storage.edits.change(tx, 7, "the griffin instead", 5)
        await indexer.changed(tx, chat.id, 7)
    await indexer.merge()
    await storage.database.scrub()


@pytest.mark.parametrize("damage", some(DAMAGES, 6))
async def test_a_damaged_index_fails_nothing_and_comes_back(damage: str, path: Path) -> None:
    _damage(path, DAMAGES[damage])
    storage = await Storage.open(path)
    try:
        chat = await _chat_in(storage)
        await _live(storage, chat)
        index_repair = IndexRepair(_indexer(storage), lambda: 0.0)
        index_repair.begin()
        await index_repair.close_when_done()
        assert len(await _search(storage, chat, "unicorn")) == 20
        assert len(await _search(storage, chat, "dragon")) == 1
        assert await _search(storage, chat, "griffin") == [7]
        rows = await storage.database.rows("SELECT count(*) AS n FROM turn_words WHERE rowid IN (3, 4)")
        assert rows[0]["n"] == 0
        assert await _indexer(storage).probe()
    finally:
        await storage.close()


@pytest.mark.parametrize("table", some(PARTS, 3))
async def test_damaged_pages_of_the_index_are_left_behind(table: str, path: Path) -> None:
    await asyncio.to_thread(_spoil_pages, path, table)
    storage = await Storage.open(path)
    try:
        chat = await _chat_in(storage)
        await _live(storage, chat)
        await storage.search.index.mark_damaged("seen by the test")
        await _indexer(storage).rebuild()
        assert len(await _search(storage, chat, "unicorn")) == 20
        checked = await storage.database.rows("PRAGMA integrity_check")
        assert [dict(row) for row in checked] == [{"integrity_check": "ok"}]
    finally:
        await storage.close()


@pytest.mark.long
async def test_damage_while_the_bot_runs_is_noticed(storage: Storage, chat: Chat, tmp_path: Path) -> None:
    await _talk(storage, chat)
    assert not storage.search.index.damaged
    _damage(tmp_path / "keepsake.db", DAMAGES["garbage in all blocks"])
    assert await _search(storage, chat, "unicorn") == []
    index_repair = IndexRepair(_indexer(storage), lambda: 0.0)
    index_repair.maintain()
    await index_repair.close_when_done()
    assert len(await _search(storage, chat, "unicorn")) == 20


async def test_damage_that_raises_nothing_is_noticed_in_time(storage: Storage, chat: Chat, tmp_path: Path) -> None:
    await _talk(storage, chat)
    now = [0.0]
    index_repair = IndexRepair(_indexer(storage), lambda: now[0])
    index_repair.begin()
    await index_repair.close_when_done()
    _damage(tmp_path / "keepsake.db", "UPDATE turn_words_data SET block = zeroblob(length(block)) WHERE id > 10")
    assert await _search(storage, chat, "unicorn") == []
    assert not storage.search.index.damaged
    for now[0] in (80_000.0, 90_000.0):
        index_repair.maintain()
        await index_repair.close_when_done()
    assert len(await _search(storage, chat, "unicorn")) == 20


def test_index_exhausting_memory_counts_as_damaged(path: Path) -> None:
    _damage(path, DAMAGES["a thousand million parts"])
    with closing(sqlite3.connect(path)) as connection:
        found = damages(connection)
    assert found.index
    assert not found.elsewhere


async def test_damage_that_raises_no_error_is_seen_too(path: Path) -> None:
    _damage(path, DAMAGES["no entries"])
    storage = await Storage.open(path)
    assert not await _indexer(storage).probe()
    await storage.close()


async def test_seen_damage_is_remembered_after_kill(path: Path) -> None:
    _damage(path, DAMAGES["no averages"])
    storage = await Storage.open(path)
    await _live(storage, await _chat_in(storage))
    await storage.close()
    later = await Storage.open(path)
    assert await later.search.index.look()
    await later.close()


async def test_a_sound_index_stays_as_it_is(path: Path) -> None:
    storage = await Storage.open(path)
    assert await _indexer(storage).probe()
    assert not storage.search.index.damaged
    await storage.close()


async def test_a_damaged_table_of_turns_is_an_error(path: Path) -> None:
    await asyncio.to_thread(_spoil_pages, path, "turns_by_chat")
    await asyncio.to_thread(_spoil_pages, path, "turns")
    storage = await Storage.open(path)
    try:
        with pytest.raises(StorageError):
            await _search(storage, await _chat_in(storage), "unicorn")
        assert not storage.search.index.damaged
    finally:
        await storage.close()


async def test_rebuilt_index_matches_the_schema(storage: Storage) -> None:
    rows = await storage.database.rows("SELECT sql FROM sqlite_schema WHERE name IN ('turn_words', 'turn_terms')")
    assert {row["sql"] for row in rows} == {INDEX, TERMS}


async def test_lock_or_full_disk_is_no_damage(storage: Storage) -> None:
    assert isinstance(storage.database, SQLiteDatabase)
    index = FTSIndex(storage.database)
    with pytest.raises(StorageError):
        async with index.transaction() as tx, index.writing(tx):
            raise StorageError("OperationalError: database or disk is full")
    assert not index.damaged
