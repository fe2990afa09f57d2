"""What a model server keeps of a chat is deleted there too, after a reset, a forgetting or a deletion here.

In the background, and again until it succeeds, also after a restart: whoever waits for it would wait for a server. A
reset that is undone costs one request with the whole conversation.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from storage import Storage

AT_ONCE = 20
"""Responses that are deleted one after the other, before the next look at the clock."""
AGAIN_AFTER_S = 60.0
LONGEST_KEPT_S = 40 * 86_400.0
"""OpenAI and Azure keep a response for 30 days, Model Studio for 7."""

log = logging.getLogger(__name__)


class ResponseKeeper(Protocol):
    """A server that keeps responses; ``OpenAIServer`` is one."""

    @property
    def responses_url(self) -> str:
        """What the addresses of its responses begin with."""

    async def delete_responses(self, urls: Collection[str]) -> set[str]:
        """Delete these; returns those that it has no more. Never fails."""


@dataclass(frozen=True, slots=True)
class ResponseDeletion:
    """Deletes what is to be deleted; without a keeper nothing was ever kept."""

    storage: Storage
    keeper: ResponseKeeper | None

    async def run(self, now: float) -> None:
        """Delete some of those that are due."""
        if self.keeper is None:
            return
        urls = await self.storage.kept_responses.due(self.keeper.responses_url, now, AT_ONCE)
        if not urls:
            return
        gone = await self.keeper.delete_responses(urls)
        async with self.storage.transaction() as tx:
            await self.storage.kept_responses.gone(tx, gone)
            await self.storage.kept_responses.later(tx, set(urls) - gone, now + AGAIN_AFTER_S)
        log.debug("Deleted %d of %d responses at the model's server", len(gone), len(urls))

    async def prune(self, now: float) -> None:
        """Drop what no server keeps any more."""
        async with self.storage.transaction() as tx:
            await self.storage.kept_responses.prune(tx, now - LONGEST_KEPT_S)
