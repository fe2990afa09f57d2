"""What the tests say in a chat, and what became of it."""

import asyncio
import struct
from collections.abc import Awaitable, Callable

from bot.conversation.embedding import EmbeddingIndex
from sandbox.model import ModelServer
from storage import Storage
from storage.records import Chat, ChatKey, NewReply, NewTurn

Make = Callable[..., EmbeddingIndex]
MAY = 1_683_554_160.0  # Monday 8 May 2023, 13:56 UTC


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def chat_of(storage: Storage, telegram_id: int) -> Chat:
    async with storage.transaction() as tx:
        return await storage.chats.ensure(tx, ChatKey(telegram_id), private=True, now=MAY)


async def say(storage: Storage, chat: Chat, *words: str) -> list[int]:
    """Rounds of a user's words and the bot's "ok"; the ids of the user's turns."""
    for text in words:
        turn = NewTurn(text, "\n", 5, message_id=1, sender_id=7, speaker="Ann", said_at=MAY)
        async with storage.transaction() as tx:
            await storage.transcript.append(tx, chat.id, [turn], MAY)
            reply_id = await storage.transcript.begin_reply(tx, chat.id, MAY, reply_to=1)
            await storage.transcript.finish_reply(tx, chat.id, reply_id, NewReply("ok", 1), None)
    rows = await storage.database.rows(
        "SELECT id FROM turns WHERE chat_id = ? AND role = 'user' ORDER BY id", (chat.id,)
    )
    return [row["id"] for row in rows][-len(words) :]


async def embedded(storage: Storage, chat: Chat) -> list[tuple[int, str, int]]:
    rows = await storage.database.rows(
        "SELECT turns, model, dimension FROM vector_pages JOIN vector_progress USING (chat_id) WHERE chat_id = ?"
        " ORDER BY first_turn",
        (chat.id,),
    )
    return [(at, row["model"], row["dimension"]) for row in rows for (at,) in struct.iter_unpack("<q", row["turns"])]


def asked(server: ModelServer) -> list[str]:
    """What was sent: of each turn its own line, and the line between its neighbours."""
    return [text for request in server.embeddings.requests for text in request.texts]


def own(server: ModelServer) -> list[str]:
    """The turns' own words that were sent."""
    return [text.split(": ")[1] for text in asked(server) if "\n" not in text]


async def nearest(
    embedding: EmbeddingIndex,
    chat: Chat,
    words: str,
    *,
    after_turn: int = 0,
    before_turn: int = 2**63 - 1,
    limit: int = 5,
) -> list[int]:
    """The turns that are nearest in meaning, best first; none when that can't be known now."""
    scores = await embedding.scores(chat.id, words, after_turn=after_turn, before_turn=before_turn)
    if scores is None:
        return []
    near = scores.nearness(limit)
    return sorted(near, key=lambda turn_id: -near[turn_id])


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await check():  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.01)
