"""What a replica does with its chats: their lanes, and what is stored for them."""

from collections.abc import Awaitable, Callable, Collection

from bot.updates.lanes import Lanes
from bot.updates.receiver import Receiver
from bot.updates.replica import Pending
from storage.chats import Chats
from storage.inbox import Inbox
from storage.records import ChatKey

Recovery = Callable[[int], Awaitable[None]]
"""Settles what a process that died was doing in a Telegram chat. Raises StorageError."""


class LaneWork:
    """Implements ``updates.replica.ChatWork`` with the lanes of this process."""

    def __init__(
        self, inbox: Inbox, chats: Chats, lanes: Lanes, receiver: Receiver, recoveries: Collection[Recovery]
    ) -> None:
        self._inbox = inbox
        self._chats = chats
        self._lanes = lanes
        self._receiver = receiver
        self._recoveries = recoveries

    async def pending(self) -> Pending:
        """See ``ChatWork``."""
        keys = await self._chats.with_open_work()
        return Pending(await self._inbox.newest_unhandled(), frozenset(key.telegram_id for key in keys))

    async def recover(self, telegram_id: int) -> list[ChatKey]:
        """See ``ChatWork``. It may be repeated."""
        for recover in self._recoveries:
            await recover(telegram_id)
        return await self._chats.with_open_work_in(telegram_id)

    async def pull(self, telegram_id: int, known: Collection[int]) -> set[int]:
        """See ``ChatWork``."""
        updates = await self._inbox.unhandled(telegram_id)
        await self._receiver.put([update for update in updates if update.update_id not in known])
        return {update.update_id for update in updates}

    def busy(self) -> set[int]:
        """See ``ChatWork``."""
        return self._lanes.busy()

    def abandon(self, telegram_ids: Collection[int]) -> None:
        """See ``ChatWork``."""
        self._lanes.abandon(telegram_ids)

    def wake(self, key: ChatKey) -> None:
        """See ``ChatWork``."""
        self._lanes.wake(key)
