"""Arithmetic on vectors; what takes long runs in a thread.

A question's vector is compared with all of a chat's.

To read them from the database takes twice as long as to compare them, so those of the chats that were asked last stay
in memory, as far as there is room. A page in the database never changes: another one takes its place.
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
"""Of two vectors of length 1 that are added, and one of length 1; a little more is the rounding of 16-bit floats."""
HALF_SCALE = 2.0**112
"""The exponents of 16-bit floats begin at -15, those of 32-bit floats at -127."""
NEAR_DEVIATIONS = 3.0
"""What is so much nearer than the mean is near, where nothing else is known. (Of 400 turns the nearest is 2.8 nearer
where nothing that was asked for was ever said.)"""
LEAST_DEVIATION = 0.015
"""In a conversation of few turns all may be alike."""
E5 = "multilingual-e5-small"
LEAST_SUMS = {E5: 1.6}
LEAST_OF_SCRIPT = {
    E5: (
        (re.compile(r"[\u3040-\u30ff]"), 1.6),
        (re.compile(r"[\u4e00-\u9fff]"), 1.73),
        (re.compile(r"[\u0430-\u0451]"), 1.62),
    )
}
"""By model, and by the script of the question: texts in Chinese signs (without Japanese ones) are all nearer to one
another. Measured with 8 facts in each of 17 languages (the one that was meant 1.59 or more, in Chinese 1.74; the best
other one mostly 1.57 to 1.64, in Chinese 1.69), and on the questions of four conversations: 98 of 100 are above, and
seven tenths (English) or half (Russian, Chinese) of the questions about what was never said are below."""
PAGES = 64
"""Pages that are read at a time: 8 MB."""
KEPT_BYTES = 64 * 1024 * 1024
"""Of pages in memory, for all chats together: eight chats of 10,000 turns, with vectors of 384 numbers."""
TRIES = 3
"""A page that another one replaced meanwhile is looked for again."""
Key = tuple[int, int]
"""A chat, and how many numbers its vectors have."""


@dataclass(frozen=True, slots=True)
class SimilarityScores:
    """How near turns are to what was asked: the sums of two cosines each, in the order of the turns' ids.

    `mean` and `deviation` are those of the whole conversation: models have each their own idea of what is near.
    """

    turn_ids: "NDArray[np.int64]"
    sums: "NDArray[np.float32]"
    mean: float
    deviation: float
    least: float | None = None
    """Nothing that was asked for is less near than this; None: that is not known of the model."""

    @property
    def are_near(self) -> bool:
        """Whether the nearest turn is one that may have been asked for."""
        nearest = float(self.sums.max())
        if self.least is not None:
            return nearest >= self.least
        return self.deviation > 0 and nearest >= self.mean + NEAR_DEVIATIONS * self.deviation

    def nearness(self, limit: int, also: Collection[int] = ()) -> dict[int, float]:
        """The nearest turns and some others, by how many standard deviations each is nearer than the mean."""
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
    """The places of the greatest, of equal ones the first; to sort a hundred thousand takes ten milliseconds."""
    import numpy as np

    if limit >= len(sums):
        return np.arange(len(sums))
    least = np.partition(sums, -limit)[-limit]
    above = np.flatnonzero(sums > least)
    return np.concatenate([above, np.flatnonzero(sums == least)[: limit - len(above)]])


def least_sum(model: str, question: str) -> float | None:
    """How near the turn must be that a question asks for; None: that is not known of the model."""
    scripts = LEAST_OF_SCRIPT.get(model, ())
    return next((least for script, least in scripts if script.search(question)), LEAST_SUMS.get(model))


def sum_of(own: Sequence[float], between: Sequence[float] | None) -> bytes:
    """Two vectors as one: each at length 1, so that a product is the sum of two cosines; one counts twice alone."""
    both: bytes = (_unit(own) + _unit(between or own)).astype("<f2").tobytes()
    return both


def compared(pages: Sequence[Page], vector: Sequence[float], after_turn: int) -> tuple[SimilarityScores, list[int]]:
    """The turns of some pages behind this one, and those whose vectors are none."""
    import numpy as np

    asked = (_unit(vector) * HALF_SCALE).astype(np.float32)
    turns, sums = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
    with np.errstate(all="ignore"):  # in a damaged vector anything may stand
        for page in pages:
            if not page.damaged:
                turns.append(np.frombuffer(page.turn_ids, "<i8"))
                sums.append(_widened(page.vectors).reshape(-1, len(asked)) @ asked)
    turn_ids, values = np.concatenate(turns), np.concatenate(sums)
    possible = np.abs(values) <= MOST
    kept = possible & (turn_ids > after_turn)
    return SimilarityScores(turn_ids[kept], values[kept], 0.0, 0.0), [int(each) for each in turn_ids[~possible]]


def _widened(halves: bytes) -> "NDArray[np.float32]":
    """16-bit floats as 32-bit ones, HALF_SCALE times too small: their bits moved to where they belong.

    Five times as fast as numpy's own conversion, which is most of a search. What is no number becomes a large one.
    """
    import numpy as np

    bits = np.frombuffer(halves, "<i2").astype(np.int32)
    bits <<= 13
    bits &= np.int32(-0x70002000)  # the sign, the exponent's five bits, and the fraction's ten
    return bits.view(np.float32)


def joined(parts: Sequence[SimilarityScores], before_turn: int) -> SimilarityScores | None:
    """All turns before this one; None when there are none."""
    import numpy as np

    if not parts:
        return None
    turn_ids = np.concatenate([part.turn_ids for part in parts])
    sums = np.concatenate([part.sums for part in parts])
    kept = turn_ids < before_turn
    if not kept.any():
        return None
    order = np.argsort(turn_ids, kind="stable")
    turn_ids, sums, kept = turn_ids[order], sums[order], kept[order]
    return SimilarityScores(turn_ids[kept], sums[kept], float(sums.mean()), float(sums.std()))


def _unit(vector: Sequence[float]) -> "NDArray[np.float64]":
    import numpy as np

    array = np.asarray(vector, dtype=np.float64)
    length = float(np.linalg.norm(array))
    return array / length if length > 0 else array


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """How near the turns are, and what is wrong: pages by their first turns, and the turns of single vectors."""

    scores: SimilarityScores | None
    damaged: tuple[int, ...] = ()
    spoiled: tuple[int, ...] = ()


class VectorCache:
    """Pages of the chats that were asked last."""

    def __init__(self) -> None:
        self._chats: OrderedDict[Key, dict[int, Page]] = OrderedDict()
        self.bytes = 0

    def of(self, key: Key, page_ids: Iterable[int]) -> list[Page]:
        """Those of these pages that are here; all others of the chat are let go."""
        pages = self._chats.pop(key, {})
        for gone in pages.keys() - set(page_ids):
            self.bytes -= len(pages.pop(gone).vectors)
        self._chats[key] = pages
        return list(pages.values())

    def keep(self, key: Key, pages: Iterable[Page]) -> None:
        """Keep sound pages, if need be in the place of other chats' ones; what has no room then is read each time."""
        theirs = self._chats.setdefault(key, {})
        for page in pages:
            if page.damaged or page.page_id in theirs:
                continue
            while self.bytes + len(page.vectors) > KEPT_BYTES and next(iter(self._chats)) != key:
                _, others = self._chats.popitem(last=False)
                self.bytes -= sum(len(each.vectors) for each in others.values())
            if self.bytes + len(page.vectors) <= KEPT_BYTES:
                theirs[page.page_id] = page
                self.bytes += len(page.vectors)


class VectorComparison:
    """Reads pages, and compares them in a thread meanwhile."""

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
        """None when a page has been replaced."""
        key = (chat_id, len(vector))
        pages = self._kept.of(key, page_ids)
        here = {page.page_id for page in pages}
        missing = [page_id for page_id in page_ids if page_id not in here]
        parts, spoiled, damaged = list[SimilarityScores](), list[int](), list[int]()
        for start in range(0, len(missing) + PAGES, PAGES):
            wanted = missing[start : start + PAGES]
            (part, wrong), read = await asyncio.gather(
                asyncio.to_thread(compared, pages, vector, after_turn),
                self._vectors.pages(chat_id, len(vector), wanted),
            )
            parts.append(part)
            spoiled += wrong
            damaged += [page.first_turn for page in read if page.damaged]
            if len(read) < len(wanted):
                return None
            self._kept.keep(key, read)
            pages = read
        scores = await asyncio.to_thread(joined, parts, before_turn)
        return ComparisonResult(scores, tuple(damaged), tuple(spoiled))
