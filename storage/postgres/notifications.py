"""Notifications between the processes that share a database (LISTEN and NOTIFY)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from storage.database import Transaction
from storage.postgres.first_contact import connect_when_ready
from storage.postgres.sqlstate import translated
from storage.postgres.timed_connection import TimedConnection
from storage.records import ChatKey

CHANNEL = "keepsake"


class ChatEvent(StrEnum):
    """What has happened."""

    ARRIVED = "arrived"
    """An update was stored: for the process that has the chat."""
    WAKE = "wake"
    """Something was stored for a chat's lane: for the process that has the chat."""
    FREE = "free"
    """A chat has pending work, and may have been given back: for the process that has it, or any that takes it."""
    CHANGED = "changed"
    """What processes keep in memory was changed, such as an owner's choice: for all."""


@dataclass(frozen=True, slots=True)
class Notification:
    """An event, and the chat it is about."""

    event: ChatEvent
    key: ChatKey

    @property
    def payload(self) -> str:
        """As it is sent: names and numbers, without any words."""
        return f"{self.event} {self.key.telegram_id} {self.key.thread_id} {int(self.key.direct)}"

    @classmethod
    def parse(cls, payload: str) -> Self:
        """Raises ValueError."""
        event, telegram_id, thread_id, direct = payload.split(" ")
        return cls(ChatEvent(event), ChatKey(int(telegram_id), int(thread_id), direct == "1"))


async def notify(tx: Transaction, notification: Notification) -> None:
    """Notify the other processes once the transaction is committed."""
    await tx.rows(f"SELECT pg_notify('{CHANNEL}', ?)", (notification.payload,))


class Listener:
    """A connection that receives notifications."""

    def __init__(self, connection: TimedConnection) -> None:
        self._connection = connection

    @classmethod
    async def connect(cls, url: str) -> Self:
        """Begin to listen. Raises StorageError."""
        connection = await connect_when_ready(url, 0.0)
        try:
            with translated():
                await connection.execute(f"LISTEN {CHANNEL}".encode())
        except BaseException:
            await connection.close()
            raise
        return cls(connection)

    async def notifications(self) -> AsyncIterator[Notification]:
        """Notifications as they arrive, those of this process included. Raises StorageError if the connection ends."""
        with translated():
            async for notice in self._connection.notifies():
                try:
                    yield Notification.parse(notice.payload)
                except ValueError:
                    continue  # of another program, or another version

    async def close(self) -> None:
        """Stop listening."""
        await self._connection.close()
