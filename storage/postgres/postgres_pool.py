"""The pool of connections: it outlasts a server that restarts, and reads never take the writer's connection."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from psycopg import AsyncConnection, AsyncRawCursor, Error, OperationalError
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.rows import dict_row
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumperUnknown
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from storage.connecting import complete
from storage.postgres.sqlstate import is_stale, means_connection
from storage.postgres.timed_connection import STATEMENT_S, TimedConnection

CONNECTIONS = 6
"""The most connections of one process: one writes, and the others read."""
CONNECT_S = 10.0
"""How long the server may take to accept a connection, in seconds."""
PATIENCE_S = 60.0
"""How long to wait for a server that can't be reached, in seconds."""
TAKE_S = 2.0
"""How long to wait for a connection of the pool, in seconds, before it is asked again, and then tries to connect."""
AGAIN_S = 0.5
"""How long to wait before the next attempt if a new connection is broken as well, in seconds."""
KEEPALIVES: dict[str, Any] = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 11_000,
}
"""A peer that has vanished from the network is noticed within 11 seconds."""
SESSION = {
    "statement_timeout": f"{STATEMENT_S * 1000:.0f}",
    "idle_in_transaction_session_timeout": f"{2 * STATEMENT_S * 1000:.0f}",
    # A client that has vanished from the network keeps its rows locked until the server notices.
    "tcp_keepalives_idle": "4",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "2",
    "tcp_user_timeout": "8000",
    "client_min_messages": "warning",
    "jit": "off",
}
"""Settings of each session. As parameters of the connection, PgBouncer would refuse them."""

T = TypeVar("T")

log = logging.getLogger(__name__)


class PostgresPool:
    """Connections to one database."""

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        """`read_only`: the server refuses to write in these sessions."""
        self._pool: AsyncConnectionPool[TimedConnection] = AsyncConnectionPool(
            url,
            connection_class=TimedConnection,
            kwargs={
                "autocommit": True,
                "cursor_factory": AsyncRawCursor,
                "row_factory": dict_row,
                "connect_timeout": round(CONNECT_S),
                "client_encoding": "UTF8",
                **KEEPALIVES,
            },
            min_size=1,
            max_size=CONNECTIONS,
            timeout=TAKE_S,
            reconnect_timeout=TAKE_S / 2,  # then it gives up until a connection is asked for
            configure=_configure_read_only if read_only else _configure,
            open=False,
        )
        self._reading = asyncio.Semaphore(CONNECTIONS - 1)
        self._drained_at = float("-inf")
        self._warned = False

    async def open(self) -> None:
        """Connect. Raises psycopg.Error."""
        await self._pool.open(wait=True, timeout=CONNECT_S)

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[TimedConnection]:
        """A connection to read through during the block."""
        async with self._reading:
            connection = await self.take()
            try:
                yield connection
            except Error as exc:
                if is_stale(exc):
                    await connection.close()
                raise
            finally:
                await complete(self.give_back(connection))

    async def take(self) -> TimedConnection:
        """A connection of the pool, which has to be given back. Raises psycopg.Error."""
        try:
            return await self._pool.getconn()
        except PoolTimeout as exc:
            if (refusal := TimedConnection.last_refusal) is not None:
                raise OperationalError(str(refusal)) from exc
            raise

    async def give_back(self, connection: TimedConnection) -> None:
        """Give a connection back; a broken one is replaced."""
        await self._pool.putconn(connection)

    async def patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something that changes nothing, and do it again for as long as there is no connection.

        Raises psycopg.Error if it fails for another reason, or after PATIENCE_S seconds.
        """
        loop = asyncio.get_running_loop()
        until, failures = loop.time() + PATIENCE_S, 0
        while True:
            began = loop.time()
            try:
                result = await work()
            except Error as exc:
                failures += 1
                if not (means_connection(exc) or is_stale(exc)) or loop.time() > until:
                    raise
                self._warn(exc, failures)
            else:
                self._reached()
                return result
            if self._drained_at < began:  # the others are probably broken too, and finding out may take long
                self._drained_at = loop.time()
                await self._pool.drain()
            if failures > 1:
                await asyncio.sleep(AGAIN_S)

    def _warn(self, exc: Exception, failures: int) -> None:
        if failures > 1 and not self._warned:
            self._warned = True
            log.warning("No connection to PostgreSQL, trying again: %s", str(exc).partition("\n")[0])

    def _reached(self) -> None:
        if self._warned:
            self._warned = False
            log.info("PostgreSQL is reached again")


class _Whole(Int8Dumper):
    """All whole numbers are bigint, and flags are whole numbers."""

    def dump(self, obj: Any) -> Buffer | None:
        return super().dump(int(obj))


class _Text(StrDumperUnknown):
    """PostgreSQL's text holds no NUL, and no half of a surrogate pair."""

    def dump(self, obj: str) -> Buffer | None:
        if "\0" in obj:
            obj = obj.replace("\0", "\N{REPLACEMENT CHARACTER}")
        try:
            return super().dump(obj)
        except UnicodeEncodeError:
            return super().dump(obj.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


class _Sum(Loader):
    """Sums of bigint are numeric, and whole."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data).decode()
        return int(text) if text.lstrip("-").isdigit() else float(text)


async def _configure(connection: AsyncConnection[Any]) -> None:
    connection.adapters.register_dumper(int, _Whole)
    connection.adapters.register_dumper(bool, _Whole)
    connection.adapters.register_dumper(str, _Text)
    connection.adapters.register_loader("numeric", _Sum)
    await connection.execute(";".join(f"SET {name} = '{value}'" for name, value in SESSION.items()).encode())


async def _configure_read_only(connection: AsyncConnection[Any]) -> None:
    await _configure(connection)
    await connection.execute(b"SET default_transaction_read_only = on")
