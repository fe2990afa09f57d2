"""Search by words: ranked by BM25, one chat at a time.

Terms are weighted by the number of keys that contain them. In a large index it is estimated from a sample, and cached
for common terms.

SQLite's part is FTS5 (`storage.fts`), PostgreSQL's a ``tsvector`` (`storage.postgres.tsvector`).
"""

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from math import log

from storage.database import Database, Transaction
from storage.index import Index
from storage.sql import each, in_list, listed
from storage.transcript import SETTLED

SAMPLED_KEYS = 20_000
"""From this size on, keys are counted in a sample; counting a million takes 45 ms."""
SLICES, SLICE_KEYS = 5, 1_000
"""The sample: this many runs of this many consecutive ids, evenly spread."""
SURE_COUNT = 10
"""A term with at most this many keys in the sample is rare, and is counted exactly, which is fast."""
REMEMBERED = 5_000
"""The number of cached counts; about a megabyte."""
GROWN = 0.02
"""A cached count is recomputed after the index has grown by this share."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
K1 = 1.2
"""The constant k1 of BM25, as in FTS5."""
COMMON_SHARE = 0.1
"""A term in more than this share of all keys says little, and is the most expensive to look up."""
USELESS_SHARE = 0.5
"""Beyond this share, BM25 gives a term no weight."""
FEW_KEYS = 5_000
"""In an index smaller than this, no term is too common."""
COUNT_US, RANK_US = 0.05, 1.7
"""The cost of a term in microseconds, for each key that contains it, and for each of those in the chat: measured in a
database of a million turns (benchmarks/recall_speed.py)."""
MOST_US = 10_000.0
"""The most that a query may cost by these figures, in microseconds."""
MOST_ASKED = 32
"""The most terms of one query, rarest first; more take time without better results."""
OWN_WEIGHT, WRITTEN_WEIGHT, AROUND_WEIGHT, LABEL_WEIGHT = 1.0, 0.02, 0.6, 1.0
"""A turn's own words count for more than its neighbours' (LoCoMo: 0.865 of the evidence, 0.855 with equal weights).
The exact form of a word only ranks before its other forms (LoCoMo: the same evidence from 0 to 0.3)."""


CountKeys = Callable[[Sequence[str], Sequence[tuple[int, int]]], Awaitable[list[int]]]
"""Counts the keys that match each query, in all ranges of ids (first, last) together."""


class TermCounts:
    """The number of keys that match a query, with a cache, because sampling is most of the work for common words."""

    def __init__(self, count: CountKeys) -> None:
        self._counts = count
        self._remembered: OrderedDict[str, tuple[int, int]] = OrderedDict()
        """By query: the size of the index at the time, and the number of keys in the sample."""

    async def count(self, queries: Sequence[str], whole: str, size: int) -> tuple[list[int], float]:
        """The number of keys of each query in an index with ids up to `size`, and the share of keys that match `whole`.

        If all keys are counted, the share isn't needed, and is given as 1.
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
        found = {query: cached for query, cached in found.items() if abs(size - cached[0]) <= GROWN * cached[0]}
        new = [query for query in queries if query not in found]
        for query, count in zip(new, await self._counts(new, slices), strict=True):
            found[query] = (size, count)
        for query, cached in found.items():
            if cached[1] > SURE_COUNT:
                self._remembered[query] = cached
                self._remembered.move_to_end(query)
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return {query: count for query, (_, count) in found.items()}


@dataclass(frozen=True, slots=True)
class TurnKey:
    """The key of a turn in the index: its terms, as prepared for indexing."""

    turn_id: int
    own: str
    around: str
    label: str = ""
    """Who said it and when; recall searches this too, but the words aren't the turn's own."""
    written: str = ""
    """Its own words as written, if they differ from their stems."""


@dataclass(frozen=True, slots=True)
class Term:
    """A word to search for."""

    written: str
    """The word as written: the indexed form if it has no stems, or else a form that scores more."""
    stems: tuple[str, ...] = ()
    """Its possible stems, one for each language that it may belong to."""
    begins: bool = False
    """Whether it matches as a prefix."""
    own: bool = False
    """Whether it must be among a turn's own words."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A turn that was found; a higher score is better."""

    turn_id: int
    score: float


@dataclass(frozen=True, slots=True)
class Asked:
    """What a search is for, besides its terms."""

    after_turn: int
    before_turn: int
    """Turns between these ids, exclusive."""
    limit: int
    own: bool
    """Whether only a turn's own words count."""
    every_term: bool
    """Whether a turn must have all terms, or any."""


@dataclass(frozen=True, slots=True)
class WeightedTerms:
    """Terms to search for; `weight` is the score of a turn that contains them all."""

    terms: tuple[Term, ...]
    weight: float


class Search(ABC):
    """The tables of keys and terms."""

    def __init__(self, database: Database, index: Index) -> None:
        self._database = database
        self.index = index
        self._counts = TermCounts(self._count_keys)

    @abstractmethod
    async def put(self, tx: Transaction, chat_id: int, keys: Iterable[TurnKey]) -> None:
        """Index turns, or index them again."""

    @abstractmethod
    async def finds(self, turn_id: int, word: str) -> bool:
        """Whether a turn is found by this word, which is one of its own."""

    @abstractmethod
    async def remove(self, tx: Transaction, turn_ids: Iterable[int]) -> None:
        """Remove the keys of these turns."""

    @abstractmethod
    async def merge(self, tx: Transaction, *, begins: bool) -> bool:
        """Drop some of the deleted words that the index still holds; False if none are left."""

    @abstractmethod
    async def _count_keys(self, queries: Sequence[str], slices: Sequence[tuple[int, int]]) -> list[int]:
        """See CountKeys."""

    @abstractmethod
    async def _keys(self, first: int, last: int) -> list[int]:
        """The ids of keys between two ids (inclusive)."""

    @abstractmethod
    async def _size(self) -> int:
        """The highest id of a key, or 0."""

    @abstractmethod
    def _query(self, term: Term) -> str:
        """A query for a term: any of its stems."""

    @abstractmethod
    def _chat_query(self, chat_id: int) -> str:
        """A query for all keys of a chat."""

    @abstractmethod
    async def _ranked(self, chat_id: int, terms: Sequence[Term], asked: Asked) -> list[Hit]:
        """The best keys with these terms, in any order, which may be of deleted turns."""

    async def progress(self, tx: Transaction, chat_id: int, turn_id: int) -> None:
        """Record that everything up to this turn is indexed."""
        await tx.execute("UPDATE chats SET indexed_turn = ? WHERE id = ?", (turn_id, chat_id))

    async def last_key(self) -> int:
        """The highest id of a key, or 0."""
        return await self._size()

    async def orphans(self, first: int, last: int) -> list[int]:
        """Keys between two ids (inclusive) whose turn is gone."""
        keys = await self._keys(first, last)
        rows = await self._database.rows(
            f"SELECT value AS id FROM {each()} WHERE NOT EXISTS (SELECT 1 FROM turns WHERE turns.id = value)",
            (listed(keys),),
        )
        return [row["id"] for row in rows]

    async def without_key(self, first: int, last: int) -> dict[int, int]:
        """The first turn of each chat between two ids (inclusive) that counts as indexed but has no key, by chat id."""
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

    async def weighed(self, chat_id: int, terms: Sequence[Term]) -> "WeightedTerms":
        """The terms that the index contains, rarest first, and the score of a perfect hit.

        Terms that are everywhere are dropped, and so are common ones once the query is expensive enough. The rarest
        term is kept even if it is common, because it may be the only word of the question.
        """
        size = await self._size()
        queries = [self._query(term) for term in terms]
        counts, share = await self._counts.count(queries, self._chat_query(chat_id), size)
        known = sorted(
            ((count, index) for index, count in enumerate(counts) if count),
            key=lambda entry: (entry[0], terms[entry[1]].begins),
        )
        chosen: list[tuple[int, Term]] = []
        cost = 0.0
        for count, index in known[:MOST_ASKED]:
            cost += count * (COUNT_US + share * RANK_US)
            common = count > (COMMON_SHARE if chosen else USELESS_SHARE) * size
            if size >= FEW_KEYS and (common or (chosen and cost > MOST_US)):
                break
            chosen.append((count, terms[index]))
        return WeightedTerms(tuple(term for _, term in chosen), sum(weight(count, size) for count, _ in chosen))

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
        """The best turns of a chat between two ids (exclusive), best first; `own`: search only their own words."""
        if not terms:
            return []
        found = await self._ranked(chat_id, terms, Asked(after_turn, before_turn, limit, own, every_term))
        best = {hit.turn_id: hit for hit in sorted(found, key=lambda hit: hit.score)}
        in_chat = await self._of_chat(chat_id, list(best))
        hits = [hit for hit in best.values() if hit.turn_id in in_chat]
        return sorted(hits, key=lambda hit: (-hit.score, hit.turn_id))[:limit]

    async def _of_chat(self, chat_id: int, turn_ids: Collection[int]) -> set[int]:
        rows = await self._database.rows(
            f"SELECT id FROM turns WHERE chat_id = ? AND id {in_list()}",
            (chat_id, listed(turn_ids)),
        )
        return {row["id"] for row in rows}


def tag(chat_id: int) -> str:
    """The chat's id as a word of letters, which no tokenizer splits and no stemmer changes."""
    letters = ""
    while chat_id or not letters:
        chat_id, digit = divmod(chat_id, len(_LETTERS))
        letters = _LETTERS[digit] + letters
    return f"qz{letters}qz"


def weight(count: int, size: int) -> float:
    """The most that one term can add to a score: FTS5's inverse document frequency times k1 + 1."""
    return max(log((size - count + 0.5) / (count + 0.5)), 1e-6) * (K1 + 1)
