"""A real database with two chats, and what writes turns into it."""

from dataclasses import dataclass
from datetime import UTC
from math import inf

import pytest

from bot.conversation.indexing import Indexer
from bot.conversation.recall import Recall, Recalled, SemanticSearch
from bot.conversation.tokens import estimate
from storage import Storage
from storage.postgres.tsvector import PostgresSearch
from storage.records import Chat, ChatKey, NewReply, NewTurn

DAY_S = 86_400.0
MONDAY = 1_700_000_000.0 - 1_700_000_000.0 % DAY_S - DAY_S
"""2023-11-13, 00:00 UTC."""
END = 2**40
_VECTORS = """
SELECT turn_id AS id, coalesce(string_agg(lexeme, ' ') FILTER (WHERE 'A' = ANY (weights)), '') AS own,
    coalesce(string_agg(lexeme, ' ') FILTER (WHERE 'B' = ANY (weights)), '') AS around,
    coalesce(string_agg(lexeme, ' ') FILTER (WHERE 'C' = ANY (weights)), '') AS label
FROM turn_words CROSS JOIN LATERAL unnest(words) GROUP BY turn_id
"""
"""The search index of PostgreSQL in the columns of SQLite's."""


def make_recall(
    storage: Storage, budget: int, semantic: SemanticSearch | None = None, names: tuple[str, ...] = ()
) -> Recall:
    """As the bot makes it, with days in UTC; `budget` is in tokens."""
    indexer = Indexer(storage.chats, storage.history, storage.search, UTC)
    return Recall(storage.chats, storage.history, storage.search, indexer, estimate, budget, UTC, semantic, names)


@dataclass
class History:
    """One chat, written as a conversation writes it; `now` is the time of the next message."""

    storage: Storage
    chat: Chat
    now: float = MONDAY
    messages: int = 0

    async def say(self, text: str, speaker: str | None = "Ann") -> int:
        self.messages += 1
        turn = NewTurn(text, "\n", estimate(text), self.messages, 5, speaker=speaker, said_at=self.now)
        async with self.storage.transaction() as tx:
            await self.storage.transcript.append(tx, self.chat.id, [turn], self.now)
            return int((await tx.rows("SELECT max(id) AS id FROM turns"))[0]["id"])

    async def reply(self, text: str) -> int:
        reply_id = await self.begin()
        async with self.storage.transaction() as tx:
            await self.storage.transcript.finish_reply(tx, self.chat.id, reply_id, NewReply(text, estimate(text)), None)
        return reply_id

    async def begin(self, replaces: int | None = None) -> int:
        async with self.storage.transaction() as tx:
            return await self.storage.transcript.begin_reply(
                tx, self.chat.id, self.now, reply_to=self.messages, replaces=replaces
            )

    async def talk(self, *texts: str) -> list[int]:
        """Messages and answers, in turns, and indexed."""
        ids = [await (self.reply(text) if at % 2 else self.say(text)) for at, text in enumerate(texts)]
        await self.index()
        return ids

    async def small_talk(self, rounds: int) -> None:
        for number in range(rounds):
            await self.say(f"lunch number {number} tasted fine")
            await self.reply(f"glad that it did, {number}")
        await self.index()

    async def index(self) -> None:
        """Index all that was said; what has no answer yet gets none."""
        async with self.storage.transaction() as tx:
            await self.storage.transcript.give_up(tx, self.chat.id)
        await self.catch_up()

    async def catch_up(self) -> None:
        await Indexer(self.storage.chats, self.storage.history, self.storage.search, UTC).catch_up(self.chat.id)

    async def reset(self) -> int:
        async with self.storage.transaction() as tx:
            await self.storage.deletions.reset(tx, self.chat.id, self.now)
        return await self.boundary()

    async def boundary(self) -> int:
        row = await self.storage.database.row("SELECT reset_turn FROM chats WHERE id = ?", (self.chat.id,))
        return int(row["reset_turn"]) if row else 0

    async def find(
        self,
        words: str,
        *,
        after: int = 0,
        before: int = END,
        budget: int = 1200,
        semantic: SemanticSearch | None = None,
        window: float = inf,
    ) -> Recalled:
        recall = make_recall(self.storage, budget, semantic)
        return await recall.find(self.chat, words, after_turn=after, before_turn=before, window=window, now=self.now)

    async def search(self, words: str, *, after: int = 0, every_word: bool = False) -> list[int]:
        recall = make_recall(self.storage, 1200)
        return await recall.search(self.chat, words, after_turn=after, limit=20, every_word=every_word)

    async def forget(self, *turn_ids: int) -> None:
        async with self.storage.transaction() as tx:
            await self.storage.deletions.delete_turns(tx, self.chat.id, turn_ids)
            await Indexer(self.storage.chats, self.storage.history, self.storage.search, UTC).forgotten(
                tx, self.chat.id, turn_ids
            )
        await Indexer(self.storage.chats, self.storage.history, self.storage.search, UTC).renew()

    async def keys(self) -> dict[int, str]:
        """All that is indexed, by turn: its own words, its neighbours' and the label."""
        if isinstance(self.storage.search, PostgresSearch):
            rows = await self.storage.database.rows(_VECTORS)
        else:
            rows = await self.storage.database.rows("SELECT rowid AS id, own, around, label FROM turn_words")
        return {row["id"]: f"{row['own']} | {row['around']} | {row['label']}" for row in rows}


async def open_chat(storage: Storage, number: int) -> History:
    async with storage.transaction() as tx:
        return History(storage, await storage.chats.ensure(tx, ChatKey(number), private=True, now=0.0))


@pytest.fixture
async def history(storage: Storage) -> History:
    return await open_chat(storage, 1001)


@pytest.fixture
async def other(storage: Storage) -> History:
    return await open_chat(storage, 1002)
