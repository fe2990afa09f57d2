"""PostgreSQL's schema is made once, whole, and only by a version that knows it."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from storage import NewerDatabaseError, Storage, StorageError
from storage.postgres import postgresql
from storage.postgres.postgresql import Migration, PostgresDatabase
from tests.postgres import Databases
from tests.storage.catalog import Table, tables

OPEN = """
import asyncio, sys
from storage.postgres import postgresql
known = postgresql.migrations()
postgresql.migrations = lambda: [*known, *(postgresql.Migration(known[-1].version + 1, sql) for sql in sys.argv[2:])]
async def main():
    await (await postgresql.PostgresDatabase.open(sys.argv[1])).close()
asyncio.run(main())
"""
"""Opens a database in a process of its own; with one more schema file, if there is a further argument."""
DATA = """
INSERT INTO chats (telegram_id, private, created_at) VALUES (1001, 1, 1.0);
INSERT INTO turns (chat_id, role, state, content, tokens, created_at) VALUES
    (1, 'user', 'settled', 'my boat is green', 6, 2.0),
    (1, 'assistant', 'sent', 'green it is', 6, 3.0);
INSERT INTO turn_messages (turn_id, message_id) VALUES (1, 10);
INSERT INTO notices (telegram_id, private, text) VALUES (1001, 1, 'Done.');
INSERT INTO inbox (update_id, received_at, raw) VALUES (5, 1.0, '{}');
INSERT INTO usage (chat_id, day, model, requests, input_tokens, cached_tokens, output_tokens)
    VALUES (1, '2026-11-23', 'qwen-plus', 3, 300, 200, 30);
"""
PATIENCE_S = 20.0
FILLED = ("chats", "turns", "turn_messages", "notices", "inbox", "usage")


@pytest.fixture
async def nothing(postgres: Databases) -> AsyncIterator[str]:
    """An empty database without a schema."""
    async with postgres.new(schema=False) as url:
        yield url


async def _opening(url: str, *more: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-c", OPEN, url, *more, cwd=Path.cwd())


async def _version(url: str) -> int:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        [(version,)] = await (await connection.execute("SELECT version FROM schema_version")).fetchall()
        return int(version)


async def _tables(url: str) -> dict[str, Table]:
    database = await PostgresDatabase.open(url)
    found = await tables(database)
    await database.close()
    return found


async def test_newer_database_is_refused_unchanged(postgres_url: str) -> None:
    newer = postgresql.migrations()[-1].version + 1
    async with await psycopg.AsyncConnection.connect(postgres_url) as connection:
        await connection.execute("UPDATE schema_version SET version = %s", (newer,))
    with pytest.raises(NewerDatabaseError, match=rf"has schema {newer}.*run the version that wrote it"):
        await Storage.connect(postgres_url)
    assert await _version(postgres_url) == newer


async def test_processes_that_start_at_once_share_a_schema(nothing: str, postgres_url: str) -> None:
    processes = [await _opening(nothing) for _ in range(3)]
    assert [await process.wait() for process in processes] == [0, 0, 0]
    assert await _version(nothing) == postgresql.migrations()[-1].version
    assert await _tables(nothing) == await _tables(postgres_url)


async def test_migration_killed_halfway_has_no_effect(postgres_url: str) -> None:
    before = await _version(postgres_url)
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as other:
        await other.execute("SELECT pg_advisory_lock(7)")
        process = await _opening(postgres_url, "CREATE TABLE half (x bigint); SELECT pg_advisory_lock(7)")
        waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted"
        async with asyncio.timeout(PATIENCE_S):
            while not await (await other.execute(waits)).fetchall():  # noqa: ASYNC110 - a server says no more
                await asyncio.sleep(0.01)
        process.kill()
        await process.wait()
    assert "half" not in await _tables(postgres_url)  # which waits for the other's lock
    assert await _version(postgres_url) == before


async def test_later_schema_files_keep_the_data(
    nothing: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_files = postgresql.migrations()
    with monkeypatch.context() as first:
        first.setattr(postgresql, "migrations", lambda: all_files[:1])
        await (await PostgresDatabase.open(nothing)).close()
    assert await _version(nothing) == 27
    async with await psycopg.AsyncConnection.connect(nothing) as connection:
        await connection.execute(DATA.encode())
        before = {name: await _rows(connection, name) for name in FILLED}
    assert await _tables(nothing) == await _tables(postgres_url)
    assert await _version(nothing) == all_files[-1].version
    async with await psycopg.AsyncConnection.connect(nothing) as connection:
        for name, rows in before.items():
            for old, new in zip(rows, await _rows(connection, name), strict=True):
                assert {**new, **old} == new


async def _rows(connection: "psycopg.AsyncConnection[object]", table: str) -> list[dict[str, object]]:
    cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
    return await (await cursor.execute(f"SELECT * FROM {table} ORDER BY 1".encode())).fetchall()


async def test_schema_file_that_fails_leaves_nothing(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = postgresql.migrations()
    broken = Migration(known[-1].version + 1, "CREATE TABLE half (x bigint); CREATE TABLE inbox (x bigint)")
    with monkeypatch.context() as next_version:
        next_version.setattr(postgresql, "migrations", lambda: [*known, broken])
        with pytest.raises(StorageError, match="already exists"):
            await Storage.connect(postgres_url)
    assert "half" not in await _tables(postgres_url)
    assert await _version(postgres_url) == known[-1].version
