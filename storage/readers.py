"""A few connections that can't write: a long read, such as an export, has one of them, and holds up no other.

Each statement sees what was committed when it began, in whichever connection (WAL, and none keeps a transaction open).
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress

import aiosqlite

SQLValue = str | int | float | bytes | None
Row = aiosqlite.Row


class Readers:
    """Read-only connections, each with one statement at a time."""

    def __init__(self, connections: Sequence[aiosqlite.Connection]) -> None:
        self._all = tuple(connections)
        self._idle = list(connections)
        self._free = asyncio.Semaphore(len(connections))

    async def rows(self, sql: str, values: Iterable[SQLValue]) -> list[Row]:
        """Run one statement in a connection that is idle, or the next that is. Raises sqlite3.Error."""
        await self._free.acquire()
        connection = self._idle.pop()
        reading = asyncio.ensure_future(connection.execute_fetchall(sql, tuple(values)))
        reading.add_done_callback(lambda done: self._ended(connection, done))
        try:
            return list(await asyncio.shield(reading))
        except asyncio.CancelledError:
            if not reading.done():  # nobody waits for it any more
                with suppress(ValueError):  # it was closed
                    await connection.interrupt()
            raise

    async def close(self) -> None:
        """Close them, each behind its last statement."""
        for connection in self._all:
            await connection.close()

    def _ended(self, connection: aiosqlite.Connection, reading: "asyncio.Future[Iterable[Row]]") -> None:
        if not reading.cancelled():
            reading.exception()  # looked at: the caller may be gone
        self._idle.append(connection)
        self._free.release()
