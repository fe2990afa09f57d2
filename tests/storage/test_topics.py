"""Titles that were made for topics, and not set yet."""

import pytest

from storage import Storage
from storage.records import Chat
from tests.storage.test_transcript import reply, say


@pytest.mark.parametrize("way", ["reset", "forget"])
async def test_a_title_is_forgotten_with_its_words(storage: Storage, chat: Chat, way: str) -> None:
    await say(storage, chat, "my secret", 10)
    turn = await reply(storage, chat, "yes")
    async with storage.transaction() as tx:
        await storage.topics.untitled(tx, chat.place)
        await storage.topics.made(tx, chat.place, "A secret")
    async with storage.transaction() as tx:
        if way == "reset":
            await storage.resets.reset(tx, chat.id, 100.0)
        else:
            await storage.forgettings.put_aside(tx, chat.id, [turn])
    assert await storage.topics.title(chat.place) is None
    assert await storage.topics.is_untitled(chat.place)
