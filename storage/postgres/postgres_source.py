"""A PostgreSQL database as what a database is moved from."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from psycopg import IsolationLevel

from storage.database import NewerDatabaseError, SQLValue, StorageError
from storage.move_source import MovedTable, MoveSource, TableSize
from storage.postgres.first_contact import connect_when_ready
from storage.postgres.postgresql import migrations
from storage.postgres.server_report import version_of
from storage.postgres.sqlstate import translated
from storage.postgres.timed_connection import TimedConnection

_LAST_IDS = """
SELECT table_name AS name, pg_sequence_last_value(pg_get_serial_sequence(quote_ident(table_name), column_name)) AS last
FROM information_schema.columns WHERE table_schema = current_schema() AND is_identity = 'YES'
"""


class PostgresSource(MoveSource):
    """A database on a server, in one transaction that reads."""

    def __init__(self, connection: TimedConnection) -> None:
        self._connection = connection

    async def size(self, table: MovedTable) -> TableSize:
        """Count a table's rows."""
        with translated():
            row = await (await self._connection.execute(table.size.encode())).fetchone()
        assert row is not None, "it always has one"
        return TableSize(row["number"], int(row["bytes"]))

    async def batches(self, table: MovedTable) -> AsyncIterator[list[Mapping[str, SQLValue]]]:
        """All rows of a table, by column name; no batch is empty. The server keeps those that are not read yet."""
        async with self._connection.cursor(name="moved") as cursor:
            with translated():
                await cursor.execute(f"SELECT * FROM {table.name}".encode(), binary=True)
            while True:
                with translated():
                    rows = await cursor.fetchmany(table.at_once)
                if not rows:
                    return
                yield list(rows)

    async def disk_bytes(self) -> int:
        """How much of a disk it takes."""
        with translated():
            cursor = await self._connection.execute("SELECT pg_database_size(current_database()) AS bytes")
            row = await cursor.fetchone()
        assert row is not None, "it always has one"
        return int(row["bytes"])

    async def last_ids(self) -> dict[str, int]:
        """By table, the highest id that was ever given."""
        with translated():
            rows = await (await self._connection.execute(_LAST_IDS.encode())).fetchall()
        return {row["name"]: row["last"] for row in rows if row["last"] is not None}


@asynccontextmanager
async def postgres_source(url: str) -> AsyncIterator[PostgresSource]:
    """A database as a source. Raises StorageError if another version of Keepsake wrote it, or none."""
    found, ours = await version_of(url), migrations()[-1].version
    if not found:
        raise StorageError("it has none of Keepsake's tables")
    if found > ours:
        raise NewerDatabaseError(f"it was written by a newer version: its schema is {found}, this one knows {ours}")
    if found < ours:
        raise StorageError(
            f"it was written by an older version: its schema is {found}, and this version's is {ours}."
            " Start this version's bot on it once, which migrates it, and stop the bot again"
        )
    with translated():
        connection = await connect_when_ready(url, 0.0)
        try:
            await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
            await connection.set_read_only(True)
            async with connection.transaction():
                yield PostgresSource(connection)
        finally:
            await connection.close()
