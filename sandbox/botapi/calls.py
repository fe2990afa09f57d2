"""The calls that the bot made, in the order in which they were answered."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """One call, answered `at` that time; `code` is 200 when it was in order, and 0 when it was dropped unanswered."""

    method: str
    params: Mapping[str, object]
    code: int
    at: float
    description: str = ""

    @property
    def ok(self) -> bool:
        """Whether the bot was told that the call succeeded."""
        return self.code == 200
