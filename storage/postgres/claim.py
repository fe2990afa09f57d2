"""The claim on a PostgreSQL database: while one bot is running on it, a second one is refused.

It is an advisory lock of a session, on a connection of its own: the server gives it up as soon as that ends, however
the process ends.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Self

from psycopg import Error
from psycopg.errors import LockNotAvailable
from psycopg.rows import DictRow

from storage.files import DatabaseInUseError
from storage.postgres.first_contact import connect_when_ready
from storage.postgres.postgres_pool import PATIENCE_S
from storage.postgres.sqlstate import translated
from storage.postgres.timed_connection import TimedConnection
from storage.storage_errors import StorageError

CLAIM_LOCK = 0x4B656570_00000001
"""The number of the advisory lock."""
LOOK_S = 5.0
"""How often the connection is tried, in seconds. One that the server closes is noticed at once."""
AGAIN_S = 0.5
"""How long to wait before the next attempt to connect, in seconds."""
OLD_SESSION_S = 10.0
"""How long the server may take to end this process's old session, in seconds."""
_SESSION = "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3"
_HOLDER = """
SELECT pid, backend_start::text AS began FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (classid::bigint << 32) + objid::bigint = %s AND objsubid = 1 AND granted
"""

log = logging.getLogger(__name__)


class DatabaseClaim:
    """The claim of this process."""

    def __init__(self, url: str, connection: TimedConnection, session: DictRow) -> None:
        self._url = url
        self._connection = connection
        self._session = session
        """Its process ID on the server, and when it began."""

    @classmethod
    async def take(cls, url: str, name: str, wait: float) -> Self:
        """Take it within `wait` seconds; `name` is what the log calls the database.

        Raises DatabaseInUseError, and StorageError if the server can't be reached or does not suit.
        """
        connection = await _connected(url, PATIENCE_S)
        with translated():
            try:
                if not await _try(connection):
                    await _wait(connection, name, wait)
                return cls(url, connection, await _session(connection))
            except BaseException:
                await connection.close()
                raise

    async def until_lost(self) -> None:
        """Return when another bot has taken the database over; a connection that was cut is replaced before that."""
        while True:
            await self._until_cut()
            log.warning("The connection that keeps other bots off the database was cut, connecting again")
            await self._connection.close()
            if not await self._take_again():
                return
            log.info("No other bot has used the database meanwhile")

    async def release(self) -> None:
        """Give it up."""
        await self._connection.close()

    async def _until_cut(self) -> None:
        try:
            while True:
                await _readable(self._connection.fileno(), LOOK_S)
                async with asyncio.timeout(LOOK_S):
                    await self._connection.execute("SELECT 1")
        except (Error, TimeoutError):
            return

    async def _take_again(self) -> bool:
        """Whether nobody else has taken it; waits for as long as the server can't be reached."""
        while True:
            try:
                connection = await _connected(self._url, PATIENCE_S)
            except StorageError as exc:
                log.warning("The database still can't be reached: %s", exc)
                await asyncio.sleep(AGAIN_S)
                continue
            try:
                if await self._take_from_old_session(connection):
                    self._connection, self._session = connection, await _session(connection)
                    return True
            except Error:
                log.info("The connection was cut again")
                await asyncio.sleep(AGAIN_S)
                continue
            finally:
                if self._connection is not connection:
                    await connection.close()
            return False

    async def _take_from_old_session(self, connection: TimedConnection) -> bool:
        """Take it, also if the server still counts the connection that was cut as alive."""
        ended_at = asyncio.get_running_loop().time() + OLD_SESSION_S
        while not await _try(connection):
            holder = await (await connection.execute(_HOLDER, (CLAIM_LOCK,))).fetchone()
            if (holder is not None and holder != self._session) or asyncio.get_running_loop().time() > ended_at:
                return False
            if holder is not None:
                await connection.execute("SELECT pg_terminate_backend(%s)", (holder["pid"],))
            await asyncio.sleep(AGAIN_S)
        return True


async def is_claimed(url: str) -> bool:
    """Whether a bot is running on this database. Raises StorageError."""
    with translated():
        async with await _connected(url, 0.0) as connection:
            return await (await connection.execute(_HOLDER, (CLAIM_LOCK,))).fetchone() is not None


async def _connected(url: str, patience: float) -> TimedConnection:
    connection = await connect_when_ready(url, patience)
    try:  # so that the server notices within seconds that this machine is gone
        with translated():
            await connection.execute(_SESSION)
    except BaseException:
        await connection.close()
        raise
    return connection


async def _readable(socket: int, patience: float) -> None:
    """Wait until the server says something, which it does unasked only when it ends the connection."""
    loop, said = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(socket, said.set)
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(said.wait(), patience)
    finally:
        loop.remove_reader(socket)


async def _session(connection: TimedConnection) -> DictRow:
    cursor = await connection.execute(
        "SELECT pid, backend_start::text AS began FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    )
    row = await cursor.fetchone()
    assert row is not None, "this session"
    return row


async def _try(connection: TimedConnection) -> bool:
    row = await (await connection.execute("SELECT pg_try_advisory_lock(%s) AS taken", (CLAIM_LOCK,))).fetchone()
    return row is not None and row["taken"]


async def _wait(connection: TimedConnection, name: str, wait: float) -> None:
    """Wait until the other bot ends. Raises DatabaseInUseError."""
    if not wait:
        raise DatabaseInUseError("another bot is running on it: stop it first")
    log.info("Another bot is running on %s; waiting for it to end", name)
    await connection.execute("SELECT set_config('lock_timeout', %s, false)", (f"{wait * 1000:.0f}",))
    try:
        await connection.execute("SELECT pg_advisory_lock(%s)", (CLAIM_LOCK,))
    except LockNotAvailable as exc:
        raise DatabaseInUseError(f"another bot is running on it and did not stop within {wait:.0f} s") from exc
