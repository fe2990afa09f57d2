"""The first contact with a server: it is waited for, and what does not suit is said in a sentence.

Many hosts start the database after the application, or at the same time.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Error
from psycopg.errors import InsufficientPrivilege, InvalidSchemaName, ProtocolViolation
from psycopg.rows import dict_row

from storage.postgres.postgres_pool import CONNECT_S, KEEPALIVES
from storage.postgres.sqlstate import PostgresError, translated
from storage.postgres.timed_connection import TimedConnection
from storage.postgres.url import check_url
from storage.storage_errors import StorageError

OLDEST_SERVER = 140_000
"""PostgreSQL 14, as the server numbers its versions."""
MIGRATION_S = 3600.0
"""How long one statement of a migration may take, in seconds."""
POOLER_TRIES = 5
"""How often it is checked that a pooler keeps a session; others who use it at the moment may hide that it doesn't."""
AGAIN_S = 1.0
"""How long to wait before the next attempt, in seconds."""
READ_ONLY = (
    "the server is read-only, such as a standby is: use the URL of the primary"
    " (or name all servers in the URL, with ?target_session_attrs=read-write)"
)
POOLED = (
    "a connection pooler (such as PgBouncer) gives every transaction another session, and Keepsake needs its own: use"
    " the database's direct URL, or a pool in session mode"
)
_FINAL = (
    ("password authentication failed", "the user or the password is wrong"),
    ("no password supplied", "the URL has no password, and the server asks for one"),
    ("SASL authentication failed", "the user or the password is wrong"),
    ("auth failed", "the user or the password is wrong"),
    ("no such user", "there is no such user"),
    ("no such database", "there is no such database: create it first"),
    ("pg_hba.conf", "the server does not let this user in from here, or only with ?sslmode=require"),
    ("is not permitted to log in", "this user may not log in"),
    ("permission denied for database", "this user may not connect to the database"),
    ("does not support SSL", "the server has no TLS: take sslmode out of the URL"),
    ("certificate verify failed", "the server's certificate is not trusted: check sslmode and sslrootcert in the URL"),
    ("root certificate file", "the server's certificate can't be checked: set sslrootcert=system in the URL"),
    ("unsupported startup parameter", "it refuses a parameter of the connection"),
)
"""What no waiting mends, by the server's words: before a session begins, libpq passes no code on."""

log = logging.getLogger(__name__)


class ReadOnlyServerError(StorageError):
    """The server can't be written to, which passes if it becomes the primary."""

    @property
    def may_pass(self) -> bool:
        """Yes."""
        return True


async def connect_when_ready(url: str, patience: float) -> TimedConnection:
    """Connect to a server, which may be about to start, and check that it suits.

    Raises StorageError if it doesn't, or after `patience` seconds.
    """
    loop = asyncio.get_running_loop()
    until, waits = loop.time() + patience, False
    while True:
        try:
            return await _connect(url)
        except StorageError as exc:
            if not exc.may_pass or loop.time() >= until:
                raise
            if not waits:
                waits = True
                log.warning("Waiting for PostgreSQL for up to %.0f s: %s", patience, exc)
        await asyncio.sleep(AGAIN_S)


@contextmanager
def refused_rights(connection: TimedConnection) -> Iterator[None]:
    """Say what is missing if the user may not create tables."""
    try:
        yield
    except PostgresError as exc:
        user, name = connection.info.user, connection.info.dbname
        if isinstance(exc.__cause__, InsufficientPrivilege):
            raise StorageError(
                f"the user {user} lacks a right in the database {name} ({exc.__cause__.diag.message_primary}): make it "
                f"the owner (ALTER DATABASE), or GRANT CREATE ON SCHEMA public, and give it all tables that are there"
            ) from exc
        if isinstance(exc.__cause__, InvalidSchemaName):
            raise StorageError(f"the user {user} has no schema in the database {name} to create tables in") from exc
        raise


async def _connect(url: str) -> TimedConnection:
    connection = await _session(url)
    try:
        with translated():
            await _check(connection)
            if connection.info.backend_pid != await _process(connection):  # something is in between
                await _check_pooler(url, connection)
    except BaseException:
        await connection.close()
        raise
    connection.answers_within = MIGRATION_S
    return connection


async def _session(url: str) -> TimedConnection:
    try:
        check_url(url)
    except ValueError as exc:
        raise StorageError(f"the URL is wrong: {exc}") from None
    try:
        return await TimedConnection.connect(
            *(url,),
            autocommit=True,
            row_factory=dict_row,
            connect_timeout=round(CONNECT_S),
            client_encoding="UTF8",
            **KEEPALIVES,
        )
    except Error as exc:
        raise _refusal(exc) from exc


def _refusal(error: Error) -> StorageError:
    words = " ".join(str(error).partition("\n")[0].split())
    words = words.rpartition("failed: ")[2].removeprefix("FATAL: ").strip() or words
    for sign, sentence in _FINAL:
        if sign in words:
            return StorageError(f"{sentence} ({words})")
    if words.endswith("does not exist") and words.startswith(("database", "role")):
        return StorageError(f"{words}: {'create it first' if words.startswith('database') else 'check the URL'}")
    return PostgresError(f"the server can't be reached: {words}")


async def _check(connection: TimedConnection) -> None:
    info = connection.info
    if info.server_version < OLDEST_SERVER:
        found = info.server_version // 10_000
        raise StorageError(f"the server is PostgreSQL {found}, and Keepsake needs 14 or later")
    encoding = info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StorageError(
            f"the database {info.dbname} has the encoding {encoding}, and Keepsake needs UTF8:"
            f" CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
        )
    row = await (await connection.execute("SELECT current_setting('transaction_read_only') AS value")).fetchone()
    if row is not None and row["value"] == "on":
        raise ReadOnlyServerError(READ_ONLY)


async def _process(connection: TimedConnection) -> int:
    row = await (await connection.execute("SELECT pg_backend_pid() AS process", prepare=False)).fetchone()
    assert row is not None, "a number"
    return int(row["process"])


async def _check_pooler(url: str, connection: TimedConnection) -> None:
    """Check that a session stays ours while another one is in a transaction."""
    process = await _process(connection)
    other = await _session(url)
    try:
        for _ in range(POOLER_TRIES):
            async with other.transaction():
                if await _process(other) == process or await _process(connection) != process:
                    raise StorageError(POOLED)
    except ProtocolViolation as exc:  # of a pool of single statements, which has no transactions
        raise StorageError(POOLED) from exc
    finally:
        await other.close()
