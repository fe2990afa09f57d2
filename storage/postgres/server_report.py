"""A PostgreSQL server and a database on it, looked at from outside: nothing is created, migrated or left behind."""

import time
from dataclasses import dataclass

from psycopg.errors import UndefinedTable
from psycopg.rows import DictRow

from storage.inspection import NOTICES_ASIDE, OWNERS, UPDATES_ASIDE, notice_named, update_named
from storage.postgres.first_contact import connect_when_ready
from storage.postgres.postgresql import migrations
from storage.postgres.sqlstate import translated
from storage.postgres.timed_connection import TimedConnection

_TABLES = "('chats', 'turns', 'inbox', 'schema_version')"
_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
_NAME = "quote_ident(table_schema) || '.' || quote_ident(table_name)"
_FACTS = f"""
SELECT pg_database_size(current_database()) AS size, extract(epoch FROM clock_timestamp())::float8 AS clock,
    has_schema_privilege(current_schema(), 'CREATE') AND NOT EXISTS (
        SELECT FROM information_schema.tables
        WHERE table_schema = current_schema() AND table_name IN {_TABLES}
            AND NOT ({" AND ".join(f"has_table_privilege({_NAME}, '{right}')" for right in _RIGHTS)})
    ) AS permitted,
    coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted
"""


@dataclass(frozen=True, slots=True)
class ServerReport:
    """A database, and its server, which suits."""

    server: str
    """The server's version, such as 15.18."""
    schema: int
    """The schema version of the database; 0: it has none of Keepsake's tables."""
    latest: int
    """The schema version of this code."""
    size: int
    """In bytes."""
    permitted: bool
    """Whether this user may create tables, and write to those that are there."""
    ahead_s: float
    """How far this machine's clock is ahead of the server's, in seconds."""
    encrypted: bool
    """Whether the connection is, or needs not to be because it doesn't leave this machine."""


async def version_of(url: str) -> int:
    """The schema version of a database; 0: it has none of Keepsake's tables. Raises StorageError."""
    with translated():
        async with await connect_when_ready(url, 0.0) as connection:
            return await _version(connection)


async def report_on(url: str) -> ServerReport:
    """Look at the server and the database. Raises StorageError."""
    with translated():
        async with await connect_when_ready(url, 0.0) as connection:
            before = time.time()
            row = await (await connection.execute(_FACTS.encode())).fetchone()
            here = (before + time.time()) / 2
            assert row is not None, "it always has one"
            return ServerReport(
                server=str(connection.info.parameter_status("server_version")).partition(" ")[0],
                schema=await _version(connection),
                latest=migrations()[-1].version,
                size=row["size"],
                permitted=bool(row["permitted"]),
                ahead_s=here - row["clock"],
                encrypted=row["encrypted"] or _is_local(connection.info.host),
            )


async def owners_of(url: str) -> list[int]:
    """The owners' ids; none if the database has no tables yet. Raises StorageError."""
    return [int(row["telegram_id"]) for row in await _rows(url, OWNERS)]


async def set_aside_of(url: str) -> list[str]:
    """The updates and notices that were set aside because the process died of them. Raises StorageError."""
    updates, notices = await _rows(url, UPDATES_ASIDE), await _rows(url, NOTICES_ASIDE)
    return [*map(update_named, updates), *map(notice_named, notices)]


async def in_flight_of(url: str) -> list[str]:
    """What each process has in flight, or had when it died. Raises StorageError."""
    return [str(row["in_flight"]) for row in await _rows(url, "SELECT in_flight FROM processes")]


async def _rows(url: str, sql: str) -> list[DictRow]:
    """Rows of a database; none if it has no such table yet."""
    with translated():
        async with await connect_when_ready(url, 0.0) as connection:
            try:
                return await (await connection.execute(sql.encode())).fetchall()
            except UndefinedTable:
                return []


async def _version(connection: TimedConnection) -> int:
    try:
        row = await (await connection.execute("SELECT max(version) AS version FROM schema_version")).fetchone()
    except UndefinedTable:
        return 0
    return int(row["version"] or 0) if row is not None else 0


def _is_local(host: str) -> bool:
    return host in ("localhost", "127.0.0.1", "::1") or host.startswith(("/", "@"))
