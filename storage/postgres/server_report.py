"""A PostgreSQL server and a database on it, looked at from outside: nothing is created, migrated or left behind."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import namedtuple_row

from storage.postgres.postgresql import OLDEST_SERVER, migrations
from storage.postgres.sqlstate import translated

CONNECT_S = 10
"""How long the server may take to accept a connection, in seconds."""
_FACTS = """
SELECT current_setting('server_version_num')::bigint AS version, current_setting('server_version') AS named,
    pg_database_size(current_database()) AS size, pg_is_in_recovery() AS standby,
    current_setting('default_transaction_read_only') = 'on' AS read_only,
    extract(epoch FROM clock_timestamp())::double precision AS clock,
    has_schema_privilege(current_schema(), 'CREATE') AS creates, to_regclass('schema_version') AS known,
    (SELECT count(*) FROM information_schema.tables
        WHERE table_schema = current_schema() AND table_name IN ('chats', 'turns', 'inbox', 'schema_version')
            AND NOT (has_table_privilege(quote_ident(table_schema) || '.' || quote_ident(table_name), 'SELECT')
                AND has_table_privilege(quote_ident(table_schema) || '.' || quote_ident(table_name), 'INSERT')
                AND has_table_privilege(quote_ident(table_schema) || '.' || quote_ident(table_name), 'UPDATE')
                AND has_table_privilege(quote_ident(table_schema) || '.' || quote_ident(table_name), 'DELETE'))
    ) AS forbidden,
    coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted
"""


@dataclass(frozen=True, slots=True)
class ServerReport:
    """A database and its server."""

    server: str
    """The server's version in its own words, such as 15.18."""
    too_old: bool
    """Whether the server is older than what Keepsake needs."""
    schema: int
    """The schema version of the database; 0: it has none of Keepsake's tables."""
    latest: int
    """The schema version of this code."""
    size: int
    """In bytes."""
    writable: bool
    """Whether the server takes writes: it is no standby, and not set to read-only."""
    permitted: bool
    """Whether this user may create tables, and write to those that are there."""
    ahead_s: float
    """How far this machine's clock is ahead of the server's, in seconds."""
    encrypted: bool
    """Whether the connection is."""


async def version_of(url: str) -> int:
    """The schema version of a database; 0: it has none of Keepsake's tables. Raises StorageError."""
    async with _connected(url) as connection:
        return await _version(connection)


async def report_on(url: str) -> ServerReport:
    """Look at the server and the database. Raises StorageError."""
    async with _connected(url) as connection:
        before = time.time()
        row = await (await connection.execute(_FACTS.encode())).fetchone()
        assert row is not None, "it always has one"
        here = (before + time.time()) / 2
        version = await _version(connection)
        return ServerReport(
            server=row.named.partition(" ")[0],
            too_old=row.version < OLDEST_SERVER,
            schema=version,
            latest=migrations()[-1].version,
            size=row.size,
            writable=not row.standby and not row.read_only,
            permitted=bool(row.creates) and not row.forbidden,
            ahead_s=here - row.clock,
            encrypted=row.encrypted,
        )


async def rows_of(url: str, table: str, sql: str) -> list[Any]:
    """Rows, as named tuples; none if the database doesn't have the table. Raises StorageError."""
    async with _connected(url) as connection:
        known = await (await connection.execute("SELECT to_regclass(%s) AS name", (table,))).fetchone()
        if known is None or known.name is None:
            return []
        return list(await (await connection.execute(sql.encode())).fetchall())


async def _version(connection: AsyncConnection[Any]) -> int:
    known = await (await connection.execute("SELECT to_regclass('schema_version') AS name")).fetchone()
    if known is None or known.name is None:
        return 0
    row = await (await connection.execute("SELECT max(version) AS version FROM schema_version")).fetchone()
    return int(row.version or 0) if row is not None else 0


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[AsyncConnection[Any]]:
    with translated():
        connection = await AsyncConnection.connect(
            url, autocommit=True, connect_timeout=CONNECT_S, row_factory=namedtuple_row
        )
        async with connection:
            yield connection
