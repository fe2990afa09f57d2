"""How long recall takes in a database of a million turns, by words alone and by meaning too, and whether a turn's work
grows with its chat.

    python -m benchmarks.recall_speed [--dir FOLDER] [--turns 1000000]

The database is made in FOLDER at the first run (some minutes, about 1.5 GB) and used again later. The vectors of its
turns are random ones; questions are embedded by the local model, where it is installed.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC
from pathlib import Path
from statistics import median, quantiles
from tempfile import gettempdir

import numpy as np

from benchmarks.big_database import LENGTHS, make
from bot.conversation.embedding import Embedding
from bot.conversation.indexing import Indexer
from bot.conversation.recall import Recall
from bot.conversation.similarity import sum_of
from bot.conversation.tokens import estimate
from bot.llm.interface import Embedder, Purpose
from bot.llm.local import MODEL, LocalEmbeddings, is_installed
from storage import Storage
from storage.noted import Memory
from storage.records import Chat, NewReply, NewTurn
from storage.vectors import Progress

QUESTIONS = 200
ROUNDS = 200
WINDOW_TURNS = 10
"""As many as the shortest chat has, so that the chats differ in their length only."""
RECALL_TOKENS = 1_200
DIMENSION = 384
VECTORS_AT_ONCE = 5_000


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, default=Path(gettempdir()))
    parser.add_argument("--turns", type=int, default=1_000_000)
    arguments = parser.parse_args()
    path = arguments.dir / f"keepsake-{arguments.turns}.db"
    make(path, arguments.turns)
    asyncio.run(_measure(path))


async def _measure(path: Path) -> None:
    storage = await Storage.open(path)
    try:
        chats = await _chats(storage)
        await _vectors(storage, chats)
        await _recall(storage, chats, Recall(storage, estimate, RECALL_TOKENS, UTC), "words alone")
        await _recall_by_meaning(storage, chats)
        await _turns(storage, chats)
    finally:
        await storage.close()


async def _chats(storage: Storage) -> dict[int, Chat]:
    found = {}
    for chat_id, length in enumerate(LENGTHS, start=1):
        rows = await storage.database.rows("SELECT count(*) AS turns FROM turns WHERE chat_id = ?", (chat_id,))
        if rows[0]["turns"] == length:  # a smaller database lacks the longest chats
            found[length] = (await storage.memories.window(chat_id)).chat
    return found


class Stand:
    """In the local model's place: a question costs nothing."""

    name = MODEL

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> list[list[float]]:  # noqa: ARG002
        return [[1.0, *(DIMENSION - 1) * [0.0]] for _ in texts]

    async def close(self) -> None:
        return


async def _vectors(storage: Storage, chats: dict[int, Chat]) -> None:
    rng = np.random.default_rng(7)
    for chat in chats.values():
        if await storage.vectors.any(chat.id, MODEL):
            continue
        rows = await storage.database.rows("SELECT id FROM turns WHERE chat_id = ? ORDER BY id", (chat.id,))
        for start in range(0, len(rows), VECTORS_AT_ONCE):
            turn_ids = [row["id"] for row in rows[start : start + VECTORS_AT_ONCE]]
            numbers = rng.standard_normal((len(turn_ids), DIMENSION))
            made = {turn_id: sum_of(list(vector), None) for turn_id, vector in zip(turn_ids, numbers, strict=True)}
            async with storage.transaction() as tx:
                await storage.vectors.put(tx, chat.id, made, Progress(MODEL, DIMENSION, turn_ids[-1]))
    (size,) = await storage.database.rows("SELECT sum(pgsize) AS bytes FROM dbstat WHERE name = 'vector_pages'")
    turns = sum(chats)
    print(f"Vectors of {turns:,} turns take {size['bytes'] / turns:,.0f} bytes each")


async def _recall_by_meaning(storage: Storage, chats: dict[int, Chat]) -> None:
    embedders: dict[str, Embedder] = {"words and meaning, without the question's vector": Stand()}
    if is_installed():
        embedders["words and meaning"] = LocalEmbeddings()
    for what, embedder in embedders.items():
        semantic = Embedding(storage, embedder, UTC, time.monotonic)
        await embedder.embed(["the first one starts it"], Purpose.QUERY)
        await _recall(storage, chats, Recall(storage, estimate, RECALL_TOKENS, UTC, semantic), what)
        await semantic.close()
        await embedder.close()


async def _recall(storage: Storage, chats: dict[int, Chat], recall: Recall, what: str) -> None:
    print(f"\nRecall by {what}, {QUESTIONS} questions a chat")
    print("  turns of the chat   median ms   95 % below ms   mean tokens")
    for length, chat in chats.items():
        times, tokens = [], 0
        for question in await _questions(storage, chat):
            begun = time.perf_counter()
            recalled = await recall.find(chat, question, after_turn=0, before_turn=2**62)
            times.append(1e3 * (time.perf_counter() - begun))
            tokens += recalled.tokens
        print(
            f"  {length:17,}   {median(times):9.1f}   {quantiles(times, n=20)[-1]:13.1f}   {tokens / len(times):11.0f}"
        )


async def _questions(storage: Storage, chat: Chat) -> list[str]:
    """Questions of three to eight words, each words of one turn: frequent ones and rare ones as they come."""
    rng = random.Random(chat.id)
    rows = await storage.database.rows("SELECT content FROM turns WHERE chat_id = ? LIMIT 5000", (chat.id,))
    turns = [row["content"].split() for row in rows]
    chosen = [rng.choice(turns) for _ in range(QUESTIONS)]
    return [" ".join(rng.sample(words, min(len(words), rng.randint(3, 8)))) + "?" for words in chosen]


async def _turns(storage: Storage, chats: dict[int, Chat]) -> None:
    """A turn's own work in each chat, one chat after the other so that all meet the same machine."""
    last = (await storage.database.rows("SELECT seq FROM sqlite_sequence WHERE name = 'turns'"))[0]["seq"]
    for chat in chats.values():
        await _shorten(storage, chat)
    steps: tuple[tuple[str, Step], ...] = (
        ("append", _append),
        ("window", _window),
        ("finish", _finish),
        ("index", _index),
    )
    times: dict[tuple[int, str], list[float]] = {(length, name): [] for length in chats for name, _ in steps}
    for _ in range(ROUNDS):
        for length, chat in chats.items():
            for name, step in steps:
                begun = time.perf_counter()
                await step(storage, chat)
                times[length, name].append(1e3 * (time.perf_counter() - begun))
    async with storage.transaction() as tx:
        await tx.execute("DELETE FROM turns WHERE id > ?", (last,))
        await tx.execute("UPDATE chats SET indexed_turn = ? WHERE indexed_turn > ?", (last, last))
    print(f"\nA turn's database work, {ROUNDS} turns a chat, median ms (and as a multiple of the shortest chat's)")
    print("  turns of the chat  " + "".join(f"{name:>15}" for name, _ in steps) + f"{'together':>15}")
    sums: dict[str, float] = {}
    for length in chats:
        each = {name: median(times[length, name]) for name, _ in steps}
        each["together"] = median(map(sum, zip(*(times[length, name] for name, _ in steps), strict=True)))
        sums = sums or each
        print(
            f"  {length:17,}  " + "".join(f"{value:7.2f} ({value / sums[name]:4.2f})" for name, value in each.items())
        )


Step = Callable[[Storage, Chat], Awaitable[None]]


async def _shorten(storage: Storage, chat: Chat) -> None:
    rows = await storage.database.rows(
        "SELECT id FROM turns WHERE chat_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?", (chat.id, WINDOW_TURNS)
    )
    async with storage.transaction() as tx:
        through = rows[0]["id"] if rows else 0
        await storage.memories.put(tx, chat, Memory(through, "notes", 1, made_at=0.0))


async def _append(storage: Storage, chat: Chat) -> None:
    async with storage.transaction() as tx:
        turn = NewTurn("to be or not to be, that is the question", "\n", 12, 1, 5, "Ann", said_at=0.0)
        await storage.transcript.append(tx, chat.id, [turn], now=0.0)


async def _window(storage: Storage, chat: Chat) -> None:
    window = await storage.memories.window(chat.id)
    assert len(window.turns) >= WINDOW_TURNS


async def _finish(storage: Storage, chat: Chat) -> None:
    async with storage.transaction() as tx:
        reply_id = await storage.transcript.begin_reply(tx, chat.id, 0.0, reply_to=1)
    async with storage.transaction() as tx:
        await storage.transcript.finish_reply(tx, chat.id, reply_id, NewReply("whether it is nobler", 6), None)


async def _index(storage: Storage, chat: Chat) -> None:
    await Indexer(storage, UTC).catch_up(chat.id)


if __name__ == "__main__":
    main()
