"""A database of a million made-up turns: a few chats of known length among many others. Built once."""

import asyncio
import random
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC
from itertools import accumulate
from pathlib import Path

from bot.conversation.index_keys import turn_keys
from storage import Storage
from storage.records import HistoryTurn, Role
from storage.search import tag

TURNS = 1_000_000
LENGTHS = (10, 1_000, 10_000, 100_000)
"""The lengths of the first chats in turns; all others have OTHERS."""
OTHERS = 1_000
WORDS = 60_000
SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in ("a", "e", "i", "o", "u", "or", "an")]
WORDS_OF_A_TURN = (4, 45)
FIRST_SECOND, STEP_S = 1_600_000_000.0, 60.0
CHUNK = 1_000


def vocabulary(rng: random.Random) -> tuple[list[str], list[float]]:
    """Words and their cumulative weights: the n-th most frequent word has 1/n of the first one's weight (Zipf)."""
    found: dict[str, None] = {}
    while len(found) < WORDS:
        found["".join(rng.choices(SYLLABLES, k=rng.randint(1, 4)))] = None
    return list(found), list(accumulate(1 / rank for rank in range(1, WORDS + 1)))


def texts(rng: random.Random) -> Iterator[str]:
    """Endless made-up messages."""
    words, weights = vocabulary(rng)
    while True:
        yield " ".join(rng.choices(words, cum_weights=weights, k=rng.randint(*WORDS_OF_A_TURN)))


def chat_ids(rng: random.Random, turns: int) -> list[int]:
    """The chat of each turn: all chats talk at the same time."""
    fixed = [length for length in LENGTHS if length <= turns // 2]
    ids = [chat for chat, length in enumerate(fixed, start=1) for _ in range(length)]
    ids += [len(fixed) + 1 + number // OTHERS for number in range(turns - len(ids))]
    rng.shuffle(ids)
    return ids


def make(path: Path, turns: int = TURNS) -> None:
    """Build the database at `path` unless it exists; takes some minutes for a million turns."""
    if path.exists():
        return
    half = path.with_suffix(".half")
    half.unlink(missing_ok=True)
    asyncio.run(_schema(half))
    rng = random.Random(7)
    with closing(sqlite3.connect(half)) as connection, connection:
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -100000")
        _fill(connection, rng, chat_ids(rng, turns))
    connection.close()
    half.rename(path)


async def _schema(path: Path) -> None:
    await (await Storage.open(path)).close()


def _fill(connection: sqlite3.Connection, rng: random.Random, ids: list[int]) -> None:
    made = texts(rng)
    rows = [HistoryTurn(at, Role.USER, next(made), None, FIRST_SECOND + at * STEP_S) for at in range(1, len(ids) + 1)]
    connection.executemany(
        "INSERT INTO chats (id, telegram_id, private, created_at, indexed_turn) VALUES (?, ?, 1, 0, ?)",
        ((chat_id, chat_id, len(ids)) for chat_id in range(1, max(ids) + 1)),
    )
    connection.executemany(
        "INSERT INTO turns (id, chat_id, role, state, content, speaker, said_at, tokens, created_at)"
        " VALUES (?, ?, 'user', 'settled', ?, 'Ann', ?, ?, ?)",
        (
            (row.turn_id, chat_id, row.content, row.at, 5 + len(row.content) // 4, row.at)
            for row, chat_id in zip(rows, ids, strict=True)
        ),
    )
    connection.execute("CREATE TEMP TABLE made (id INTEGER PRIMARY KEY, tag, own, written, around, label)")
    connection.executemany("INSERT INTO made VALUES (?, ?, ?, ?, ?, ?)", _keys(rows, ids))
    connection.execute(  # ordered by id, as a bot writes them; otherwise SQLite would flush the index for each row
        "INSERT INTO turn_words (rowid, tag, own, written, around, label) SELECT * FROM made ORDER BY id"
    )
    connection.commit()


def _keys(rows: list[HistoryTurn], ids: list[int]) -> Iterator[tuple[int, str, str, str, str, str]]:
    of_chat: dict[int, list[HistoryTurn]] = {}
    for row, chat_id in zip(rows, ids, strict=True):
        of_chat.setdefault(chat_id, []).append(row)
    done = 0
    for chat_id, theirs in of_chat.items():
        for start in range(0, len(theirs), CHUNK):
            before = min(start, 1)
            for key in turn_keys(theirs[start - before : start + CHUNK + 1], UTC)[before : before + CHUNK]:
                yield key.turn_id, tag(chat_id), key.own, key.written, key.around, key.label
            done += len(theirs[start : start + CHUNK])
            print(f"\r{done:,} of {len(ids):,} turns", end="", file=sys.stderr)
    print(file=sys.stderr)
