"""Which chats this process works on: all of them, unless several processes share a database."""

from typing import Protocol

from storage.claims import Claim
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
