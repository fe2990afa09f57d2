"""What a replica does with its chats: their lanes, and what is stored for them."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.updates.in_flight import WorkKind
from bot.updates.lanes import Lanes
from bot.updates.quarantine import Quarantine
from bot.updates.receiver import Receiver
from storage.chats import Chats
from storage.claims import Claim
from storage.inbox import Inbox
from storage.records import ChatKey

Recovery = Callable[[int], Awaitable[None]]
"""Settles what a process that died was doing in a Telegram chat. Raises StorageError."""


@dataclass(frozen=True, slots=True)
class Pending:
    """What is not done yet, in all chats."""

    updates: Mapping[int, int]
    """The newest update that is not handled, by Telegram chat."""
    open: frozenset[int]
    """The Telegram chats with an answer to give or to deliver, or a notice to send."""


class HeldChat:
    """A chat that this process has."""

    def __init__(self, claim: Claim, now: float) -> None:
        self.claim = claim
        self.used_at = now
        self.known: set[int] = set()
        """The updates that are in its lanes, or were when they were last pulled."""
        self.wakes: set[ChatKey] = set()
        """Lanes to wake once it has been recovered."""
        self.recovered = False
        self.pulling = False
        self.again = False
        """Whether more arrived while its updates were being pulled."""


class ChatWork(Protocol):
    """What a replica does with its chats; implemented by ``updates.chat_work``."""

    async def pending(self) -> Pending:
        """What is not done yet."""

    async def inherit(self) -> None:
        """Count the deaths of other processes, to know what they died of. Raises StorageError."""

    def isolates(self) -> bool:
        """Whether new work has to wait, because what processes may have died of runs alone."""

    async def recover(self, telegram_id: int) -> list[ChatKey]:
        """Settle what a process that had this chat may have left in the middle; returns the lanes to wake."""

    async def pull(self, telegram_id: int, known: Collection[int]) -> set[int]:
        """Put the chat's new updates into their lanes, except `known` ones; returns the IDs of all that are new."""

    def busy(self) -> set[int]:
        """The chats that something runs for."""

    def writing(self) -> set[int]:
        """The chats for which the model writes an answer."""

    def abandon(self, telegram_ids: Collection[int]) -> None:
        """Cancel all that runs for these chats."""

    def wake(self, key: ChatKey) -> None:
        """Have the lane of a chat process what is pending."""


class LaneWork:
    """Does it with the lanes of this process."""

    def __init__(
        self,
        inbox: Inbox,
        chats: Chats,
        lanes: Lanes,
        receiver: Receiver,
        quarantine: Quarantine,
        recoveries: Collection[Recovery],
    ) -> None:
        self._inbox = inbox
        self._chats = chats
        self._lanes = lanes
        self._receiver = receiver
        self._quarantine = quarantine
        self._recoveries = recoveries

    async def pending(self) -> Pending:
        """See ``ChatWork``."""
        keys = await self._chats.with_open_work()
        return Pending(await self._inbox.newest_unhandled(), frozenset(key.telegram_id for key in keys))

    async def inherit(self) -> None:
        """See ``ChatWork``."""
        await self._quarantine.inherit()

    def isolates(self) -> bool:
        """See ``ChatWork``."""
        return self._quarantine.isolates

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

    def writing(self) -> set[int]:
        """See ``ChatWork``."""
        return self._quarantine.chats_at(WorkKind.ANSWER)

    def abandon(self, telegram_ids: Collection[int]) -> None:
        """See ``ChatWork``."""
        self._lanes.abandon(telegram_ids)

    def wake(self, key: ChatKey) -> None:
        """See ``ChatWork``."""
        self._lanes.wake(key)
