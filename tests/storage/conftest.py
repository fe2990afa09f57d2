"""A chat in the real database of each test."""

import pytest

from storage import Storage
from storage.records import Chat, ChatKey

HOME = ChatKey(1001)


@pytest.fixture
async def chat(storage: Storage) -> Chat:
    async with storage.transaction() as tx:
        return await storage.chats.ensure(tx, HOME, private=True, now=0.0)
