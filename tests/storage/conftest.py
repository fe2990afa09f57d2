"""A chat in the real database of each test."""

from collections.abc import AsyncIterator

import pytest

from storage import Storage
from storage.records import Chat, ChatKey

HOME = ChatKey(1001)


@pytest.fixture
async def chat(storage: Storage) -> Chat:
    async with storage.transaction() as tx:
        return await storage.chats.ensure(tx, HOME, private=True, now=0.0)


@pytest.fixture
async def one(postgres_url: str) -> AsyncIterator[Storage]:
    opened = await Storage.connect(postgres_url)
    yield opened
    await opened.close()


@pytest.fixture
async def other(postgres_url: str, one: Storage) -> AsyncIterator[Storage]:
    opened = await Storage.connect(postgres_url)
    yield opened
    await opened.close()
