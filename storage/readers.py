"""A few read-only connections, so that a long read such as an export doesn't block others.

Each statement sees what was committed before it began, on any connection (WAL; none keeps a transaction open).
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress

import aiosqlite

from storage.database import SQLValue


class Readers:
    """Read-only connections, each with one statement at a time."""

    def __init__(self, connections: Sequence[aiosqlite.Connection]) -> None:
        self._all = tuple(connections)
        self._idle = list(connections)
        self._free = asyncio.Semaphore(len(connections))

    async def rows(self, sql: str, values: Iterable[SQLValue]) -> list[aiosqlite.Row]:
        """Run one statement on an idle connection, or the next one to become idle. Raises sqlite3.Error."""
        await self._free.acquire()
        connection = self._idle.pop()
        reading = asyncio.ensure_future(connection.execute_fetchall(sql, tuple(values)))
        reading.add_done_callback(lambda done: self._ended(connection, done))
        try:
            return list(await asyncio.shield(reading))
        except asyncio.CancelledError:
            if not reading.done():  # no one is waiting for it any more
                with suppress(ValueError):  # the connection was closed
                    await connection.interrupt()
            raise

    async def close(self) -> None:
        """Close all connections, each after its last statement."""
        for connection in self._all:
            await connection.close()

    def _ended(self, connection: aiosqlite.Connection, reading: "asyncio.Future[Iterable[aiosqlite.Row]]") -> None:
        if not reading.cancelled():
            reading.exception()  # retrieved, because the caller may be gone
        self._idle.append(connection)
        self._free.release()
