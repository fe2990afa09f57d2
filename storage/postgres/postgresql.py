"""PostgreSQL: transactions and reads through a pool of connections, and the migration to the current schema.

The schema files have the same numbers as SQLite's. Each is applied together with its number in one transaction, under a
lock, so that of several processes that start at once one migrates and the others wait.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Self, TypeVar

from psycopg import AsyncConnection, AsyncRawCursor, InterfaceError, OperationalError
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.rows import DictRow, dict_row
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumperUnknown
from psycopg_pool import AsyncConnectionPool

from storage.claims import Claim, ClaimLostError, current_claim
from storage.database import Database, NewerDatabaseError, Row, SQLValue, StorageError, WriteConnection, complete
from storage.postgres.dialect import in_postgres
from storage.postgres.sqlstate import translated

OLDEST_SERVER = 140_000
"""PostgreSQL 14, as the server numbers its versions."""
CONNECTIONS = 6
"""The most connections of one process: one writes, and the others read."""
WAIT_S = 10.0
"""How long a statement waits for a free connection, and a connection for the server, in seconds."""
STATEMENT_S = 60.0
"""The longest that one statement may take, in seconds."""
MIGRATION_LOCK = 0x4B656570_00000000
"""The advisory lock that is held while the schema is changed."""
_NAME = re.compile(r"(\d{3})_\w+\.sql")

T = TypeVar("T")
PostgresPool = AsyncConnectionPool[AsyncConnection[DictRow]]


@dataclass(frozen=True, slots=True)
class Migration:
    """One schema file."""

    version: int
    script: str


def migrations() -> list[Migration]:
    """All schema files, in order."""
    files = resources.files("storage.postgres").joinpath("schema").iterdir()
    named = ((file, _NAME.fullmatch(file.name)) for file in files)
    found = [Migration(int(match[1]), file.read_text(encoding="utf-8")) for file, match in named if match]
    return sorted(found, key=lambda migration: migration.version)


class PostgresConnection(WriteConnection):
    """A pool's connection, inside a transaction."""

    def __init__(self, pool: PostgresPool, connection: AsyncConnection[DictRow]) -> None:
        self._pool = pool
        self._connection = connection
        self._given_back = False

    async def run(self, sql: str, values: Sequence[SQLValue]) -> int:
        """Run one statement; returns the number of rows changed."""
        with translated():
            cursor = await self._connection.execute(in_postgres(sql), values)
        return cursor.rowcount

    async def run_many(self, sql: str, rows: Iterable[Sequence[SQLValue]]) -> None:
        """Run one statement for each row of values, in a single trip."""
        with translated():
            async with self._connection.cursor() as cursor:
                await cursor.executemany(in_postgres(sql), rows)

    async def fetch(self, sql: str, values: Sequence[SQLValue]) -> list[Row]:
        """Run one statement; returns its rows."""
        with translated():
            cursor = await self._connection.execute(in_postgres(sql), values)
            return list(await cursor.fetchall())

    async def commit(self) -> None:
        """Commit the transaction, and give the connection back."""
        with translated():
            await self._connection.execute("COMMIT")
        await self._give_back()

    async def lock(self, telegram_id: int) -> None:
        """Wait for other transactions about this chat, and let none begin until this one ends."""
        await self.run(
            "INSERT INTO chat_claims AS known (telegram_id, token) VALUES (?, 0)"
            " ON CONFLICT (telegram_id) DO UPDATE SET token = known.token",
            (telegram_id,),
        )

    async def roll_back(self) -> None:
        """Undo the transaction unless it is committed, and give the connection back. The pool replaces a broken one."""
        if self._given_back:
            return
        try:
            await self._connection.execute("ROLLBACK")
        except (OperationalError, InterfaceError):
            await self._connection.close()
        await self._give_back()

    async def _give_back(self) -> None:
        self._given_back = True
        await self._pool.putconn(self._connection)


class PostgresDatabase(Database):
    """Connections to one database on a server."""

    def __init__(self, pool: PostgresPool) -> None:
        super().__init__()
        self._pool = pool

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect, and create this version's schema or migrate to it.

        Raises NewerDatabaseError if a later version of Keepsake wrote it, and StorageError if that can't be done.
        """
        pool: PostgresPool = AsyncConnectionPool(
            url,
            kwargs={
                "autocommit": True,
                "cursor_factory": AsyncRawCursor,
                "row_factory": dict_row,
                "connect_timeout": round(WAIT_S),
                "options": f"-c statement_timeout={STATEMENT_S * 1000:.0f} -c client_min_messages=warning -c jit=off",
                "keepalives_idle": 5,
                "keepalives_interval": 2,
                "keepalives_count": 3,
            },
            min_size=1,
            max_size=CONNECTIONS,
            timeout=WAIT_S,
            configure=_configure,
            open=False,
        )
        try:
            with translated():
                first = await AsyncConnection.connect(url, autocommit=True, connect_timeout=round(WAIT_S))
                async with first:
                    await _migrate(first)
                await pool.open(wait=True, timeout=WAIT_S)
        except BaseException:
            await pool.close()
            raise
        return cls(pool)

    async def _begin(self) -> PostgresConnection:
        return await self._again_if_broken(self._begin_once)

    async def _begin_once(self) -> PostgresConnection:
        connection = await self._pool.getconn()
        try:
            await _begin(connection, current_claim())
        except BaseException:
            await complete(PostgresConnection(self._pool, connection).roll_back())
            raise
        return PostgresConnection(self._pool, connection)

    async def _read(self, sql: str, values: Sequence[SQLValue]) -> list[Row]:
        async def read_once() -> list[Row]:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(in_postgres(sql), values)
                return list(await cursor.fetchall())

        return await self._again_if_broken(read_once)

    async def _again_if_broken(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something that changes nothing, and once more if the connection had been cut."""
        with translated():
            try:
                return await work()
            except OperationalError as exc:
                if exc.sqlstate is not None and not exc.sqlstate.startswith(("08", "57P")):
                    raise
            await self._pool.check()
            return await work()

    async def scrub(self) -> None:
        """Nothing: how long a server keeps what was deleted is up to its vacuum and its archives."""
        self.soiled = False

    async def scrub_soon(self) -> None:
        """See `scrub`."""
        self.soiled = False

    async def close(self) -> None:
        """Wait for the current transaction, then close all connections."""
        async with self._lock.turn():
            await self._pool.close()


async def _begin(connection: AsyncConnection[DictRow], claim: Claim | None) -> None:
    """Begin a transaction, and prove the claim: until the end, the chat can't change hands. Raises ClaimLostError."""
    if claim is None:
        await connection.execute("BEGIN")
        return
    cursor = await connection.execute(
        f"BEGIN; SELECT 1 AS valid FROM chat_claims WHERE telegram_id = {claim.telegram_id} AND token = {claim.token}"
        " FOR SHARE",
        prepare=False,  # two statements in one trip
    )
    cursor.nextset()
    if await cursor.fetchone() is None:
        raise ClaimLostError(f"another process has taken over chat {claim.telegram_id}")


class _Whole(Int8Dumper):
    """All whole numbers are bigint, and flags are whole numbers."""

    def dump(self, obj: Any) -> Buffer | None:
        return super().dump(int(obj))


class _Text(StrDumperUnknown):
    """PostgreSQL's text holds no NUL."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in obj else obj)


class _Sum(Loader):
    """Sums of bigint are numeric, and whole."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data).decode()
        return int(text) if text.lstrip("-").isdigit() else float(text)


async def _configure(connection: AsyncConnection[DictRow]) -> None:
    connection.adapters.register_dumper(int, _Whole)
    connection.adapters.register_dumper(bool, _Whole)
    connection.adapters.register_dumper(str, _Text)
    connection.adapters.register_loader("numeric", _Sum)


async def _migrate(connection: AsyncConnection[Any]) -> None:
    """Apply what is missing, one file at a time. Only one process does so; others wait, and find it done."""
    if connection.info.server_version < OLDEST_SERVER:
        found = connection.info.server_version // 10_000
        raise StorageError(f"the server is PostgreSQL {found}, and Keepsake needs 14 or later")
    await connection.execute("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
    await connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version bigint NOT NULL)")
    row = await (await connection.execute("SELECT max(version) FROM schema_version")).fetchone()
    version, newest = (row[0] or 0) if row else 0, migrations()[-1].version
    if version > newest:
        raise NewerDatabaseError(
            f"the database has schema {version}, this version of Keepsake knows schemas up to {newest}: "
            "run the version that wrote it, or a later one"
        )
    for migration in migrations():
        if migration.version > version:
            async with connection.transaction():
                await connection.execute(migration.script.encode())
                await connection.execute("DELETE FROM schema_version")
                await connection.execute("INSERT INTO schema_version VALUES (%s)", (migration.version,))
