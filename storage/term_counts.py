"""How many keys hold a term: in a large index estimated from a sample, and remembered where the term is common."""

from collections import OrderedDict
from collections.abc import Collection, Sequence

from storage.index import Index

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
