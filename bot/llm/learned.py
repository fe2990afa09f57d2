"""What was learned of a model at its server, which is worth keeping when the process ends."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, Self


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


class Memory(Protocol):
    """Where it is kept."""

    def of(self, server: str, model: str) -> Learned:
        """What was learned lately."""

    def keep(self, server: str, model: str, learned: Learned) -> None:
        """Keep it, some time soon."""
