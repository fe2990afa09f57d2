"""What is in the database of a stage, on SQLite or PostgreSQL, read and changed past the bot."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import psycopg

from storage.postgres.dialect import in_postgres
from tests.conftest import ON_POSTGRES
from tests.e2e.conftest import Stage

LOCK_S = 30
"""How long to wait for the bot's transactions."""


def read(stage: Stage, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """The rows of one statement, in the SQL that both understand."""
    return _run(stage, sql, values)


def write(stage: Stage, sql: str, *values: Any) -> None:
    """Run one statement, and commit it."""
    _run(stage, sql, values)


def _run(stage: Stage, sql: str, values: Iterable[Any]) -> list[tuple[Any, ...]]:
    url = stage.environment["DATABASE_URL"]
    if ON_POSTGRES:
        with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor) as connection:
            connection.execute(f"SET lock_timeout = '{LOCK_S}s'".encode())
            cursor = connection.execute(in_postgres(sql).encode(), tuple(values))
            return cursor.fetchall() if cursor.description else []
    path = url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, timeout=LOCK_S)) as database, database:
        return database.execute(sql, tuple(values)).fetchall()
