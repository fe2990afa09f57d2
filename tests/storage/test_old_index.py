"""A database of the schema before this one: its index answers until all turns are in the new one."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC
from multiprocessing import get_context
from pathlib import Path

import pytest

from bot.conversation import indexing
from bot.conversation.indexing import Indexer, IndexRepair
from storage import Storage
from storage import sqlite as migrations
from storage.inspection import damages
from storage.old_index import OLD_PARTS
from storage.records import ChatKey, NewTurn
from storage.search import tag
from tests.conversation.conftest import make_recall

pytestmark = pytest.mark.sqlite_only("PostgreSQL begins with schema 27")

TURNS = 30
LAST_OLD = 12
"""The last schema with the old index."""


def _make(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        for step in migrations.after(0):
            if step.version <= LAST_OLD:
                old.executescript(step.script)
        for chat_id in (7, 8):
            old.execute(
                "INSERT INTO chats (id, telegram_id, private, created_at, indexed_turn) VALUES (?, ?, 1, 1.0, ?)",
                (chat_id, 1000 + chat_id, 2 * TURNS),
            )
        for number in range(1, 2 * TURNS + 1):
            chat_id = 7 if number <= TURNS else 8
            content = f"мою кошку зовут Пуговка{number}"
            old.execute(
                "INSERT INTO turns (id, chat_id, role, state, content, created_at)"
                " VALUES (?, ?, 'user', 'settled', ?, 2.0)",
                (number, chat_id, content),
            )
            old.execute(
                "INSERT INTO turn_keys (rowid, tag, own, around, label) VALUES (?, ?, ?, '', '')",
                (number, tag(chat_id), content.casefold()),
            )


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("old") / "keepsake.db"
    _make(path)
    return path


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copyfile(template, tmp_path / "keepsake.db"))


@pytest.fixture
async def older(path: Path) -> AsyncIterator[Storage]:
    storage = await Storage.open(path)
    yield storage
    await storage.close()


async def _search(storage: Storage, words: str, number: int = 1007) -> list[int]:
    chat = await storage.chats.find(ChatKey(number))
    assert chat is not None
    recall = make_recall(storage, 1200)
    found = await recall.find(chat, f"{words}?", after_turn=0, before_turn=10**9)
    ids = await recall.search(chat, words, after_turn=0, limit=99)
    assert bool(ids) == bool(found.turn_ids)
    return sorted(ids)


async def _left(storage: Storage) -> list[str]:
    rows = await storage.database.rows("SELECT name FROM sqlite_schema WHERE name GLOB 'turn_keys*'")
    return [row["name"] for row in rows]


async def test_old_index_answers_until_new_is_complete(older: Storage) -> None:
    assert await _search(older, "Пуговка3") == [3]
    async with older.transaction() as tx:
        turn = NewTurn("наша собака — Пуговка3", "\n", 5, 9000, 5, speaker="Ann", said_at=0.0)
        await older.transcript.append(tx, 7, [turn], 0.0)
        await older.transcript.give_up(tx, 7)
    await Indexer(older.chats, older.history, older.search, UTC).catch_up(7)
    assert await _search(older, "Пуговка3") == [3, 2 * TURNS + 1]
    assert await _search(older, "кошка") == [TURNS]  # the neighbour of the new one


async def test_all_turns_go_into_the_new_index(older: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "MOVED", 7)
    monkeypatch.setattr(indexing, "REST_S", 0.0)
    mending = IndexRepair(Indexer(older.chats, older.history, older.search, UTC), lambda: 0.0)
    mending.begin()
    await mending.close_when_done()
    assert await _search(older, "кошка") == list(range(1, TURNS + 1))
    assert await _search(older, "кошками", 1008) == list(range(TURNS + 1, 2 * TURNS + 1))
    assert await _left(older) == []
    assert await Indexer(older.chats, older.history, older.search, UTC).probe()
    rows = await older.database.rows("SELECT rowid AS id, own, around FROM turn_words WHERE rowid IN (?, ?)", (7, 8))
    assert {row["id"]: "пуговка6" in row["around"].split() for row in rows} == {7: True, 8: False}


async def test_the_chat_that_was_used_last_comes_first(older: Storage) -> None:
    assert await older.search.index.old_chats() == [8, 7]


async def test_what_is_forgotten_meanwhile_is_in_neither(older: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "REST_S", 0.0)
    indexer = Indexer(older.chats, older.history, older.search, UTC)
    async with older.transaction() as tx:
        await older.deletions.delete_turns(tx, 7, [3, 29])
        await indexer.forgotten(tx, 7, [3, 29])
    assert await _search(older, "Пуговка3") == []
    rows = await older.database.rows("SELECT rowid FROM turn_keys WHERE rowid IN (3, 29)")
    assert [*rows] == []
    await indexer.renew()
    await indexer.move()
    assert await _search(older, "кошка") == [number for number in range(1, TURNS + 1) if number not in (3, 29)]


async def _move_and_die(path: Path) -> None:
    indexing.MOVED, indexing.REST_S = 7, 0.0
    storage = await Storage.open(path)
    moved, done = storage.search.index.moved, []

    async def counted(*arguments: object) -> None:
        await moved(*arguments)  # type: ignore[arg-type]
        done.append(1)
        if len(done) > 2:
            os._exit(9)  # in the middle of a transaction

    storage.search.index.moved = counted  # type: ignore[assignment,method-assign]
    await Indexer(storage.chats, storage.history, storage.search, UTC).move()


def _child(path: Path) -> None:
    asyncio.run(_move_and_die(path))


async def test_killed_meanwhile_it_goes_on_where_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "REST_S", 0.0)
    child = get_context("spawn").Process(target=_child, args=(path,))
    child.start()
    await asyncio.to_thread(child.join)
    assert child.exitcode == 9
    storage = await Storage.open(path)
    try:
        rows = await storage.database.rows("SELECT id, old_turn FROM chats ORDER BY id")
        assert [(row["id"], row["old_turn"]) for row in rows] == [(7, 2 * TURNS), (8, 2 * TURNS - 14)]
        assert len(await _search(storage, "Пуговка33", 1008)) == 1
        await Indexer(storage.chats, storage.history, storage.search, UTC).move()
        assert len(await _search(storage, "кошка", 1008)) == TURNS
    finally:
        await storage.close()


@pytest.mark.parametrize("damage", ["DROP TABLE turn_keys_config", "UPDATE turn_keys_data SET block = randomblob(50)"])
async def test_a_damaged_old_index_fails_nothing(damage: str, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(damage)
    storage = await Storage.open(path)
    try:
        await _search(storage, "Пуговка3")
        mending = IndexRepair(Indexer(storage.chats, storage.history, storage.search, UTC), lambda: 0.0)
        mending.begin()
        await mending.close_when_done()
        assert len(await _search(storage, "кошка")) == TURNS
        assert await _left(storage) == []
    finally:
        await storage.close()


async def test_half_removed_old_index_is_no_damage(older: Storage, path: Path) -> None:
    async with older.transaction() as tx:
        await tx.execute("UPDATE chats SET old_turn = 0")
    assert await older.search.index.take_away_old()
    assert set(await _left(older)) == set(OLD_PARTS)
    await older.close()
    with closing(sqlite3.connect(path)) as connection:
        found = damages(connection)
    assert (found.elsewhere, found.index) == ((), ())


async def test_another_version_of_the_words_is_made_anew(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "REST_S", 0.0)
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, ChatKey(1007), private=True, now=0.0)
        turn = NewTurn("мою кошку зовут Пуговка", "\n", 5, 1, 5, speaker="Ann", said_at=0.0)
        await storage.transcript.append(tx, chat.id, [turn], 0.0)
        await storage.transcript.give_up(tx, chat.id)
    indexer = Indexer(storage.chats, storage.history, storage.search, UTC)
    await indexer.catch_up_all()
    await indexer.move()
    async with storage.transaction() as tx:
        await tx.execute("UPDATE turn_words SET own = 'older'")
    await indexer.move()
    assert await _search(storage, "кошка") == []
    monkeypatch.setattr(indexing, "KEYS_VERSION", "another")
    await indexer.move()
    assert await _search(storage, "кошка") == [1]
