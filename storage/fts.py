"""Search by words on SQLite: FTS5.

No statement reads the index together with another table, whose damage would be mistaken for the index's.
"""

from collections.abc import Iterable, Sequence
from math import isfinite

from storage.database import Transaction
from storage.fts_index import FTSIndex
from storage.search import (
    AROUND_WEIGHT,
    LABEL_WEIGHT,
    MOST_ASKED,
    OWN_WEIGHT,
    WRITTEN_WEIGHT,
    Asked,
    Hit,
    Search,
    Term,
    TurnKey,
    WeightedTerms,
    tag,
)
from storage.sqlite import SQLiteDatabase

MERGE_PAGES, MERGE_DONE = 100, 2


class FTSSearch(Search):
    """The virtual table of keys, and the one of before until all turns have moved."""

    index: FTSIndex

    def __init__(self, database: SQLiteDatabase) -> None:
        super().__init__(database, FTSIndex(database))
        self._old = self.index.old

    async def put(self, tx: Transaction, chat_id: int, keys: Iterable[TurnKey]) -> None:
        """Index turns, or index them again."""
        async with self.index.writing(tx):
            await tx.execute_many(
                "INSERT OR REPLACE INTO turn_words (rowid, tag, own, written, around, label) VALUES (?, ?, ?, ?, ?, ?)",
                [(key.turn_id, tag(chat_id), key.own, key.written, key.around, key.label) for key in keys],
            )

    async def finds(self, turn_id: int, word: str) -> bool:
        """Whether a turn is found by this word, which is one of its own."""
        found = await self.index.rows(
            "SELECT 1 FROM turn_words WHERE turn_words MATCH ? AND rowid = ?", (f'{{own written}} : "{word}"', turn_id)
        )
        return bool(found)

    async def remove(self, tx: Transaction, turn_ids: Iterable[int]) -> None:
        """Remove the keys of these turns."""
        async with self.index.writing(tx):
            for turn_id in turn_ids:
                await tx.execute("DELETE FROM turn_words WHERE rowid = ?", (turn_id,))

    async def merge(self, tx: Transaction, *, begins: bool) -> bool:
        """Merge some of the index's segments, which drops deleted words; False if nothing is left to merge.

        This follows FTS5's manual on incremental optimization: a negative number of pages starts it, and it is done
        when fewer than two rows change.
        """
        before = await self._changes(tx)
        pages = -MERGE_PAGES if begins else MERGE_PAGES
        async with self.index.writing(tx):
            await tx.execute("INSERT INTO turn_words (turn_words, rank) VALUES ('merge', ?)", (pages,))
        return await self._changes(tx) - before >= MERGE_DONE

    async def _keys(self, first: int, last: int) -> list[int]:
        rows = await self.index.rows("SELECT id FROM turn_words_docsize WHERE id BETWEEN ? AND ?", (first, last))
        return [row["id"] for row in rows]

    @staticmethod
    async def _changes(tx: Transaction) -> int:
        return int((await tx.rows("SELECT total_changes() AS n"))[0]["n"])

    async def weighed(self, chat_id: int, terms: Sequence[Term]) -> WeightedTerms:
        """See Search.weighed. The old index may have other terms, and scores differently."""
        if await self._old_turn(chat_id):
            return WeightedTerms(tuple(terms[:MOST_ASKED]), 0.0)
        return await super().weighed(chat_id, terms)

    async def _count_keys(self, queries: Sequence[str], slices: Sequence[tuple[int, int]]) -> list[int]:
        """How many keys match each query, in all slices (first id, last id) together."""
        if not queries:
            return []
        select = (
            "SELECT ? AS number, count(*) AS found FROM turn_words WHERE turn_words MATCH ? AND rowid BETWEEN ? AND ?"
        )
        values = [value for index, query in enumerate(queries) for ends in slices for value in (index, query, *ends)]
        parts = " UNION ALL ".join([select] * (len(queries) * len(slices)))
        rows = await self.index.rows(f"SELECT sum(found) AS found FROM ({parts}) GROUP BY number", values)
        return [row["found"] for row in rows] or [0] * len(queries)

    def _query(self, term: Term) -> str:
        return _looked_up(term)

    def _chat_query(self, chat_id: int) -> str:
        return f"tag : {tag(chat_id)}"

    async def _ranked(self, chat_id: int, terms: Sequence[Term], asked: Asked) -> list[Hit]:
        columns = "own" if asked.own else "{own around label}"
        phrases = (" AND " if asked.every_term else " OR ").join(_phrases(term, columns) for term in terms)
        rows = await self.index.rows(
            "SELECT rowid AS id, -bm25(turn_words, 0.0, ?, ?, ?, ?) AS score FROM turn_words"
            " WHERE turn_words MATCH ? AND rowid > ? AND rowid < ? ORDER BY score DESC, rowid LIMIT ?",
            (
                *(OWN_WEIGHT, WRITTEN_WEIGHT, AROUND_WEIGHT, LABEL_WEIGHT, f"tag : {tag(chat_id)} AND ({phrases})"),
                *(asked.after_turn, asked.before_turn, asked.limit),
            ),
        )
        found = [Hit(row["id"], row["score"]) for row in rows]
        if old_turn := await self._old_turn(chat_id):
            last = min(asked.before_turn, old_turn + 1)
            bounds = (asked.after_turn, last, asked.limit)
            words = [term.written for term in terms]
            old = await self._old.find(tag(chat_id), words, columns, every=asked.every_term, bounds=bounds)
            found += [Hit(turn_id, score) for turn_id, score in old]
        if not all(hit.score is not None and isfinite(hit.score) for hit in found):
            await self.index.mark_damaged("its statistics yield invalid scores")
            return []
        return found

    async def _old_turn(self, chat_id: int) -> int:
        return await self._old.last_turn(chat_id) if await self._old.there() else 0

    async def _size(self) -> int:
        rows = await self.index.rows("SELECT coalesce(max(id), 0) AS size FROM turn_words_docsize")
        return int(rows[0]["size"]) if rows else 0


def _looked_up(term: Term, columns: str = "{own around label}") -> str:
    """A term in the index's query language: any of its stems."""
    words = " OR ".join(f'"{word}"{"*" * term.begins}' for word in term.stems or (term.written,))
    return f"{'own' if term.own else columns} : ({words})"


def _phrases(term: Term, columns: str) -> str:
    looked_up = _looked_up(term, columns)
    return f'({looked_up} OR written : "{term.written}")' if term.stems else f"({looked_up})"
