"""Conversations, and what they have chosen."""

from dataclasses import replace

from storage import Storage
from storage.records import ChatKey, ChatSettings


async def test_ephemeral_chat_uses_its_groups_settings(storage: Storage) -> None:
    async with storage.transaction() as tx:
        aside = await storage.chats.ensure(tx, ChatKey.aside(-5, 7), private=False, now=1.0)
        assert aside.choices == ChatSettings()
        group = await storage.chats.ensure(tx, ChatKey(-5), private=False, now=1.0)
        chosen = replace(group.choices, persona="A pirate", language="ru")
        await storage.chats.choose(tx, group.id, chosen)
    async with storage.transaction() as tx:
        assert (await storage.chats.ensure(tx, aside.place, private=False, now=2.0)).choices == chosen
    window = await storage.memories.window(aside.id)
    for found in (window.chat, await storage.chats.find(aside.place), await storage.chats.by_id(aside.id)):
        assert found is not None
        assert found.choices == chosen
