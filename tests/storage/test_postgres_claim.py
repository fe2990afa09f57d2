"""One bot per PostgreSQL database: a second one is refused, and a connection that is cut is replaced."""

import asyncio
from typing import Any

import pytest
from psycopg import AsyncConnection

from storage.files import DatabaseInUseError
from storage.postgres.claim import CLAIM_LOCK, DatabaseClaim, is_claimed

CLAIMS = """
FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE locktype = 'advisory' AND objid = 1 AND datname = current_database()
"""


@pytest.fixture
def url(postgres_url: str) -> str:
    return postgres_url


async def _cut(url: str) -> None:
    """End the session that has the claim, as a server does that restarts."""
    async with await AsyncConnection.connect(url, autocommit=True) as admin:
        await admin.execute(f"SELECT pg_terminate_backend(pid) {CLAIMS} AND granted".encode())


async def test_second_bot_is_refused_until_first_ends(url: str) -> None:
    first = await DatabaseClaim.take(url, "it", 0.0)
    assert await is_claimed(url)
    with pytest.raises(DatabaseInUseError, match="another bot is running on it: stop it first"):
        await DatabaseClaim.take(url, "it", 0.0)
    with pytest.raises(DatabaseInUseError, match="did not stop within"):
        await DatabaseClaim.take(url, "it", 0.1)
    waiting = asyncio.create_task(DatabaseClaim.take(url, "it", 30.0))
    await first.release()
    second = await waiting
    assert await is_claimed(url)
    await second.release()


async def test_cut_connection_is_replaced(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    claim = await DatabaseClaim.take(url, "it", 0.0)
    keeping = asyncio.create_task(claim.until_lost())
    await _cut(url)
    async with asyncio.timeout(10):
        while "No other bot has used the database" not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert await is_claimed(url)
    assert not keeping.done()
    keeping.cancel()
    await claim.release()


async def test_claim_is_lost_to_another_bot(url: str) -> None:
    claim = await DatabaseClaim.take(url, "it", 0.0)
    other = asyncio.create_task(DatabaseClaim.take(url, "it", 30.0))
    async with await AsyncConnection.connect(url, autocommit=True) as admin:
        while not await _waits(admin):  # noqa: ASYNC110 - a lock tells nobody
            await asyncio.sleep(0.01)
    keeping = asyncio.create_task(claim.until_lost())
    await _cut(url)
    async with asyncio.timeout(10):
        await keeping
    await (await other).release()


async def _waits(admin: AsyncConnection[Any]) -> bool:
    cursor = await admin.execute(f"SELECT 1 {CLAIMS} AND NOT granted".encode())
    return await cursor.fetchone() is not None


async def test_session_that_lives_on_is_ended(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network is cut and the server has not noticed: its session would keep the lock for hours."""
    claim = await DatabaseClaim.take(url, "it", 0.0)
    old, cut = claim._connection, asyncio.Event()

    async def until_cut(_: DatabaseClaim) -> None:
        if cut.is_set():
            await asyncio.Event().wait()
        cut.set()

    async def stay_open() -> None:
        pass

    monkeypatch.setattr(DatabaseClaim, "_until_cut", until_cut)
    close = old.close
    monkeypatch.setattr(old, "close", stay_open)
    keeping = asyncio.create_task(claim.until_lost())
    async with asyncio.timeout(10):
        while claim._connection is old:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert await is_claimed(url)
    keeping.cancel()
    await close()
    await claim.release()


def test_lock_has_a_number_of_its_own() -> None:
    from storage.postgres.postgresql import MIGRATION_LOCK

    assert CLAIM_LOCK != MIGRATION_LOCK
