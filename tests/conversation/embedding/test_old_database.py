"""A database of an older version goes on by words; its vectors are made anew, and old ones are not compared with."""

import sqlite3
from contextlib import closing
from datetime import UTC
from pathlib import Path

from bot.conversation.embedding import EmbeddingIndex
from storage import Storage, sqlite
from storage.records import ChatKey
from tests.conversation.embedding.talk import Clock, Make, nearest


async def test_old_vectors_are_made_anew(tmp_path: Path, make: Make) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        for step in sqlite.after(0):
            if step.version < 13:
                old.executescript(step.script)
        old.execute("INSERT INTO chats (id, telegram_id, private, created_at) VALUES (7, 1001, 1, 1.0)")
        for words in ("I painted a lake", "The dog ran away", "The bus was late"):
            old.execute(
                "INSERT INTO turns (chat_id, role, state, content, created_at) VALUES (7, 'user', 'settled', ?, 1.0)",
                (words,),
            )
        old.execute("INSERT INTO vectors VALUES (1, 7, 'small', 2, x'0000000000000000')")
        old.execute("INSERT INTO embedded VALUES (7, 'small', 2, 3)")
    opened = await Storage.open(path)
    try:
        chat = await opened.chats.find(ChatKey(1001))
        assert chat is not None
        embedding = EmbeddingIndex(opened.database, opened.history, opened.vectors, make()._embedder, UTC, Clock())
        assert await nearest(embedding, chat, "a lake") == []
        assert await opened.vectors.chats_to_embed("small") == [chat.id]
        await embedding.catch_up(chat.id)
        assert (await nearest(embedding, chat, "who painted the lake?"))[0] == 1
    finally:
        await opened.close()
