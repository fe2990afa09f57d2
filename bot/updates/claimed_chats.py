"""Which chats this process works on: all of them, unless several processes share a database."""

from collections.abc import Collection
from typing import Protocol

from storage.claims import Claim
from storage.database import Transaction
from storage.records import ChatKey


class ClaimedChats(Protocol):
    """The chats of this process, by their Telegram IDs; implemented by ``AllChats`` and by ``updates.replica``."""

    def holds(self, telegram_id: int) -> bool:
        """Whether this process works on the chat."""

    def claim(self, telegram_id: int) -> Claim | None:
        """What a lane of a chat it holds works under; None if no claim is needed."""

    def forward(self, key: ChatKey) -> None:
        """Something is pending in a chat that it doesn't hold: take the chat, or notify the process that has it."""

    def lost(self, claim: Claim) -> None:
        """Another process has taken over a chat."""

    async def certain(self) -> None:
        """Wait until it is certain that the current task's claim is valid. Raises ClaimLostError if it is not."""


class OtherProcesses(Protocol):
    """The processes that share the inbox with this one; implemented by ``updates.replica``."""

    async def announce(self, tx: Transaction, telegram_ids: Collection[int]) -> None:
        """Notify those that have these chats, once their updates are committed."""

    async def arrived(self, telegram_ids: Collection[int]) -> None:
        """Updates of these chats are committed: handle them here, if the chats are this process's or can be taken."""


class AllChats:
    """The only process has all chats."""

    def holds(self, telegram_id: int) -> bool:  # noqa: ARG002 - see ClaimedChats
        """Always."""
        return True

    def claim(self, telegram_id: int) -> None:
        """None is needed."""

    def forward(self, key: ChatKey) -> None:
        """Never called, because there is no chat that it doesn't hold."""

    def lost(self, claim: Claim) -> None:
        """Never called, because there is no other process."""

    async def certain(self) -> None:
        """At once."""
