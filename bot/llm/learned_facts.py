"""Storage of facts learned about model servers, which each start would otherwise learn again from refused requests.

They expire after a while, since servers are updated and reconfigured.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Self

from bot.concurrency import start_apart
from bot.llm.learned import Learned
from storage import StorageError
from storage.database import Database
from storage.model_servers import ModelServers

DAY_S = 86_400.0
KEPT_S = 7 * DAY_S
LIMIT_KEPT_S = DAY_S
"""For context limits: many servers make them configurable, and a raised one would go unnoticed."""

log = logging.getLogger(__name__)


class LearnedFacts:
    """Remembers at once and stores in the background; implements `learned.FactStore`."""

    def __init__(
        self,
        database: Database,
        servers: ModelServers,
        known: dict[tuple[str, str], Learned],
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._servers = servers
        self._known = known
        self._clock = clock
        self._unsaved: dict[tuple[str, str], Learned] = {}
        self._saving: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, database: Database, servers: ModelServers, clock: Callable[[], float]) -> Self:
        """Load the facts that are still valid; expired ones are deleted."""
        since = clock() - KEPT_S
        async with database.transaction() as tx:
            await servers.prune_facts(tx, since)
        known = {place: Learned.from_json(facts) for place, facts in (await servers.facts_since(since)).items()}
        fresh = await servers.facts_since(clock() - LIMIT_KEPT_S)
        return cls(
            database,
            servers,
            {key: learned if key in fresh else replace(learned, limit=None) for key, learned in known.items()},
            clock,
        )

    def of(self, server: str, model: str) -> Learned:
        return self._known.get((server, model), Learned())

    def keep(self, server: str, model: str, learned: Learned) -> None:
        if self.of(server, model) == learned:
            return
        self._known[server, model] = self._unsaved[server, model] = learned
        if self._saving is None or self._saving.done():
            self._saving = start_apart(self._save(), "what was learned of servers")

    async def close(self) -> None:
        """Store what hasn't been stored yet."""
        if self._saving is not None:
            await asyncio.wait([self._saving])

    async def _save(self) -> None:
        try:
            while self._unsaved:
                unsaved, self._unsaved = self._unsaved, {}
                async with self._database.transaction() as tx:
                    for (server, model), learned in unsaved.items():
                        await self._servers.keep_facts(tx, server, model, learned.as_json(), self._clock())
        except StorageError as exc:  # it will be learned again
            log.warning("Facts learned about a model server could not be stored: %s", exc)
