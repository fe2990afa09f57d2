"""PostgreSQL: transactions and reads through a pool of connections, and the migration to the current schema.

The schema files have the same numbers as SQLite's. Each is applied together with its number in one transaction, under a
lock, so that of several processes that start at once one migrates and the others wait.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import islice
from typing import Any, Self

from psycopg import AsyncConnection, AsyncCursor, Error
from psycopg.rows import DictRow

from storage.claims import Claim, ClaimLostError, current_claim
from storage.database import Database, NewerDatabaseError, Row, SQLValue, Transaction, WriteConnection, complete
from storage.postgres.dialect import in_postgres
from storage.postgres.doubt import Begun, is_committed
from storage.postgres.first_contact import connect_when_ready, refused_rights
from storage.postgres.notifications import CHANNEL, ChatEvent, Notification
from storage.postgres.postgres_pool import PATIENCE_S, PostgresPool
from storage.postgres.sqlstate import PostgresError, is_stale, means_connection, translated
from storage.postgres.timed_connection import TimedConnection
from storage.read_only import check_schema
from storage.records import ChatKey
from storage.sql import listed

MIGRATION_LOCK = 0x4B656570_00000000
"""The advisory lock that is held while the schema is changed."""
_NAME = re.compile(r"(\d{3})_\w+\.sql")
ROWS_AT_ONCE = 500
"""How many rows of values are sent in one trip: each trip has to end before the connection's deadline."""
_IDENTITIES = """
SELECT quote_ident(table_name) AS name FROM information_schema.columns
WHERE table_schema = current_schema() AND is_identity = 'YES'
"""
"""The tables whose ids come from a sequence."""
_BEGIN = "BEGIN; SELECT pg_current_xact_id()::text AS number, pg_backend_pid() AS process"
_PROVE = (
    "; SELECT 1 AS valid FROM chat_claims WHERE telegram_id = {claim.telegram_id} AND token = {claim.token} FOR SHARE"
)


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

    def __init__(self, pool: PostgresPool, connection: TimedConnection, begun: Begun) -> None:
        self._pool = pool
        self._connection = connection
        self._begun = begun
        self._stale = False
        """Whether a new connection should take the place of this one."""
        self._given_back = False

    @classmethod
    async def begin(cls, pool: PostgresPool, claim: Claim | None) -> Self:
        """Begin a transaction, and prove the claim: until the end, the chat can't change hands.

        Raises ClaimLostError or psycopg.Error.
        """
        connection = await pool.take()
        try:
            return cls(pool, connection, await _begin(connection, claim))
        except BaseException:
            await complete(cls(pool, connection, Begun("", 0)).roll_back())
            raise

    async def run(self, sql: str, values: Sequence[SQLValue]) -> int:
        """Run one statement; returns the number of rows changed."""
        return (await self._execute(sql, values)).rowcount

    async def run_many(self, sql: str, rows: Iterable[Sequence[SQLValue]]) -> None:
        """Run one statement for each row of values, in as few trips as possible."""
        rest = iter(rows)
        with translated():
            while some := list(islice(rest, ROWS_AT_ONCE)):
                async with self._connection.cursor() as cursor:
                    await cursor.executemany(in_postgres(sql), some)

    async def fetch(self, sql: str, values: Sequence[SQLValue]) -> list[Row]:
        """Run one statement; returns its rows."""
        cursor = await self._execute(sql, values)
        with translated():
            return list(await cursor.fetchall())

    async def _execute(self, sql: str, values: Sequence[SQLValue]) -> AsyncCursor[DictRow]:
        with translated():
            try:
                return await self._connection.execute(in_postgres(sql), values)
            except Error as exc:
                self._stale = self._stale or is_stale(exc)
                raise

    async def commit(self) -> None:
        """Commit the transaction, and give the connection back. If there is no answer, find out what happened."""
        with translated():
            try:
                cursor = await self._connection.execute("COMMIT")
            except Error as exc:
                if not means_connection(exc) or not await is_committed(self._pool, self._begun):
                    raise
                await self._connection.close()
            else:
                if cursor.statusmessage != "COMMIT":  # it was a ROLLBACK
                    raise PostgresError("a statement of the transaction had failed, so nothing was stored")
        await self._give_back()

    async def lock(self, telegram_id: int) -> None:
        """Wait for other transactions about this chat, and let none begin until this one ends."""
        await self.run(
            "INSERT INTO chat_claims AS known (telegram_id, token) VALUES (?, 0)"
            " ON CONFLICT (telegram_id) DO UPDATE SET token = known.token",
            (telegram_id,),
        )

    async def announce_change(self) -> None:
        """Have all processes read again what they keep in memory, once this transaction is committed."""
        await self.fetch("SELECT pg_notify(?, ?)", (CHANNEL, Notification(ChatEvent.CHANGED, ChatKey(0)).payload))

    async def lock_chats(self, chat_ids: Collection[int]) -> None:
        """The same for the Telegram chats that these chats are in, in ascending order."""
        await self.run("SELECT lock_chats(?)", (listed(chat_ids),))

    async def roll_back(self) -> None:
        """Undo the transaction unless it is committed, and give the connection back. The pool replaces a broken one."""
        if self._given_back:
            return
        try:
            await self._connection.execute("ROLLBACK")
        except Error:
            self._stale = True
        if self._stale:
            await self._connection.close()
        await self._give_back()

    async def _give_back(self) -> None:
        self._given_back = True
        await self._pool.give_back(self._connection)


class PostgresDatabase(Database):
    """Connections to one database on a server."""

    def __init__(self, pool: PostgresPool) -> None:
        super().__init__()
        self._pool = pool

    @classmethod
    async def open(cls, url: str, patience: float = PATIENCE_S) -> Self:
        """Connect, and create this version's schema or migrate to it.

        `patience`: how long to wait for a server that can't be reached or written yet, in seconds.

        Raises NewerDatabaseError if a later version of Keepsake wrote it, and StorageError if that can't be done.
        """
        pool = PostgresPool(url)
        try:
            async with await connect_when_ready(url, patience) as first:
                with refused_rights(first), translated():
                    await _migrate(first)
            with translated():
                await pool.open()
        except BaseException:
            await pool.close()
            raise
        return cls(pool)

    @classmethod
    async def open_read_only(cls, url: str) -> Self:
        """Connect to a database of this version's schema, to read it. Raises StorageError."""
        async with await connect_when_ready(url, 0.0) as first:
            with translated():
                row = await (await first.execute("SELECT to_regclass('schema_version') AS made")).fetchone()
                if row is not None and row["made"]:
                    newest = await first.execute("SELECT coalesce(max(version), 0) AS made FROM schema_version")
                    row = await newest.fetchone()
        check_schema((row["made"] or 0) if row else 0, migrations()[-1].version)
        pool = PostgresPool(url, read_only=True)
        try:
            with translated():
                await pool.open()
        except BaseException:
            await pool.close()
            raise
        return cls(pool)

    async def _begin(self) -> PostgresConnection:
        with translated():
            return await self._pool.patiently(lambda: PostgresConnection.begin(self._pool, current_claim()))

    async def _read(self, sql: str, values: Sequence[SQLValue]) -> list[Row]:
        async def read_once() -> list[Row]:
            async with self._pool.reader() as connection:
                cursor = await connection.execute(in_postgres(sql), values)
                return list(await cursor.fetchall())

        with translated():
            return await self._pool.patiently(read_once)

    async def continue_ids(self, tx: Transaction, last_ids: Mapping[str, int]) -> None:
        """Set the sequences, which rolling back would not undo."""
        for row in await tx.rows(_IDENTITIES):
            name = row["name"]
            highest = await tx.row(f"SELECT max(id) AS id FROM {name}")
            last = max(last_ids.get(name, 0), (highest["id"] if highest else None) or 0)
            if last:
                await tx.rows("SELECT setval(pg_get_serial_sequence(?::text, 'id'), ?)", (name, last))

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


async def check_version(database: Database) -> None:
    """Raise NewerDatabaseError if a later version of Keepsake has migrated an open database."""
    (row,) = await database.rows("SELECT max(version) AS version FROM schema_version")
    newest, known = row["version"], migrations()[-1].version
    if newest > known:
        raise NewerDatabaseError(
            f"a later version of Keepsake has migrated the database to schema {newest}, and this one knows schemas up"
            f" to {known}: it ends, and the later version goes on"
        )


async def _begin(connection: TimedConnection, claim: Claim | None) -> Begun:
    """Begin a transaction in one trip, and prove the claim. Raises ClaimLostError or psycopg.Error."""
    proof = _PROVE.format(claim=claim) if claim is not None else ""
    cursor = await connection.execute((_BEGIN + proof).encode(), prepare=False)
    cursor.nextset()
    row = await cursor.fetchone()
    assert row is not None, "two numbers"
    if claim is not None:
        cursor.nextset()
        if await cursor.fetchone() is None:
            raise ClaimLostError(f"another process has taken over chat {claim.telegram_id}")
    return Begun(row["number"], row["process"])


async def _migrate(connection: AsyncConnection[Any]) -> None:
    """Apply what is missing, one file at a time. Only one process does so; others wait, and find it done."""
    await connection.execute("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
    await connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version bigint NOT NULL)")
    row = await (await connection.execute("SELECT max(version) AS newest FROM schema_version")).fetchone()
    version, newest = (row["newest"] or 0) if row else 0, migrations()[-1].version
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
