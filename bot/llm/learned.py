"""Facts learned about a model at its server that are worth keeping after a restart.

A refusal of pictures or sounds is believed only for a while: it may have come from another server at the same address,
or merely mention pictures, and must not blind a model for good. Each refusal doubles the time until the next try, so a
model that really is blind is tried about once a day.
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
    """The facts about one model; the defaults mean that nothing was learned."""

    refused: frozenset[str] = frozenset()
    """Optional request fields that it refuses."""
    limit: int | None = None
    """The most tokens it was seen to read."""
    window: int = 0
    """The window assumed when the limit was learned."""
    keeps_nothing: bool = False
    """Whether the server doesn't keep responses although its profile says so."""

    def as_json(self) -> str:
        """JSON for storage; it contains nothing from prompts."""
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
        """Parse stored JSON; anything malformed counts as nothing learned."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return cls()
        if not isinstance(data, Mapping):
            return cls()
        refused, limit, window = data.get("refused"), data.get("limit"), data.get("window")
        return cls(
            frozenset(name for name in refused if isinstance(name, str)) if isinstance(refused, list) else frozenset(),
            limit if isinstance(limit, int) and limit > 0 else None,
            window if isinstance(window, int) else 0,
            data.get("keeps_nothing") is True,
        )


class FactStore(Protocol):
    """Storage for learned facts."""

    def of(self, server: str, model: str) -> Learned:
        """The stored facts that are still fresh."""

    def keep(self, server: str, model: str, learned: Learned) -> None:
        """Store the facts soon, without waiting."""


class Doubts:
    """Refused capabilities of one model, and when each is tried again, in seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._rests: dict[str, float] = {}

    def refused(self, sense: str, now: float) -> None:
        """Record that the server refused a sense ("sees" or "hears")."""
        if now < self._until.get(sense, 0.0):
            return
        rest = self._rests.get(sense, FIRST_REST_S)
        self._until[sense] = now + rest
        self._rests[sense] = min(2 * rest, LONGEST_REST_S)

    def left_of(self, capabilities: Capabilities, now: float) -> Capabilities:
        """The capabilities minus those that are not to be tried yet."""
        sees, hears = (now >= self._until.get(sense, 0.0) for sense in ("sees", "hears"))
        if sees and hears:
            return capabilities
        return replace(capabilities, sees=capabilities.sees and sees, hears=capabilities.hears and hears)
