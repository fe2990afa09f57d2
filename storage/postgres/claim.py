"""The claim of a shell command that needs a PostgreSQL database for itself, such as an import.

It is an advisory lock of a session, on a connection of its own: the server gives it up as soon as that ends, however
the process ends. The bots on a database share the same lock (`storage.postgres.chat_claims`).
"""

import logging
from typing import Self

from psycopg.errors import LockNotAvailable

from storage.files import DatabaseInUseError
from storage.postgres.first_contact import connect_when_ready
from storage.postgres.postgres_pool import PATIENCE_S
from storage.postgres.sqlstate import translated
from storage.postgres.timed_connection import TimedConnection

CLAIM_LOCK = 0x4B656570_00000001
"""The number of the advisory lock."""
_SESSION = "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3"
_HOLDER = """
SELECT 1 FROM pg_locks
WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (classid::bigint << 32) + objid::bigint = %s AND objsubid = 1 AND granted
"""

log = logging.getLogger(__name__)


class DatabaseClaim:
    """The claim of this command."""

    def __init__(self, connection: TimedConnection) -> None:
        self._connection = connection

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
                return cls(connection)
            except BaseException:
                await connection.close()
                raise

    async def release(self) -> None:
        """Give it up."""
        await self._connection.close()


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
