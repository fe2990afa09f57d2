"""The bot's calls in the order of their answers."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """One call, answered `at` a time; `code` is 200 for success and 0 if it was dropped without an answer."""

    method: str
    params: Mapping[str, object]
    code: int
    at: float
    description: str = ""

    @property
    def ok(self) -> bool:
        """Whether the bot got a success response."""
        return self.code == 200
