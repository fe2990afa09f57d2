"""A real database for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage import Storage
from storage.records import Chat, Place

HOME = Place(1001)


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    opened = await Storage.open(tmp_path / "keepsake.db")
    yield opened
    await opened.close()


@pytest.fixture
async def chat(storage: Storage) -> Chat:
    async with storage.transaction() as tx:
        return await storage.chats.ensure(tx, HOME, private=True, now=0.0)
