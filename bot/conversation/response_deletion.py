"""Deletion of responses stored at a model server, after a reset, a /forget or a deletion in the bot.

It runs in the background and repeats until it succeeds, even after a restart, so that nobody has to wait for a server.
Undoing a reset then costs one request with the full conversation.
"""

import logging
from collections.abc import Collection
from typing import Protocol

from storage.database import Database
from storage.model_servers import ModelServers

AT_ONCE = 20
"""Responses deleted per run."""
AGAIN_AFTER_S = 60.0
LONGEST_KEPT_S = 40 * 86_400.0
"""OpenAI and Azure keep a response for 30 days, Model Studio for 7."""

log = logging.getLogger(__name__)


class ResponseKeeper(Protocol):
    """A server that stores responses, such as ``OpenAIServer``."""

    @property
    def responses_url(self) -> str:
        """The prefix of its responses' URLs."""

    async def delete_responses(self, urls: Collection[str]) -> set[str]:
        """Delete responses; returns those that no longer exist. Never raises."""


class ResponseDeletion:
    """Deletes stored responses. Without a keeper there are none."""

    def __init__(self, database: Database, servers: ModelServers, keeper: ResponseKeeper | None) -> None:
        self._database = database
        self._servers = servers
        self._keeper = keeper

    async def run(self, now: float) -> None:
        """Delete some of the responses that are due."""
        if self._keeper is None:
            return
        urls = await self._servers.due_responses(self._keeper.responses_url, now, AT_ONCE)
        if not urls:
            return
        gone = await self._keeper.delete_responses(urls)
        async with self._database.transaction() as tx:
            await self._servers.responses_deleted(tx, gone)
            await self._servers.postpone_deletion(tx, set(urls) - gone, now + AGAIN_AFTER_S)
        log.debug("Deleted %d of %d responses at the model's server", len(gone), len(urls))

    async def prune(self, now: float) -> None:
        """Drop records of responses that every server has deleted by now."""
        async with self._database.transaction() as tx:
            await self._servers.prune_responses(tx, now - LONGEST_KEPT_S)
