"""How many keys hold a term: in a large index estimated from a sample, and remembered where the term is common.

The index that turns are found by: SQLite's FTS5, ranked by BM25, one chat at a time.

No statement here reads the index together with another table, whose damage would be taken for the index's.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import isfinite, log

from storage.database import Database, Transaction
from storage.index import Index
from storage.sql import each, in_list, listed
from storage.transcript import SETTLED

SAMPLED_KEYS = 20_000
"""From this size on keys are counted in a sample: to count a million takes 45 ms."""
SLICES, SLICE_KEYS = 5, 1_000
"""The sample: as many runs of so many ids, spread evenly."""
SURE_COUNT = 10
"""A term that the sample holds no more often is rare: all its keys are counted, which is quick, and never old."""
REMEMBERED = 5_000
"""Terms: a megabyte."""
GROWN = 0.02
"""What is remembered of an index that has grown by more than this share since is counted again."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_K1 = 1.2
"""Of FTS5's bm25()."""
COMMON_SHARE = 0.1
"""A term that stands in more than this share of all keys says little, and costs the most to look up."""
USELESS_SHARE = 0.5
"""And from here on it says nothing: BM25 gives it no weight."""
FEW_KEYS = 5_000
"""In an index smaller than this no term is too common."""
COUNT_US, RANK_US = 0.05, 1.7
"""What a term costs for each key of any chat that holds it, and for each of the chat's own, in microseconds: measured
in a database of a million turns (benchmarks/recall_speed.py)."""
MOST_US = 10_000.0
"""What a query may cost by these figures, in microseconds."""
MOST_ASKED = 32
"""Terms of one query, the rarest first: more cost time and find no better."""
MERGE_PAGES, MERGE_DONE = 100, 2
OWN_WEIGHT, WRITTEN_WEIGHT, AROUND_WEIGHT, LABEL_WEIGHT = 1.0, 0.02, 0.6, 1.0
"""A turn's own words count for more than its neighbours' (LoCoMo: 0.865 of the evidence, 0.855 with equal weights).
A word as it is written only comes before its other forms (LoCoMo: the same evidence from 0 to 0.3)."""


class TermCounts:
    """Counts keys that match a query; to look at the sample is the most of it for the common words of questions."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._remembered: OrderedDict[str, tuple[int, int]] = OrderedDict()
        """By query: the size of the index then, and the keys in the sample."""

    async def count(self, queries: Sequence[str], whole: str, size: int) -> tuple[list[int], float]:
        """The keys of each query in an index with ids up to `size`, and the share of all keys that match `whole`.

        Where all are counted that share is not needed, and taken for 1.
        """
        if size < SAMPLED_KEYS:
            return await self._counts(queries, ((0, size),)), 1.0
        step = size // SLICES
        slices = [(low, low + SLICE_KEYS - 1) for low in range(step // 2, size, step)]
        sampled = await self._sampled({*queries, whole}, slices, size)
        rare = [query for query in queries if sampled[query] <= SURE_COUNT]
        exact = dict(zip(rare, await self._counts(rare, ((0, size),)), strict=True))
        of_sample = size / (SLICE_KEYS * len(slices))
        counts = [exact.get(query, round(sampled[query] * of_sample)) for query in queries]
        return counts, sampled[whole] * of_sample / size

    async def _sampled(self, queries: Collection[str], slices: Sequence[tuple[int, int]], size: int) -> dict[str, int]:
        found = {query: self._remembered[query] for query in queries if query in self._remembered}
        found = {query: kept for query, kept in found.items() if abs(size - kept[0]) <= GROWN * kept[0]}
        new = [query for query in queries if query not in found]
        for query, count in zip(new, await self._counts(new, slices), strict=True):
            found[query] = (size, count)
        for query, kept in found.items():
            if kept[1] > SURE_COUNT:
                self._remembered[query] = kept
                self._remembered.move_to_end(query)
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return {query: count for query, (_, count) in found.items()}

    async def _counts(self, queries: Sequence[str], slices: Sequence[tuple[int, int]]) -> list[int]:
        """How many keys match each query in all slices (first and last id) together."""
        if not queries:
            return []
        one = "SELECT ? AS number, count(*) AS found FROM turn_words WHERE turn_words MATCH ? AND rowid BETWEEN ? AND ?"
        values = [value for at, query in enumerate(queries) for ends in slices for value in (at, query, *ends)]
        parts = " UNION ALL ".join([one] * (len(queries) * len(slices)))
        rows = await self._index.rows(f"SELECT sum(found) AS found FROM ({parts}) GROUP BY number", values)
        return [row["found"] for row in rows] or [0] * len(queries)


@dataclass(frozen=True, slots=True)
class TurnKey:
    """What a turn is found by: words in the form in which they are indexed."""

    turn_id: int
    own: str
    around: str
    label: str = ""
    """Who said it and when: recall finds it by that too, but no turn holds those words itself."""
    written: str = ""
    """Its own words as they are written, where they are indexed without their inflection."""


@dataclass(frozen=True, slots=True)
class Term:
    """A word to look for."""

    written: str
    """As it is written. So it is indexed too where it has no stems; else a turn that holds it so scores more."""
    stems: tuple[str, ...] = ()
    """What it may be without its inflection: one for each language that it may be of."""
    begins: bool = False
    """Whether all words are meant that begin so."""
    own: bool = False
    """Whether only turns are meant that hold it themselves."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A turn that was found; the higher the score, the better."""

    turn_id: int
    score: float


class Search:
    """The tables of keys and terms."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.index = Index(database)
        self._counts = TermCounts(self.index)

    async def put(self, tx: Transaction, chat_id: int, keys: Iterable[TurnKey]) -> None:
        """Index turns, or index them anew."""
        async with self.index.writing(tx):
            await tx.execute_many(
                "INSERT OR REPLACE INTO turn_words (rowid, tag, own, written, around, label) VALUES (?, ?, ?, ?, ?, ?)",
                [(key.turn_id, tag(chat_id), key.own, key.written, key.around, key.label) for key in keys],
            )

    async def progress(self, tx: Transaction, chat_id: int, turn_id: int) -> None:
        """Everything up to this turn is indexed."""
        await tx.execute("UPDATE chats SET indexed_turn = ? WHERE id = ?", (turn_id, chat_id))

    async def last_key(self) -> int:
        """The highest id of a key, or 0."""
        return await self._size()

    async def orphans(self, first: int, last: int) -> list[int]:
        """Keys between both ids (inclusive) whose turn is gone."""
        keys = await self._keys(first, last)
        rows = await self._database.rows(
            f"SELECT value AS id FROM {each()} WHERE NOT EXISTS (SELECT 1 FROM turns WHERE turns.id = value)",
            (listed(keys),),
        )
        return [row["id"] for row in rows]

    async def without_key(self, first: int, last: int) -> dict[int, int]:
        """Chats with turns between both ids (inclusive) that count as indexed and have no key: the first of each."""
        keys = await self._keys(first, last)
        if self.index.damaged:
            return {}
        rows = await self._database.rows(
            "SELECT chat_id, min(turns.id) AS turn_id FROM turns JOIN chats ON chats.id = chat_id"
            " WHERE turns.id BETWEEN ? AND ? AND turns.id > old_turn AND turns.id <= indexed_turn"
            f" AND {SETTLED} AND turns.id NOT {in_list()} GROUP BY chat_id",
            (first, last, listed(keys)),
        )
        return {row["chat_id"]: row["turn_id"] for row in rows}

    async def holds(self, turn_id: int, word: str) -> bool:
        """Whether a turn is found by this word of its own."""
        found = await self.index.rows(
            "SELECT 1 FROM turn_words WHERE turn_words MATCH ? AND rowid = ?", (f'{{own written}} : "{word}"', turn_id)
        )
        return bool(found)

    async def remove(self, tx: Transaction, turn_ids: Iterable[int]) -> None:
        """Take out the keys of these turns."""
        async with self.index.writing(tx):
            for turn_id in turn_ids:
                await tx.execute("DELETE FROM turn_words WHERE rowid = ?", (turn_id,))

    async def merge(self, tx: Transaction, *, begins: bool) -> bool:
        """Merge some of the index's parts, which lets go of deleted words; False when nothing is left to merge.

        As FTS5's manual has it for an optimisation in steps: a negative number of pages begins one, and a change of
        fewer than two rows tells that it is done.
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

    async def weighed(self, chat_id: int, terms: Sequence[Term]) -> "WeightedTerms":
        """The terms that the index knows, rarest first, and what a perfect hit would score.

        Left out are terms that are everywhere, and the more common ones once what is kept costs enough to look up. The
        rarest is asked for even where it is common: it may be the only word of the question.
        """
        size = await self._size()
        queries = [_looked_up(term) for term in terms]
        counts, share = await self._counts.count(queries, f"tag : {tag(chat_id)}", size)
        known = sorted(
            ((count, at) for at, count in enumerate(counts) if count), key=lambda one: (one[0], terms[one[1]].begins)
        )
        kept: list[tuple[int, Term]] = []
        cost = 0.0
        for count, at in known[:MOST_ASKED]:
            cost += count * (COUNT_US + share * RANK_US)
            common = count > (COMMON_SHARE if kept else USELESS_SHARE) * size
            if size >= FEW_KEYS and (common or (kept and cost > MOST_US)):
                break
            kept.append((count, terms[at]))
        if await self._old_turn(chat_id):  # the old index may know other terms, and scores in its own way
            return WeightedTerms(tuple(terms[:MOST_ASKED]), 0.0)
        return WeightedTerms(tuple(term for _, term in kept), sum(_weight(count, size) for count, _ in kept))

    async def find(
        self,
        chat_id: int,
        terms: Sequence[Term],
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
        columns = "own" if own else "{own around label}"
        phrases = (" AND " if every_term else " OR ").join(_phrases(term, columns) for term in terms)
        rows = await self.index.rows(
            "SELECT rowid AS id, -bm25(turn_words, 0.0, ?, ?, ?, ?) AS score FROM turn_words"
            " WHERE turn_words MATCH ? AND rowid > ? AND rowid < ? ORDER BY score DESC, rowid LIMIT ?",
            (
                *(OWN_WEIGHT, WRITTEN_WEIGHT, AROUND_WEIGHT, LABEL_WEIGHT, f"tag : {tag(chat_id)} AND ({phrases})"),
                *(after_turn, before_turn, limit),
            ),
        )
        found = [Hit(row["id"], row["score"]) for row in rows]
        if old_turn := await self._old_turn(chat_id):
            last = min(before_turn, old_turn + 1)
            bounds = (after_turn, last, limit)
            words = [term.written for term in terms]
            old = await self.index.old.find(tag(chat_id), words, columns, every=every_term, bounds=bounds)
            found += [Hit(turn_id, score) for turn_id, score in old]
        if not all(hit.score is not None and isfinite(hit.score) for hit in found):
            await self.index.condemn("what it counts of its words gives no scores")
            return []
        best = {hit.turn_id: hit for hit in sorted(found, key=lambda hit: hit.score)}
        theirs = await self._of_chat(chat_id, list(best))
        hits = [hit for hit in best.values() if hit.turn_id in theirs]
        return sorted(hits, key=lambda hit: (-hit.score, hit.turn_id))[:limit]

    async def _old_turn(self, chat_id: int) -> int:
        return await self.index.old.last_turn(chat_id) if await self.index.old.there() else 0

    async def _of_chat(self, chat_id: int, turn_ids: Collection[int]) -> set[int]:
        rows = await self._database.rows(
            f"SELECT id FROM turns WHERE chat_id = ? AND id {in_list()}",
            (chat_id, listed(turn_ids)),
        )
        return {row["id"] for row in rows}

    async def _size(self) -> int:
        rows = await self.index.rows("SELECT coalesce(max(id), 0) AS size FROM turn_words_docsize")
        return int(rows[0]["size"]) if rows else 0


@dataclass(frozen=True, slots=True)
class WeightedTerms:
    """Terms to search for; `weight` is what a turn would score that holds them all."""

    terms: tuple[Term, ...]
    weight: float


def _looked_up(term: Term, columns: str = "{own around label}") -> str:
    """A term in the index's query language: any of its stems."""
    words = " OR ".join(f'"{word}"{"*" * term.begins}' for word in term.stems or (term.written,))
    return f"{'own' if term.own else columns} : ({words})"


def _phrases(term: Term, columns: str) -> str:
    looked_up = _looked_up(term, columns)
    return f'({looked_up} OR written : "{term.written}")' if term.stems else f"({looked_up})"


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
