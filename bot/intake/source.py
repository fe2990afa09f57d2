"""Where updates come from: the one seam behind which polling and the webhook are alike."""

from collections.abc import Sequence
from typing import Protocol

from starlette.routing import Route


class Source(Protocol):
    """Hands every update to a Receiver, and acknowledges it only after that has returned."""

    @property
    def routes(self) -> Sequence[Route]:
        """What it needs on the bot's HTTP server."""

    async def run(self) -> None:
        """Take in updates until cancelled."""
