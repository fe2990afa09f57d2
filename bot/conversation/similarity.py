"""Vector similarity: comparison of a question's vector with all vectors of a chat, in a thread.

Reading vectors from the database takes twice as long as comparing them, so those of recently used chats are cached. A
page in the database is never modified, only replaced, so a cached page can't be outdated.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.vectors import Page

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
import asyncio
from collections import OrderedDict
from collections.abc import Iterable

from storage.vectors import Vectors

MOST = 2.05
"""The dot product of a unit vector with the sum of two others is at most 2; the rest is 16-bit rounding."""
HALF_SCALE = 2.0**112
"""The ratio of the exponent biases of 32-bit and 16-bit floats, 2 to the power of 127 - 15."""
NEAR_DEVIATIONS = 3.0
"""How many standard deviations above the mean count as near if nothing else is known. (Among 400 turns, the nearest is
2.8 above for a question about something never said.)"""
LEAST_DEVIATION = 0.015
"""In a short conversation all turns may be alike."""
E5 = "multilingual-e5-small"
LEAST_SUMS = {E5: 1.6}
LEAST_OF_SCRIPT = {
    E5: (
        (re.compile(r"[\u3040-\u30ff]"), 1.6),
        (re.compile(r"[\u4e00-\u9fff]"), 1.73),
        (re.compile(r"[\u0430-\u0451]"), 1.62),
    )
}
"""By model and by the script of the question: texts in Chinese characters (without kana) are all closer to each other.
Measured with 8 facts in each of 17 languages (the right one 1.59 or more, in Chinese 1.74; the best wrong one mostly
1.57 to 1.64, in Chinese 1.69), and on the questions of four conversations: 98 of 100 are above, and 70 % (English) or
half (Russian, Chinese) of the questions about things never said are below."""
PAGES = 64
"""Pages read at a time: 8 MB."""
KEPT_BYTES = 64 * 1024 * 1024
"""The size of the cache for all chats: eight chats of 10,000 turns with 384-dimensional vectors."""
TRIES = 3
"""Attempts when a page is replaced during the comparison."""
Key = tuple[int, int]
"""(chat id, dimension of the vectors)."""


@dataclass(frozen=True, slots=True)
class SimilarityScores:
    """Each turn's similarity to a question: the sums of two cosines, ordered by turn id.

    `mean` and `deviation` describe the whole conversation, because every model has its own scale.
    """

    turn_ids: "NDArray[np.int64]"
    sums: "NDArray[np.float32]"
    mean: float
    deviation: float
    least: float | None = None
    """A relevant turn has at least this similarity; None: unknown for this model."""

    @property
    def are_near(self) -> bool:
        """Whether the nearest turn may be relevant."""
        nearest = float(self.sums.max())
        if self.least is not None:
            return nearest >= self.least
        return self.deviation > 0 and nearest >= self.mean + NEAR_DEVIATIONS * self.deviation

    def nearness(self, limit: int, also: Collection[int] = ()) -> dict[int, float]:
        """The nearest turns and those in `also`, in standard deviations above the mean."""
        import numpy as np

        wanted = np.zeros(len(self.sums), bool)
        wanted[_nearest(self.sums, limit)] = True
        others = np.fromiter(also, np.int64, len(also))
        places = np.searchsorted(self.turn_ids, others).clip(max=len(self.turn_ids) - 1)
        wanted[places[self.turn_ids[places] == others]] = True
        apart = (self.sums[wanted] - self.mean) / max(self.deviation, LEAST_DEVIATION)
        return dict(zip(map(int, self.turn_ids[wanted]), map(float, apart), strict=True))

    def nearest(self, first_turn: int, last_turn: int, limit: int) -> list[int]:
        """The nearest turns between two ids (inclusive)."""
        import numpy as np

        inside = np.flatnonzero((self.turn_ids >= first_turn) & (self.turn_ids <= last_turn))
        return [int(turn_id) for turn_id in self.turn_ids[inside[_nearest(self.sums[inside], limit)]]]


def _nearest(sums: "NDArray[np.float32]", limit: int) -> "NDArray[np.int64]":
    """The indexes of the greatest values, the first ones on a tie. A partition; sorting 100,000 values takes 10 ms."""
    import numpy as np

    if limit >= len(sums):
        return np.arange(len(sums))
    least = np.partition(sums, -limit)[-limit]
    above = np.flatnonzero(sums > least)
    return np.concatenate([above, np.flatnonzero(sums == least)[: limit - len(above)]])


def least_sum(model: str, question: str) -> float | None:
    """The similarity that a relevant turn has at least; None: unknown for this model."""
    scripts = LEAST_OF_SCRIPT.get(model, ())
    return next((least for script, least in scripts if script.search(question)), LEAST_SUMS.get(model))


def sum_vectors(own: Sequence[float], between: Sequence[float] | None) -> bytes:
    """The sum of two unit vectors, so that one dot product gives two cosines; a lone vector counts twice."""
    both: bytes = (_normalize(own) + _normalize(between or own)).astype("<f2").tobytes()
    return both


def compare_pages(
    pages: Sequence[Page], vector: Sequence[float], after_turn: int
) -> tuple[SimilarityScores, list[int]]:
    """Compare the turns of some pages after a given one; also returns turns with invalid vectors."""
    import numpy as np

    asked = (_normalize(vector) * HALF_SCALE).astype(np.float32)
    turns, sums = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
    with np.errstate(all="ignore"):  # a damaged vector may contain anything
        for page in pages:
            if not page.damaged:
                turns.append(np.frombuffer(page.turn_ids, "<i8"))
                sums.append(_to_float32(page.vectors).reshape(-1, len(asked)) @ asked)
    turn_ids, values = np.concatenate(turns), np.concatenate(sums)
    possible = np.abs(values) <= MOST
    valid = possible & (turn_ids > after_turn)
    return SimilarityScores(turn_ids[valid], values[valid], 0.0, 0.0), [int(turn_id) for turn_id in turn_ids[~possible]]


def _to_float32(halves: bytes) -> "NDArray[np.float32]":
    """16-bit floats as 32-bit ones, too small by HALF_SCALE: the bits are shifted into place.

    Five times as fast as numpy's conversion, which would dominate a search. NaN and infinity become large numbers.
    """
    import numpy as np

    bits = np.frombuffer(halves, "<i2").astype(np.int32)
    bits <<= 13
    bits &= np.int32(-0x70002000)  # the sign, the five exponent bits and the ten fraction bits
    return bits.view(np.float32)


def join_scores(parts: Sequence[SimilarityScores], before_turn: int) -> SimilarityScores | None:
    """The scores of all turns before a given one; None if there are none."""
    import numpy as np

    if not parts:
        return None
    turn_ids = np.concatenate([part.turn_ids for part in parts])
    sums = np.concatenate([part.sums for part in parts])
    inside = turn_ids < before_turn
    if not inside.any():
        return None
    order = np.argsort(turn_ids, kind="stable")
    turn_ids, sums, inside = turn_ids[order], sums[order], inside[order]
    return SimilarityScores(turn_ids[inside], sums[inside], float(sums.mean()), float(sums.std()))


def _normalize(vector: Sequence[float]) -> "NDArray[np.float64]":
    import numpy as np

    array = np.asarray(vector, dtype=np.float64)
    length = float(np.linalg.norm(array))
    return array / length if length > 0 else array


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """The scores, damaged pages by their first turns, and turns with invalid vectors."""

    scores: SimilarityScores | None
    damaged: tuple[int, ...] = ()
    spoiled: tuple[int, ...] = ()


class VectorCache:
    """Pages of recently used chats."""

    def __init__(self) -> None:
        self._chats: OrderedDict[Key, dict[int, Page]] = OrderedDict()
        self.bytes = 0

    def of(self, key: Key, page_ids: Iterable[int]) -> list[Page]:
        """The cached pages among these; the chat's other pages are evicted."""
        pages = self._chats.pop(key, {})
        for gone in pages.keys() - set(page_ids):
            self.bytes -= len(pages.pop(gone).vectors)
        self._chats[key] = pages
        return list(pages.values())

    def keep(self, key: Key, pages: Iterable[Page]) -> None:
        """Cache valid pages, evicting other chats' if necessary; pages without room are read each time."""
        cached = self._chats.setdefault(key, {})
        for page in pages:
            if page.damaged or page.page_id in cached:
                continue
            while self.bytes + len(page.vectors) > KEPT_BYTES and next(iter(self._chats)) != key:
                _, others = self._chats.popitem(last=False)
                self.bytes -= sum(len(other.vectors) for other in others.values())
            if self.bytes + len(page.vectors) <= KEPT_BYTES:
                cached[page.page_id] = page
                self.bytes += len(page.vectors)


class VectorComparison:
    """Reads pages while comparing others in a thread."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors
        self._kept = VectorCache()

    async def compare(
        self, chat_id: int, model: str, vector: Sequence[float], *, after_turn: int, before_turn: int
    ) -> ComparisonResult:
        """Compare a vector with those of the turns between two ids. Raises StorageError."""
        for _ in range(TRIES):
            page_ids = await self._vectors.page_ids(chat_id, model)
            found = await self._compare(chat_id, page_ids, vector, after_turn, before_turn)
            if found is not None:
                return found
        return ComparisonResult(None)

    async def _compare(
        self, chat_id: int, page_ids: Sequence[int], vector: Sequence[float], after_turn: int, before_turn: int
    ) -> ComparisonResult | None:
        """None if a page was replaced in the meantime."""
        key = (chat_id, len(vector))
        pages = self._kept.of(key, page_ids)
        here = {page.page_id for page in pages}
        missing = [page_id for page_id in page_ids if page_id not in here]
        parts, spoiled, damaged = list[SimilarityScores](), list[int](), list[int]()
        for start in range(0, len(missing) + PAGES, PAGES):
            wanted = missing[start : start + PAGES]
            (part, wrong), read = await asyncio.gather(
                asyncio.to_thread(compare_pages, pages, vector, after_turn),
                self._vectors.pages(chat_id, len(vector), wanted),
            )
            parts.append(part)
            spoiled += wrong
            damaged += [page.first_turn for page in read if page.damaged]
            if len(read) < len(wanted):
                return None
            self._kept.keep(key, read)
            pages = read
        scores = await asyncio.to_thread(join_scores, parts, before_turn)
        return ComparisonResult(scores, tuple(damaged), tuple(spoiled))
