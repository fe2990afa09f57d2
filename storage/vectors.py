"""Vectors of turns, as bytes. They are computed elsewhere, and stored here as long as the text they were made from.

A page holds a run of a chat's turns. A vector is made from its turn and the neighbours. If any of them is deleted or
changed, a trigger marks the vector as stale; it is removed from its page after that transaction, and made again.
"""

import logging
import secrets
import struct
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from storage.database import Database, Row, StorageError, Transaction
from storage.sql import each, in_list, larger, listed
from storage.transcript import PENDING, SETTLED

FLOAT, ID = 2, 8
"""The size in bytes of a number in a vector, and of a turn's id."""
ID_BITS = 62
"""The size of a page's id in bits."""
PAGE_BYTES = 128 * 1024
"""The size of a page's vectors. Larger pages aren't read faster, and the page is rewritten after each round."""
STALE_AT_ONCE = 500
_IN_PAGES = "NOT removed"
"""Written as in the index stale_vectors_kept; SQLite wouldn't use it for ``removed = 0``."""

_STALE_IN = f"SELECT DISTINCT chat_id FROM (SELECT chat_id FROM stale_vectors WHERE {_IN_PAGES} LIMIT ?) AS stale"
"""The chats with stale vectors."""

_LAST = (
    f"coalesce((SELECT id FROM turns WHERE chat_id = ?1 AND {SETTLED} AND id < coalesce((SELECT min(id) FROM turns"
    f" WHERE chat_id = ?1 AND {PENDING}), 9223372036854775807) ORDER BY id DESC LIMIT 1), 0)"
)
"""The last turn before the first one that is waiting for its answer; its successor isn't known yet."""
_RESET = "(SELECT reset_turn FROM chats WHERE id = ?1)"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a chat is embedded, and with which model; `dimension` is 0 if not known yet."""

    model: str
    dimension: int
    through_turn: int


@dataclass(frozen=True, slots=True)
class Page:
    """Concatenated vectors and the concatenated ids of their turns; `damaged`: the sizes don't match."""

    page_id: int
    """Never reused."""
    first_turn: int
    turn_ids: bytes
    vectors: bytes
    damaged: bool


class Vectors:
    """The tables of vectors, progress and stale turns."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.after_deleting.append(self.follow)

    async def progress(self, chat_id: int, model: str, tx: Transaction | None = None) -> Progress:
        """The chat's progress with this model, which is zero if another one was used before."""
        row = await (tx or self._database).row(
            "SELECT dimension, through_turn FROM vector_progress WHERE chat_id = ? AND model = ?"
            " AND typeof(dimension) = 'integer' AND typeof(through_turn) = 'integer' AND dimension >= 0",
            (chat_id, model),
        )
        return Progress(model, row["dimension"], row["through_turn"]) if row else Progress(model, 0, 0)

    async def to_make(self, chat_id: int, progress: Progress, limit: int) -> list[int]:
        """The next turns to embed: stale ones, then new ones, oldest first, if their successor exists.

        The lower bound is a single value, because SQLite would scan all turns to apply a second one.
        """
        rows = await self._database.rows(
            f"SELECT * FROM (SELECT turns.id FROM stale_vectors JOIN turns ON turns.id = turn_id"
            f" WHERE stale_vectors.chat_id = ?1 AND turns.chat_id = ?1 AND turn_id <= ?2 AND removed = 1"
            f" AND turn_id > {_RESET} AND turn_id < {_LAST} AND {SETTLED}"
            " ORDER BY turn_id LIMIT ?3) AS stale UNION ALL SELECT * FROM (SELECT id FROM turns"
            f" WHERE chat_id = ?1 AND id > {larger('?2', _RESET)} AND id < {_LAST} AND {SETTLED}"
            " ORDER BY id LIMIT ?3) AS fresh LIMIT ?3",
            (chat_id, progress.through_turn, limit),
        )
        return [row["id"] for row in rows]

    async def chats_to_embed(self, model: str, telegram_id: int | None = None) -> list[int]:
        """The chats with turns to embed with this model, in this Telegram chat or in any, most recent first."""
        inside, values = ("", (model,)) if telegram_id is None else ("telegram_id = ? AND", (model, telegram_id))
        rows = await self._database.rows(
            "SELECT chats.id FROM chats LEFT JOIN vector_progress AS p ON p.chat_id = chats.id AND p.model = ?"
            f" WHERE {inside} ((SELECT id FROM turns WHERE turns.chat_id = chats.id AND {SETTLED}"
            f" AND turns.id > {larger('reset_turn', 'coalesce(through_turn, 0)')} LIMIT 1 OFFSET 1) IS NOT NULL"
            " OR EXISTS (SELECT 1 FROM stale_vectors WHERE stale_vectors.chat_id = chats.id))"
            " ORDER BY (SELECT max(id) FROM turns WHERE turns.chat_id = chats.id) DESC",
            values,
        )
        return [row["id"] for row in rows]

    async def put(self, tx: Transaction, chat_id: int, made: Mapping[int, bytes], progress: Progress) -> None:
        """Store vectors by turn id, and the chat's progress.

        Vectors of another model or dimension are dropped.
        """
        rows = await tx.rows("SELECT model, dimension FROM vector_progress WHERE chat_id = ?", (chat_id,))
        if rows and (rows[0]["model"], rows[0]["dimension"]) != (progress.model, progress.dimension):
            await tx.execute("DELETE FROM vector_pages WHERE chat_id = ?", (chat_id,))
        await tx.execute(
            "INSERT INTO vector_progress (chat_id, model, dimension, through_turn) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (chat_id) DO UPDATE SET model = excluded.model, dimension = excluded.dimension,"
            " through_turn = excluded.through_turn",
            (chat_id, progress.model, progress.dimension, progress.through_turn),
        )
        await _change(tx, chat_id, made, ())

    async def done(self, tx: Transaction, turn_ids: Collection[int]) -> None:
        """Record that these turns have up-to-date vectors, or none because the model refuses them."""
        await tx.execute(f"DELETE FROM stale_vectors WHERE turn_id {in_list()}", (listed(turn_ids),))

    async def mark_stale(self, tx: Transaction, chat_id: int, turn_ids: Collection[int]) -> None:
        """Mark the vectors of these turns as wrong, so that they are removed and made again."""
        await _mark_stale(tx, chat_id, turn_ids)

    async def any(self, chat_id: int, model: str) -> bool:
        """Whether the chat has vectors of this model."""
        row = await self._database.row(
            "SELECT 1 FROM vector_progress JOIN vector_pages USING (chat_id) WHERE chat_id = ? AND model = ? LIMIT 1",
            (chat_id, model),
        )
        return row is not None

    async def page_ids(self, chat_id: int, model: str) -> list[int]:
        """The chat's pages with vectors of this model, in the order of their turns."""
        rows = await self._database.rows(
            "SELECT vector_pages.id FROM vector_progress JOIN vector_pages USING (chat_id)"
            " WHERE chat_id = ? AND model = ? ORDER BY first_turn",
            (chat_id, model),
        )
        return [row["id"] for row in rows]

    async def pages(self, chat_id: int, dimension: int, page_ids: Collection[int]) -> list[Page]:
        """These pages, as far as they still exist."""
        if not page_ids:
            return []
        rows = await self._database.rows(
            "SELECT id, first_turn, turns, vectors FROM vector_pages"
            f" WHERE id {in_list()} AND chat_id = ? ORDER BY first_turn",
            (listed(page_ids), chat_id),
        )
        return [
            Page(row["id"], row["first_turn"], row["turns"], row["vectors"], damaged=not _is_whole(row, dimension))
            for row in rows
        ]

    async def drop_page(self, tx: Transaction, chat_id: int, first_turn: int) -> None:
        """Drop a damaged page, so that its vectors are made again."""
        await _drop_page(tx, chat_id, first_turn)

    async def follow(self) -> None:
        """Remove stale vectors."""
        try:
            while rows := await self._database.rows(_STALE_IN, (STALE_AT_ONCE,)):
                async with self._database.transaction(alone=True) as tx:
                    await _take_out(tx, [row["chat_id"] for row in rows])
        except StorageError as exc:
            log.warning("Vectors of deleted turns could not be removed yet, trying again later: %s", exc)


async def forget_vectors(tx: Transaction, chat_id: int) -> None:
    """Delete all vectors of a chat whose turns have new neighbours, so that they are made again."""
    for table in ("vector_pages", "vector_progress", "stale_vectors"):
        await tx.execute(f"DELETE FROM {table} WHERE chat_id = ?", (chat_id,))


async def embed_restored(tx: Transaction, chat_id: int, after: int, through: int) -> None:
    """Mark restored turns without a vector to be embedded, and the turn after them, which has a new predecessor."""
    if not await tx.rows("SELECT 1 FROM vector_progress WHERE chat_id = ?", (chat_id,)):
        return
    rows = await tx.rows("SELECT turns FROM vector_pages WHERE chat_id = ?", (chat_id,))
    there = {turn_id for row in rows if isinstance(row["turns"], bytes) for turn_id in _ids(row["turns"])}
    back = await tx.rows(
        "SELECT id FROM turns WHERE chat_id = ?1 AND id > ?2 AND id <= coalesce("
        "(SELECT min(id) FROM turns WHERE chat_id = ?1 AND id > ?3), ?3)",
        (chat_id, after, through),
    )
    await _mark_stale(tx, chat_id, [row["id"] for row in back if row["id"] > through or row["id"] not in there])


async def _mark_stale(tx: Transaction, chat_id: int, turn_ids: Collection[int]) -> None:
    await tx.execute(
        f"INSERT INTO stale_vectors (turn_id, chat_id) SELECT value, ? FROM {each()} WHERE true"
        " ON CONFLICT (turn_id) DO UPDATE SET removed = 0",
        (chat_id, listed(turn_ids)),
    )
    tx.deletes = True


async def _drop_page(tx: Transaction, chat_id: int, first_turn: int) -> None:
    rows = await tx.rows(
        "SELECT id FROM turns WHERE chat_id = ?1 AND id >= ?2 AND id < coalesce((SELECT min(first_turn)"
        " FROM vector_pages WHERE chat_id = ?1 AND first_turn > ?2), 9223372036854775807)",
        (chat_id, first_turn),
    )
    await _mark_stale(tx, chat_id, [row["id"] for row in rows])
    await tx.execute("DELETE FROM vector_pages WHERE chat_id = ? AND first_turn = ?", (chat_id, first_turn))


async def _take_out(tx: Transaction, chat_ids: Collection[int]) -> None:
    await tx.lock_chats(*chat_ids)
    rows = await tx.rows(
        f"SELECT turn_id, chat_id FROM stale_vectors WHERE {_IN_PAGES} AND chat_id {in_list()} LIMIT ?",
        (listed(chat_ids), STALE_AT_ONCE),
    )
    stale: defaultdict[int, list[int]] = defaultdict(list)
    for row in rows:
        stale[row["chat_id"]].append(row["turn_id"])
    for chat_id, turn_ids in stale.items():
        await _change(tx, chat_id, {}, turn_ids)
    taken = listed(row["turn_id"] for row in rows)
    inside = f"turn_id {in_list()}"
    await tx.execute(f"DELETE FROM stale_vectors WHERE {inside} AND turn_id NOT IN (SELECT id FROM turns)", (taken,))
    await tx.execute(f"UPDATE stale_vectors SET removed = 1 WHERE {inside}", (taken,))


async def _change(tx: Transaction, chat_id: int, new: Mapping[int, bytes], gone: Collection[int]) -> None:
    """Insert vectors into the pages that their turns belong to, and remove others."""
    rows = await tx.rows("SELECT first_turn FROM vector_pages WHERE chat_id = ? ORDER BY first_turn", (chat_id,))
    firsts = [row["first_turn"] for row in rows]
    touched: defaultdict[int, set[int]] = defaultdict(set)
    for turn_id in (*new, *gone):
        touched[max(bisect_right(firsts, turn_id) - 1, 0)].add(turn_id)
    for index, turn_ids in touched.items():
        entries = {}
        if firsts:
            entries = await _take_page(tx, chat_id, firsts[index])
        for turn_id in turn_ids:
            entries.pop(turn_id, None)
            if turn_id in new:
                entries[turn_id] = new[turn_id]
        await _put_pages(tx, chat_id, sorted(entries.items()))


async def _take_page(tx: Transaction, chat_id: int, first_turn: int) -> dict[int, bytes]:
    rows = await tx.rows(
        "SELECT turns, vectors, dimension FROM vector_pages JOIN vector_progress USING (chat_id)"
        " WHERE chat_id = ? AND first_turn = ?",
        (chat_id, first_turn),
    )
    if not rows or not _is_whole(rows[0], rows[0]["dimension"]):
        await _drop_page(tx, chat_id, first_turn)
        return {}
    await tx.execute("DELETE FROM vector_pages WHERE chat_id = ? AND first_turn = ?", (chat_id, first_turn))
    turn_ids, vectors, size = _ids(rows[0]["turns"]), rows[0]["vectors"], rows[0]["dimension"] * FLOAT
    return {turn_id: vectors[index * size : (index + 1) * size] for index, turn_id in enumerate(turn_ids)}


async def _put_pages(tx: Transaction, chat_id: int, entries: Sequence[tuple[int, bytes]]) -> None:
    most = max(PAGE_BYTES // len(entries[0][1]), 1) if entries else 1
    for start in range(0, len(entries), most):
        page = entries[start : start + most]
        turn_ids = struct.pack(f"<{len(page)}q", *(turn_id for turn_id, _ in page))
        await tx.execute(
            "INSERT INTO vector_pages (id, chat_id, first_turn, turns, vectors) VALUES (?, ?, ?, ?, ?)",
            # SQLite would reuse a deleted page's id, and a reader with the old page cached would mistake one for the
            # other.
            (secrets.randbits(ID_BITS), chat_id, page[0][0], turn_ids, b"".join(vector for _, vector in page)),
        )


def _is_whole(row: Row, dimension: int) -> bool:
    turns, vectors = row["turns"], row["vectors"]
    if not isinstance(turns, bytes) or not isinstance(vectors, bytes):
        return False
    return len(turns) % ID == 0 and len(vectors) == len(turns) // ID * dimension * FLOAT


def _ids(turns: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(turns) // ID}q", turns[: len(turns) // ID * ID])
