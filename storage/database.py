"""Transactions and reads, on SQLite (`storage.sqlite`) or PostgreSQL (`storage.postgres`).

A transaction is stored completely or not at all. One at a time is open in a process: coroutines that share a connection
would share its transaction, so writing goes through one lock. Reads see only committed rows and never wait for it.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from storage.claims import under
from storage.connecting import complete as complete
from storage.storage_errors import NewerDatabaseError as NewerDatabaseError
from storage.storage_errors import NotCopiedError as NotCopiedError
from storage.storage_errors import StorageError as StorageError
from storage.writer_lock import WriterLock

T = TypeVar("T")
SQLValue = str | int | float | bytes | None
WRITE_AGAIN_AFTER_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)

log = logging.getLogger(__name__)


class Row(Protocol):
    """A row that was read."""

    def __getitem__(self, column: str, /) -> Any:
        """The value of a column."""

    def keys(self) -> Iterable[str]:
        """The names of the columns."""


class WriteConnection(ABC):
    """A connection with an open transaction. Its methods raise StorageError."""

    @abstractmethod
    async def run(self, sql: str, values: Sequence[SQLValue]) -> int:
        """Run one statement; returns the number of rows changed."""

    @abstractmethod
    async def run_many(self, sql: str, rows: Iterable[Sequence[SQLValue]]) -> None:
        """Run one statement for each row of values, in a single trip."""

    @abstractmethod
    async def fetch(self, sql: str, values: Sequence[SQLValue]) -> list[Row]:
        """Run one statement; returns its rows."""

    @abstractmethod
    async def lock(self, telegram_id: int) -> None:
        """Wait for other transactions about this Telegram chat, and let none begin until this one ends."""

    @abstractmethod
    async def announce_change(self) -> None:
        """Have all processes read again what they keep in memory, once this transaction is committed."""

    @abstractmethod
    async def lock_chats(self, chat_ids: Collection[int]) -> None:
        """The same for the Telegram chats that these chats are in, in ascending order."""

    @abstractmethod
    async def commit(self) -> None:
        """Commit the transaction, and give the connection back."""

    @abstractmethod
    async def roll_back(self) -> None:
        """Undo the transaction, even after a commit that failed, and give the connection back."""


class Transaction:
    """A connection while its transaction is open; created only by Database.transaction."""

    def __init__(self, connection: WriteConnection) -> None:
        self._connection = connection
        self.deletes = False
        """Whether something may have been deleted."""
        self.after_commit: list[Callable[[], object]] = []
        """Called once the transaction is committed, for what must not be said of one that isn't, such as log lines."""

    async def execute(self, sql: str, values: Iterable[SQLValue] = ()) -> int:
        """Run one statement; returns the number of rows changed."""
        self._look_at(sql)
        return await self._connection.run(sql, tuple(values))

    async def discard(self, sql: str, values: Iterable[SQLValue] = ()) -> None:
        """Run one DELETE of what no index and no other table refers to, so that nothing has to follow it."""
        deletes = self.deletes
        await self.execute(sql, values)
        self.deletes = deletes

    async def execute_many(self, sql: str, rows: Iterable[Sequence[SQLValue]]) -> None:
        """Run one statement for each row of values, in a single trip."""
        self._look_at(sql)
        await self._connection.run_many(sql, rows)

    async def lock(self, telegram_id: int) -> None:
        """Have no other process write about this Telegram chat until the end of the transaction.

        For work on a chat by anyone but the chat's lane, whose transactions exclude this already. To be called first.
        """
        await self._connection.lock(telegram_id)

    async def announce_change(self) -> None:
        """Have all processes read again what they keep in memory, once this is committed: budgets, moved groups."""
        await self._connection.announce_change()

    async def lock_chats(self, *chat_ids: int) -> None:
        """The same for the Telegram chats that these chats are in."""
        await self._connection.lock_chats(chat_ids)

    async def insert(self, sql: str, values: Iterable[SQLValue] = ()) -> int:
        """Run one INSERT into a table with ids; returns the new row's id, or 0 if there is none."""
        rows = await self._connection.fetch(f"{sql} RETURNING id", tuple(values))
        return int(rows[0]["id"]) if rows else 0

    async def rows(self, sql: str, values: Iterable[SQLValue] = ()) -> list[Row]:
        """Run one statement that returns rows; sees what this transaction wrote."""
        self._look_at(sql)
        return await self._connection.fetch(sql, tuple(values))

    async def row(self, sql: str, values: Iterable[SQLValue] = ()) -> Row | None:
        """Run one statement that returns rows, and return the first if there is one."""
        found = await self.rows(sql, values)
        return found[0] if found else None

    def _look_at(self, sql: str) -> None:
        self.deletes = self.deletes or sql.lstrip()[:6].upper() == "DELETE"


class Database(ABC):
    """A database: one transaction at a time, and concurrent reads."""

    checks_reads = False
    """Whether a read by a task that is inside a transaction, but not through it, is an error. Tests turn this on."""

    def __init__(self) -> None:
        self._lock = WriterLock()
        self._writing: asyncio.Task[object] | None = None
        """The task that is inside a transaction."""
        self.after_deleting: list[Callable[[], Awaitable[None]]] = []
        """Called after a transaction that may have deleted something."""
        self.soiled = False
        """Whether something remains of deleted data that must be removed; `scrub_soon` does that."""

    @asynccontextmanager
    async def transaction(self, *, alone: bool = False, first: bool = False) -> AsyncIterator[Transaction]:
        """Commit what the block writes, or nothing if it raises or is cancelled. Never await the network inside.

        After a deletion, the callbacks in `after_deleting` run, unless `alone` is set. `first`: ahead of all other
        writes that wait; for what is lost if the process is killed now.
        """
        async with self._lock.turn(first=first):
            connection = await self._begin()
            try:
                tx = Transaction(connection)
                self._writing = asyncio.current_task()
                try:
                    yield tx
                finally:
                    self._writing = None
                self.soiled = self.soiled or tx.deletes
                await complete(connection.commit())
            except BaseException:
                await complete(connection.roll_back())
                raise
        for call in tx.after_commit:
            call()
        if tx.deletes and not alone:
            with under(None):  # these look after all chats
                for follow in self.after_deleting:
                    await complete(follow())

    async def rows(self, sql: str, values: Iterable[SQLValue] = ()) -> list[Row]:
        """Read committed rows. Inside a transaction, read through it instead: only it sees what it has written."""
        if self.checks_reads and self._writing is not None:
            assert self._writing is not asyncio.current_task(), f"read past the transaction: {sql}"
        return await self._read(sql, tuple(values))

    async def row(self, sql: str, values: Iterable[SQLValue] = ()) -> Row | None:
        """The first committed row, or None."""
        found = await self.rows(sql, values)
        return found[0] if found else None

    @abstractmethod
    async def _begin(self) -> WriteConnection:
        """Begin a transaction, while no other is open. Raises StorageError."""

    @abstractmethod
    async def _read(self, sql: str, values: Sequence[SQLValue]) -> list[Row]:
        """Read committed rows. Raises StorageError."""

    @abstractmethod
    async def continue_ids(self, tx: Transaction, last_ids: Mapping[str, int]) -> None:
        """Have new rows get ids above all that are there, and above these, by table. To be called last."""

    @abstractmethod
    async def scrub(self) -> None:
        """Remove what remains of deleted data where the database keeps it for a while. Raises StorageError."""

    @abstractmethod
    async def scrub_soon(self) -> None:
        """Scrub if necessary, and if the last time is long enough ago. It may be called at any time."""

    @abstractmethod
    async def close(self) -> None:
        """Wait for the current transaction, then close all connections."""


async def until_stored(write: Callable[[], Awaitable[T]]) -> T:
    """Repeat a write that fails for now (locked by another process, disk full) for about a minute.

    Raises StorageError after that, or immediately if waiting can't help.
    """
    for wait in WRITE_AGAIN_AFTER_S:
        try:
            return await write()
        except StorageError as exc:
            if not exc.may_pass:
                raise
            log.warning("The database can't be written, trying again in %.1f s: %s", wait, exc)
            await asyncio.sleep(wait)
    return await write()
