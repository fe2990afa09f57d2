"""The door of the bot: updates are committed to the inbox, and only then parsed and handed to their lanes."""

import logging
from collections.abc import Callable, Sequence

from telegram import Bot

from bot.intake.arrival import parse
from bot.intake.lanes import Lanes
from storage import Storage
from storage.inbox import RawUpdate

ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
"""The kinds of updates that this version handles, as getUpdates and setWebhook name them."""

log = logging.getLogger(__name__)


class Receiver:
    """Takes updates from polling or the webhook, which may acknowledge them once `receive` has returned."""

    def __init__(self, storage: Storage, lanes: Lanes, bot: Bot, clock: Callable[[], float]) -> None:
        self._storage = storage
        self._lanes = lanes
        self._bot = bot
        self._clock = clock

    async def receive(self, updates: Sequence[RawUpdate]) -> None:
        """Commit the updates and pass on those that are new. Raises StorageError when they could not be stored."""
        async with self._storage.transaction() as tx:
            new = await self._storage.inbox.add(tx, updates, self._clock())
        await self._dispatch([raw for raw in updates if raw.update_id in new])

    async def replay(self) -> None:
        """Take up, after a restart, what is owed and what was received and not handled, in order."""
        for place in await self._storage.chats.with_open_work():
            self._lanes.settle(place)
        await self._dispatch(await self._storage.inbox.unhandled())

    async def _dispatch(self, updates: Sequence[RawUpdate]) -> None:
        unreadable = []
        for raw in updates:
            try:
                self._lanes.put(parse(raw, self._bot))
            except ValueError as exc:
                log.error("Update %d can't be parsed and is left aside", raw.update_id, exc_info=exc)
                unreadable.append(raw.update_id)
        if unreadable:
            async with self._storage.transaction() as tx:
                await self._storage.inbox.unreadable(tx, unreadable)
