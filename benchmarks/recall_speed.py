"""Recall times in a database of a million turns, by words, by meaning and by both; and whether a turn's work grows.

    python -m benchmarks.recall_speed [--dir FOLDER] [--turns 1000000]

The database is built in FOLDER by the first run (some minutes, about 1.5 GB) and used again later. The vectors of its
turns are random; questions are embedded by the local model if it is installed.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from resource import getpagesize
from statistics import median, quantiles
from tempfile import gettempdir

import numpy as np

from benchmarks.big_database import LENGTHS, make
from bot.conversation.embedding import EmbeddingIndex
from bot.conversation.indexing import Indexer
from bot.conversation.ranking import MOST
from bot.conversation.recall import Recall
from bot.conversation.similarity import sum_vectors
from bot.conversation.tokens import estimate
from bot.llm.interface import Embedder, Purpose
from bot.llm.local import MODEL, LocalEmbeddings, is_installed
from storage import Storage
from storage.memories import Memory
from storage.records import Chat, NewReply, NewTurn
from storage.vectors import Progress

QUESTIONS = 200
ROUNDS = 200
WINDOW_TURNS = 10
"""The shortest chat's length, so that chats differ only in length."""
RECALL_TOKENS = 1_200
DIMENSION = 384
VECTORS_AT_ONCE = 5_000
LENGTHS_IN_DOCS = (10_000, 100_000)
LAST = 2**62


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, default=Path(gettempdir()))
    parser.add_argument("--turns", type=int, default=1_000_000)
    arguments = parser.parse_args()
    path = arguments.dir / f"keepsake-{arguments.turns}.db"
    make(path, arguments.turns)
    asyncio.run(_measure(path))


async def _measure(path: Path) -> None:
    embedder: Embedder = LocalEmbeddings() if is_installed() else Stand()
    storage = await Storage.open(path)
    try:
        while await storage.search.index.take_away_old():  # as a bot does after its start
            pass
        chats = await _chats(storage)
        await _vectors(storage, chats)
        await embedder.embed(["the first one starts it"], Purpose.QUERY)
        await _first_questions(path, embedder, chats)
        _tell_recall(await _recall(storage, embedder, chats))
        await _turns(storage, chats)
    finally:
        await embedder.close()
        await storage.close()


async def _chats(storage: Storage) -> dict[int, Chat]:
    found = {}
    for chat_id, length in enumerate(LENGTHS, start=1):
        rows = await storage.database.rows("SELECT count(*) AS turns FROM turns WHERE chat_id = ?", (chat_id,))
        if rows[0]["turns"] == length:  # a smaller database lacks the longest chats
            found[length] = (await storage.memories.window(chat_id)).chat
    return found


class Stand:
    """A stub for the local model, so that questions cost nothing."""

    name = MODEL

    async def embed(self, texts: Sequence[str], purpose: Purpose, took: object = None) -> list[list[float]]:  # noqa: ARG002
        return [[1.0, *(DIMENSION - 1) * [0.0]] for _ in texts]

    async def close(self) -> None:
        return


async def _vectors(storage: Storage, chats: dict[int, Chat]) -> None:
    rng = np.random.default_rng(7)
    for chat in chats.values():
        if await storage.vectors.page_ids(chat.id, MODEL):
            continue
        rows = await storage.database.rows("SELECT id FROM turns WHERE chat_id = ? ORDER BY id", (chat.id,))
        for start in range(0, len(rows), VECTORS_AT_ONCE):
            turn_ids = [row["id"] for row in rows[start : start + VECTORS_AT_ONCE]]
            numbers = rng.standard_normal((len(turn_ids), DIMENSION))
            made = {turn_id: sum_vectors(list(vector), None) for turn_id, vector in zip(turn_ids, numbers, strict=True)}
            async with storage.transaction() as tx:
                await storage.vectors.put(tx, chat.id, made, Progress(MODEL, DIMENSION, turn_ids[-1]))
    (size,) = await storage.database.rows("SELECT sum(pgsize) AS bytes FROM dbstat WHERE name = 'vector_pages'")
    turns = sum(chats)
    print(f"Vectors of {turns:,} turns take {size['bytes'] / turns:,.0f} bytes each")


@dataclass(frozen=True, slots=True)
class Times:
    """Times of the questions to one chat, in milliseconds."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """CPU time, which is more reliable than the clock on a busy machine."""

    async def take(self, work: Awaitable[object]) -> None:
        """Measure some work."""
        begun, used = time.perf_counter(), time.process_time()
        await work
        self.wall.append(1e3 * (time.perf_counter() - begun))
        self.cpu.append(1e3 * (time.process_time() - used))


Table = dict[int, dict[str, Times]]
"""By the chat's length and the kind of search."""
WAYS = ("words", "meaning", "both")


def _make_recall(storage: Storage, semantic: EmbeddingIndex | None = None) -> Recall:
    indexer = Indexer(storage.chats, storage.history, storage.search, UTC)
    return Recall(storage.chats, storage.history, storage.search, indexer, estimate, RECALL_TOKENS, UTC, semantic)


async def _recall(storage: Storage, embedder: Embedder, chats: dict[int, Chat]) -> Table:
    table: Table = {}
    before = _memory()
    for length, chat in chats.items():
        semantic = EmbeddingIndex(storage.database, storage.history, storage.vectors, embedder, UTC, time.monotonic)
        by_words = _make_recall(storage)
        by_both = _make_recall(storage, semantic)
        table[length] = {way: Times() for way in WAYS}
        for question in await _questions(storage, chat):
            await table[length]["words"].take(by_words.find(chat, question, after_turn=0, before_turn=LAST))
            await table[length]["meaning"].take(_by_meaning(semantic, chat, question))
            await table[length]["both"].take(by_both.find(chat, question, after_turn=0, before_turn=LAST))
        await semantic.close()
    print(f"\nMemory of the process: {before:.0f} MB before these questions, {_memory():.0f} MB after them")
    return table


async def _by_meaning(semantic: EmbeddingIndex, chat: Chat, question: str) -> None:
    scores = await semantic.scores(chat.id, question, after_turn=0, before_turn=LAST)
    if scores is not None:
        scores.nearness(MOST)


def _tell_recall(table: Table) -> None:
    shortest = next(iter(table.values()))
    print(
        f"\nRecall, {QUESTIONS} questions a chat: median ms (95 % below; of the processor; as a multiple of the first)"
    )
    if is_installed():
        print("The question's own vector is made by a process of its own, whose processor time is not in here.")
    else:
        print("Without the question's own vector: the local model is not installed.")
    print("  turns of the chat  " + "".join(f"{way:>34}" for way in WAYS))
    for length, times in table.items():
        cells = [
            f"{median(each.wall):12.1f} ({quantiles(each.wall, n=20)[-1]:6.1f}; {median(each.cpu):5.1f};"
            f" {median(each.cpu) / median(shortest[way].cpu):4.1f})"
            for way, each in times.items()
        ]
        print(f"  {length:17,}  " + "".join(cells))
    told = [
        f"{length:,} turns takes " + ", ".join(f"{median(table[length][way].wall):.0f} ms by {way}" for way in WAYS)
        for length in LENGTHS_IN_DOCS
        if length in table
    ]
    if told:
        print("\nFor docs/memory.md: looking back over a chat of " + ", over one of ".join(told))


async def _first_questions(path: Path, embedder: Embedder, chats: dict[int, Chat]) -> None:
    """With nothing cached in this process; the system's file cache stays."""
    print("\nThe first question to a chat after a start, by both, ms (of the processor)")
    for length, chat in chats.items():
        storage = await Storage.open(path)
        (question, *_), times = await _questions(storage, chat), Times()
        await storage.close()
        storage = await Storage.open(path)
        semantic = EmbeddingIndex(storage.database, storage.history, storage.vectors, embedder, UTC, time.monotonic)
        recall = _make_recall(storage, semantic)
        await times.take(recall.find(chat, question, after_turn=0, before_turn=LAST))
        await semantic.close()
        await storage.close()
        print(f"  {length:17,}   {times.wall[0]:9.1f} ({times.cpu[0]:.1f})")


def _memory() -> float:
    """The resident memory of this process in MB; 0 if unknown."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * getpagesize() / 1e6


async def _questions(storage: Storage, chat: Chat) -> list[str]:
    """Questions of three to eight words from one turn, frequent and rare words alike."""
    rng = random.Random(chat.id)
    rows = await storage.database.rows("SELECT content FROM turns WHERE chat_id = ? LIMIT 5000", (chat.id,))
    turns = [row["content"].split() for row in rows]
    chosen = [rng.choice(turns) for _ in range(QUESTIONS)]
    return [" ".join(rng.sample(words, min(len(words), rng.randint(3, 8)))) + "?" for words in chosen]


async def _turns(storage: Storage, chats: dict[int, Chat]) -> None:
    """The work of a turn in each chat, one chat after another so that all meet the same conditions."""
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
    await Indexer(storage.chats, storage.history, storage.search, UTC).catch_up(chat.id)


if __name__ == "__main__":
    main()
