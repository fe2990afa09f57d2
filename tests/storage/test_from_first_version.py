"""A database of the first version goes on in this one, with all that it held."""

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.conversation.indexing import Indexer
from storage import Storage
from storage import sqlite as migrations
from storage.records import Button, ChatKey, ChatSettings, Usage
from storage.search import Term
from storage.usage import EVERYBODY

pytestmark = pytest.mark.sqlite_only("PostgreSQL begins with schema 27")

OLD = """
INSERT INTO chats (id, telegram_id, private, created_at, reset_turn) VALUES (7, 1001, 1, 1.0, 1);
INSERT INTO turns (id, chat_id, role, state, content, tokens, created_at) VALUES
    (1, 7, 'user', 'settled', 'what was reset', 5, 1.0),
    (2, 7, 'user', 'settled', 'my boat is green', 6, 2.0),
    (3, 7, 'assistant', 'sent', 'green it is', 6, 3.0);
INSERT INTO turn_messages (turn_id, message_id) VALUES (2, 10);
INSERT INTO notices (telegram_id, private, text, button, button_data, button_until) VALUES
    (1001, 1, 'Done.', 'Undo', 'undo-reset:1', 60.0);
INSERT INTO usage VALUES (7, '2026-11-23', 'qwen-plus', 3, 300, 200, 30);
"""


async def test_everything_is_still_there(tmp_path: Path) -> None:
    path = tmp_path / "keepsake.db"
    first = next(step for step in migrations.after(0) if step.version == 1)
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.executescript(first.script)
        old.executescript(OLD)
    storage = await Storage.open(path)
    try:
        chat = await storage.chats.find(ChatKey(1001))
        assert chat is not None
        window = await storage.memories.window(chat.id)
        assert [turn.content for turn in window.turns] == ["my boat is green", "green it is"]
        assert (window.memory, chat.settings) == (None, ChatSettings())
        [(_, notice)] = await storage.outbox.notices(ChatKey(1001))
        assert (notice.text, notice.buttons, notice.button_until) == (
            "Done.",
            (Button("Undo", "undo-reset:1"),),
            60.0,
        )
        await Indexer(storage.chats, storage.history, storage.search, ZoneInfo("UTC")).catch_up(chat.id)
        hits = await storage.search.find(chat.id, [Term("boat")], after_turn=0, before_turn=99, limit=9, own=True)
        assert [hit.turn_id for hit in hits] == [2]
        rows = await storage.database.rows("SELECT turns, requests FROM usage")
        assert [dict(row) for row in rows] == [{"turns": 3, "requests": 3}]
        assert await storage.usage.by_user() == {1001: Usage(300, 200, 30)}
        assert await storage.usage.of_user(EVERYBODY, date(2026, 11, 23)) == {"qwen-plus": Usage(300, 200, 30)}
    finally:
        await storage.close()


async def test_a_damaged_index_does_not_stop_the_change(tmp_path: Path) -> None:
    path = tmp_path / "keepsake.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        for step in migrations.after(0):
            if step.version <= 8:
                old.executescript(step.script)
        old.execute("INSERT INTO chats (id, telegram_id, private, created_at) VALUES (7, 1001, 1, 1.0)")
        old.execute(
            "INSERT INTO turns (chat_id, role, state, content, created_at)"
            " VALUES (7, 'user', 'settled', 'my boat is green', 2.0)"
        )
        old.execute("DROP TABLE turn_keys_config")
    storage = await Storage.open(path)
    try:
        indexer = Indexer(storage.chats, storage.history, storage.search, ZoneInfo("UTC"))
        await indexer.catch_up(7)
        await indexer.rebuild()
        hits = await storage.search.find(7, [Term("boat")], after_turn=0, before_turn=99, limit=9, own=True)
        assert [hit.turn_id for hit in hits] == [1]
    finally:
        await storage.close()
