"""A command that needs a PostgreSQL database for itself: a second one is refused until the first ends."""

import asyncio

import pytest

from storage.files import DatabaseInUseError
from storage.postgres.claim import CLAIM_LOCK, DatabaseClaim, is_claimed


@pytest.fixture
def url(postgres_url: str) -> str:
    return postgres_url


async def test_second_command_is_refused_until_first_ends(url: str) -> None:
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


def test_lock_has_a_number_of_its_own() -> None:
    from storage.postgres.postgresql import MIGRATION_LOCK

    assert CLAIM_LOCK != MIGRATION_LOCK
