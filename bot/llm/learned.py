"""What was learned of a model at its server, which is worth keeping when the process ends.

What a model has refused to see or to hear: believed for a while, and then it is tried again.

One refusal may be another server's behind the same address, or a sentence that only speaks of pictures: no model is to
be blind for good by that. Each one doubles the time, so that a model that is blind is asked about once a day.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol, Self

from bot.llm.interface import Capabilities

FIRST_REST_S = 3600.0
LONGEST_REST_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Learned:
    """Of a model; the defaults are what is taken for granted."""

    refused: frozenset[str] = frozenset()
    """Optional fields of a request that it does not take."""
    limit: int | None = None
    """How many tokens it reads at most."""
    window: int = 0
    """What it was said to read when that was learned."""
    keeps_nothing: bool = False
    """Whether its server was found not to keep responses, against what is known of it."""

    def as_json(self) -> str:
        """For storage; no word of a prompt is in it."""
        return json.dumps(
            {
                "refused": sorted(self.refused),
                "limit": self.limit,
                "window": self.window,
                "keeps_nothing": self.keeps_nothing,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What was stored; of what is no such thing nothing was learned."""
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            return cls()
        if not isinstance(told, Mapping):
            return cls()
        refused, limit, window = told.get("refused"), told.get("limit"), told.get("window")
        return cls(
            frozenset(name for name in refused if isinstance(name, str)) if isinstance(refused, list) else frozenset(),
            limit if isinstance(limit, int) and limit > 0 else None,
            window if isinstance(window, int) else 0,
            told.get("keeps_nothing") is True,
        )


class FactStore(Protocol):
    """Where it is kept."""

    def of(self, server: str, model: str) -> Learned:
        """What was learned lately."""

    def keep(self, server: str, model: str, learned: Learned) -> None:
        """Keep it, some time soon."""


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

    def left_of(self, senses: Capabilities, now: float) -> Capabilities:
        """The senses without those that are not tried yet."""
        sees, hears = (now >= self._until.get(sense, 0.0) for sense in ("sees", "hears"))
        if sees and hears:
            return senses
        return replace(senses, sees=senses.sees and sees, hears=senses.hears and hears)
