"""Arithmetic on vectors; what takes long runs in a thread."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.vectors import Page

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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


@dataclass(frozen=True, slots=True)
class Scores:
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


def compared(pages: Sequence[Page], vector: Sequence[float], after_turn: int) -> tuple[Scores, list[int]]:
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
    return Scores(turn_ids[kept], values[kept], 0.0, 0.0), [int(each) for each in turn_ids[~possible]]


def _widened(halves: bytes) -> "NDArray[np.float32]":
    """16-bit floats as 32-bit ones, HALF_SCALE times too small: their bits moved to where they belong.

    Five times as fast as numpy's own conversion, which is most of a search. What is no number becomes a large one.
    """
    import numpy as np

    bits = np.frombuffer(halves, "<i2").astype(np.int32)
    bits <<= 13
    bits &= np.int32(-0x70002000)  # the sign, the exponent's five bits, and the fraction's ten
    return bits.view(np.float32)


def joined(parts: Sequence[Scores], before_turn: int) -> Scores | None:
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
    return Scores(turn_ids[kept], sums[kept], float(sums.mean()), float(sums.std()))


def _unit(vector: Sequence[float]) -> "NDArray[np.float64]":
    import numpy as np

    array = np.asarray(vector, dtype=np.float64)
    length = float(np.linalg.norm(array))
    return array / length if length > 0 else array
