"""Arithmetic on vectors; what takes long runs in a thread."""

from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class Scores:
    """How near turns are to what was asked: the sums of two cosines each, in the order of the turns.

    `mean` and `deviation` are those of the whole conversation: models have each their own idea of what is near.
    """

    turn_ids: "NDArray[np.int64]"
    sums: "NDArray[np.float32]"
    mean: float
    deviation: float

    def best(self, limit: int) -> list[int]:
        """The nearest turns, best first."""
        import numpy as np

        return [int(turn_id) for turn_id in self.turn_ids[np.argsort(-self.sums, kind="stable")[:limit]]]


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
    return Scores(turn_ids[kept], sums[kept], float(sums.mean()), float(sums.std()))


def _unit(vector: Sequence[float]) -> "NDArray[np.float64]":
    import numpy as np

    array = np.asarray(vector, dtype=np.float64)
    length = float(np.linalg.norm(array))
    return array / length if length > 0 else array
