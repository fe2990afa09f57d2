"""The calls that the bot made, in the order in which they were answered."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """One call; `code` is 200 when it was in order, and 0 when the connection was dropped instead of an answer."""

    method: str
    params: Mapping[str, object]
    code: int
    description: str = ""

    @property
    def ok(self) -> bool:
        """Whether the bot was told that the call succeeded."""
        return self.code == 200
