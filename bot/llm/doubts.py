"""What a model has refused to see or to hear: believed for a while, and then it is tried again.

One refusal may be another server's behind the same address, or a sentence that only speaks of pictures: no model is to
be blind for good by that. Each one doubles the time, so that a model that is blind is asked about once a day.
"""

from dataclasses import replace

from bot.llm.interface import Senses

FIRST_REST_S = 3600.0
LONGEST_REST_S = 86_400.0


class Doubts:
    """Those about one model; times are in seconds of a clock that never goes back."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._rests: dict[str, float] = {}

    def refused(self, sense: str, now: float) -> None:
        """It does not see ("sees") or hear ("hears"), as its server says."""
        if now < self._until.get(sense, 0.0):
            return
        rest = self._rests.get(sense, FIRST_REST_S)
        self._until[sense] = now + rest
        self._rests[sense] = min(2 * rest, LONGEST_REST_S)

    def left_of(self, senses: Senses, now: float) -> Senses:
        """The senses without those that are not tried yet."""
        sees, hears = (now >= self._until.get(sense, 0.0) for sense in ("sees", "hears"))
        if sees and hears:
            return senses
        return replace(senses, sees=senses.sees and sees, hears=senses.hears and hears)
