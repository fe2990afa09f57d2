"""What two processes on one PostgreSQL database do in the tests."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from storage import Storage
from storage.records import Chat, ChatKey, NewMedium, NewReply, NewTurn

GROUP, SUPERGROUP = ChatKey(-7), ChatKey(-1007)


async def chat_of(storage: Storage, key: ChatKey = GROUP) -> Chat:
    async with storage.transaction() as tx:
        return await storage.chats.ensure(tx, key, private=False, now=0.0)


async def say(storage: Storage, chat: Chat, *texts: str, media: tuple[NewMedium, ...] = ()) -> list[int]:
    """Rounds of a message and an answer; returns the messages' turns."""
    for text in texts:
        turn = NewTurn(text, "\n", 5, None, 7, speaker="Ann", said_at=0.0, media=media)
        async with storage.transaction() as tx:
            await storage.transcript.append(tx, chat.id, [turn], 0.0)
            reply_id = await storage.transcript.begin_reply(tx, chat.id, 0.0, reply_to=None)
            await storage.transcript.finish_reply(tx, chat.id, reply_id, NewReply("ok", 1), None)
    rows = await storage.database.rows(
        "SELECT id FROM turns WHERE chat_id = ? AND role = 'user' ORDER BY id", (chat.id,)
    )
    return [row["id"] for row in rows][-len(texts) :]


async def waits(work: Awaitable[Any]) -> "asyncio.Future[Any]":
    """Begin something that can't finish now."""
    begun = asyncio.ensure_future(work)
    await asyncio.wait([begun], timeout=0.2)
    assert not begun.done()
    return begun


async def count(storage: Storage, table: str) -> int:
    rows = await storage.database.rows(f"SELECT count(*) AS n FROM {table}")
    return int(rows[0]["n"])
