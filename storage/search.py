"""The index that turns are found by: SQLite's FTS5, ranked by BM25, one chat at a time."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from math import log

from storage.database import Database, Transaction, translated

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_TOKENIZER = 'tokenize = "porter unicode61 remove_diacritics 2"'
"""As in the schema."""
_K1 = 1.2
"""Of FTS5's bm25()."""
COMMON_SHARE = 0.1
"""A term that stands in more than this share of all keys says little, and costs the most to look up."""
FEW_KEYS = 5000
"""In an index smaller than this no term is too common."""
MERGE_PAGES, MERGE_DONE = 500, 2
OWN_WEIGHT, AROUND_WEIGHT = 1.0, 0.6
"""A turn's own words count for more than its neighbours' (LoCoMo: 0.865 of the evidence, 0.855 with equal weights)."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a turn is found by: words in the form in which they are indexed."""

    turn_id: int
    own: str
    around: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A turn that was found; the higher the score, the better."""

    turn_id: int
    score: float


class Search:
    """The tables of keys and terms."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, tx: Transaction, chat_id: int, keys: Iterable[Key]) -> None:
        """Index turns, or index them anew."""
        for key in keys:
            await tx.execute(
                "INSERT OR REPLACE INTO turn_keys (rowid, tag, own, around) VALUES (?, ?, ?, ?)",
                (key.turn_id, tag(chat_id), key.own, key.around),
            )

    async def progress(self, tx: Transaction, chat_id: int, turn_id: int) -> None:
        """Everything up to this turn is indexed."""
        await tx.execute("UPDATE chats SET indexed_turn = ? WHERE id = ?", (turn_id, chat_id))

    async def drop_orphans(self, tx: Transaction) -> int:
        """Delete keys whose turn is gone; returns how many there were."""
        return await tx.execute(
            "DELETE FROM turn_keys WHERE rowid IN (SELECT id FROM turn_keys_docsize EXCEPT SELECT id FROM turns)"
        )

    async def merge(self, tx: Transaction, *, begins: bool) -> bool:
        """Merge some of the index's parts, which lets go of deleted words; False when nothing is left to merge.

        As FTS5's manual has it for an optimisation in steps: a negative number of pages begins one, and a change of
        fewer than two rows tells that it is done.
        """
        before = await self._changes(tx)
        pages = -MERGE_PAGES if begins else MERGE_PAGES
        await tx.execute("INSERT INTO turn_keys (turn_keys, rank) VALUES ('merge', ?)", (pages,))
        return await self._changes(tx) - before >= MERGE_DONE

    @staticmethod
    async def _changes(tx: Transaction) -> int:
        return int((await tx.rows("SELECT total_changes() AS n"))[0]["n"])

    async def weighed(self, terms: Sequence[str]) -> "Asked":
        """The terms that the index knows, without those that are everywhere, and what a perfect hit would score."""
        if not terms:
            return Asked((), 0.0)
        stems = _stems(terms)
        size = await self._size()
        marks = ", ".join("?" * len(stems))
        rows = await self._database.rows(
            f"SELECT term, doc FROM turn_terms WHERE term IN ({marks})",
            stems,
        )
        counts = {row["term"]: row["doc"] for row in rows}
        known = [(counts[stem], term) for stem, term in zip(stems, terms, strict=True) if stem in counts]
        kept = [(count, term) for count, term in known if count <= COMMON_SHARE * size or size < FEW_KEYS]
        kept = kept or sorted(known)[:1]
        return Asked(tuple(term for _, term in kept), sum(_weight(count, size) for count, _ in kept))

    async def find(
        self,
        chat_id: int,
        terms: Sequence[str],
        *,
        after_turn: int,
        before_turn: int,
        limit: int,
        own: bool = False,
        every_term: bool = False,
    ) -> list[Hit]:
        """The best turns of a chat between two ids, best first; `own`: only by their own words."""
        if not terms:
            return []
        columns = "own" if own else "{own around}"
        words = (" AND " if every_term else " OR ").join(f'"{term}"' for term in terms)
        rows = await self._database.rows(
            "SELECT turn_keys.rowid AS id, -bm25(turn_keys, 0.0, ?, ?) AS score FROM turn_keys"
            " JOIN turns ON turns.id = turn_keys.rowid"
            " WHERE turn_keys MATCH ? AND turn_keys.rowid > ? AND turn_keys.rowid < ? AND chat_id = ?"
            " ORDER BY score DESC LIMIT ?",
            (
                *(OWN_WEIGHT, AROUND_WEIGHT, f"tag : {tag(chat_id)} AND {columns} : ({words})"),
                *(after_turn, before_turn, chat_id, limit),
            ),
        )
        return [Hit(row["id"], row["score"]) for row in rows]

    async def _size(self) -> int:
        row = await self._database.row("SELECT ifnull(max(rowid), 0) AS size FROM turn_keys_docsize")
        return int(row["size"]) if row else 0


@dataclass(frozen=True, slots=True)
class Asked:
    """Terms to search for; `weight` is what a turn would score that holds them all."""

    terms: tuple[str, ...]
    weight: float


def tag(chat_id: int) -> str:
    """The chat's id as one word of letters, which no tokenizer splits and no stemmer changes."""
    letters = ""
    while chat_id or not letters:
        chat_id, digit = divmod(chat_id, len(_LETTERS))
        letters = _LETTERS[digit] + letters
    return f"qz{letters}qz"


def _weight(count: int, size: int) -> float:
    """The most that one term adds to a score: FTS5's inverse document frequency times k1 + 1."""
    return max(log((size - count + 0.5) / (count + 0.5)), 1e-6) * (_K1 + 1)


def _stems(terms: Sequence[str]) -> list[str]:
    """The terms as the index holds them: a scratch index of the same kind is asked."""
    with translated(), closing(sqlite3.connect(":memory:")) as scratch:
        scratch.execute(f"CREATE VIRTUAL TABLE t USING fts5 (x, {_TOKENIZER})")
        scratch.execute("CREATE VIRTUAL TABLE v USING fts5vocab (t, instance)")
        scratch.executemany("INSERT INTO t VALUES (?)", [(term,) for term in terms])
        stems = dict(scratch.execute("SELECT doc, term FROM v ORDER BY offset DESC"))
    return [stems.get(number, term) for number, term in enumerate(terms, start=1)]
