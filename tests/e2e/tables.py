"""What is in the database of a stage, on SQLite or PostgreSQL, read and changed past the bot."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import psycopg

from storage.postgres.dialect import in_postgres
from storage.postgres.url import name_of
from tests.e2e.conftest import Stage

LOCK_S = 30
"""How long to wait for the bot's transactions."""
SQLITE = "sqlite:///"
_TABLES = "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"


def read(stage: Stage, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """The rows of one statement, in the SQL that both understand."""
    return _run(stage, sql, values)


def write(stage: Stage, sql: str, *values: Any) -> None:
    """Run one statement, and commit it."""
    _run(stage, sql, values)


def name(stage: Stage) -> str:
    """What messages call the database."""
    url = stage.environment["DATABASE_URL"]
    return str(_file(stage)) if url.startswith(SQLITE) else name_of(url)


def dump(stage: Stage) -> str:
    """All rows of all tables."""
    if stage.environment["DATABASE_URL"].startswith(SQLITE):
        with closing(sqlite3.connect(_file(stage))) as database:
            return "\n".join(database.iterdump())
    return everything(stage).decode(errors="replace")


def everything(stage: Stage) -> bytes:
    """All that is stored, whether a row refers to it or not: SQLite's files, or PostgreSQL's rows."""
    url = stage.environment["DATABASE_URL"]
    if url.startswith(SQLITE):
        file = _file(stage)
        return b"".join(path.read_bytes() for path in sorted(file.parent.glob(f"{file.name}*")))
    with psycopg.connect(url, autocommit=True) as connection:
        tables = [str(row[0]) for row in connection.execute(_TABLES.encode())]
        rows = [row for table in tables for row in connection.execute(f"SELECT * FROM {table}".encode())]
    values = (value for row in rows for value in row)
    return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in values)


@asynccontextmanager
async def locked(stage: Stage) -> AsyncIterator[None]:
    """Another program has locked all tables against the bot's writes."""
    url = stage.environment["DATABASE_URL"]
    if url.startswith(SQLITE):
        other = sqlite3.connect(_file(stage), isolation_level=None, check_same_thread=False)
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")  # may have to wait for the bot, which needs this loop
        try:
            yield
        finally:
            other.execute("ROLLBACK")
            other.close()
        return
    async with await psycopg.AsyncConnection.connect(url) as connection:
        tables = [str(row[0]) for row in await (await connection.execute(_TABLES.encode())).fetchall()]
        for more_tries in (True, True, False):
            try:
                await connection.execute(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE".encode())
                break
            except psycopg.errors.DeadlockDetected:  # the bot was just writing, to some of them
                await connection.rollback()
                if not more_tries:
                    raise
        yield
        await connection.rollback()


def _run(stage: Stage, sql: str, values: Iterable[Any]) -> list[tuple[Any, ...]]:
    url = stage.environment["DATABASE_URL"]
    if url.startswith(SQLITE):
        with closing(sqlite3.connect(_file(stage), timeout=LOCK_S)) as database, database:
            return database.execute(sql, tuple(values)).fetchall()
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor) as connection:
        connection.execute(f"SET lock_timeout = '{LOCK_S}s'".encode())
        cursor = connection.execute(in_postgres(sql).encode(), tuple(values))
        return cursor.fetchall() if cursor.description else []


def _file(stage: Stage) -> Path:
    return Path(stage.environment["DATABASE_URL"].removeprefix(SQLITE))
