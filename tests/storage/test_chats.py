"""Conversations, and what they have chosen.

Titles that were made for topics, and not set yet.
"""

from dataclasses import fields, replace
from typing import Literal, get_args, get_origin

import pytest

from storage import Storage
from storage.chats import SETTINGS
from storage.records import Chat, ChatKey, ChatSettings
from tests.storage.catalog import columns
from tests.storage.test_transcript import reply, say

OTHER_COLUMNS = {
    *("id", "telegram_id", "thread_id", "direct", "private", "created_at", "reset_turn", "stamped_at", "epoch"),
    *("due_at", "compact_failures", "heard_language", "gone", "greeted", "indexed_turn", "old_turn"),
}
"""Of the table of chats: what no chat chooses."""


def all_chosen() -> ChatSettings:
    """A value for every setting, made of its type."""
    values: dict[str, object] = {}
    for field in fields(ChatSettings):
        kind = next(one for one in get_args(field.type) if one is not type(None))
        values[field.name] = get_args(kind)[-1] if get_origin(kind) is Literal else {bool: False, str: "de"}[kind]
    return ChatSettings(**values)  # type: ignore[arg-type]


async def test_each_column_is_a_setting_or_listed(storage: Storage) -> None:
    assert await columns(storage.database, "chats") == {*SETTINGS, *OTHER_COLUMNS}


async def test_every_setting_is_kept(storage: Storage, chat: Chat) -> None:
    chosen = all_chosen()
    assert None not in [getattr(chosen, name) for name in SETTINGS]
    async with storage.transaction() as tx:
        await storage.chats.choose(tx, chat.id, chosen)
    found = await storage.chats.by_id(chat.id)
    assert found is not None
    assert found.settings == chosen


async def test_ephemeral_chat_uses_its_groups_settings(storage: Storage) -> None:
    async with storage.transaction() as tx:
        aside = await storage.chats.ensure(tx, ChatKey.aside(-5, 7), private=False, now=1.0)
        assert aside.settings == ChatSettings()
        group = await storage.chats.ensure(tx, ChatKey(-5), private=False, now=1.0)
        chosen = replace(group.settings, persona="A pirate", language="ru")
        await storage.chats.choose(tx, group.id, chosen)
    async with storage.transaction() as tx:
        assert (await storage.chats.ensure(tx, aside.key, private=False, now=2.0)).settings == chosen
    window = await storage.memories.window(aside.id)
    for found in (window.chat, await storage.chats.find(aside.key), await storage.chats.by_id(aside.id)):
        assert found is not None
        assert found.settings == chosen


@pytest.mark.parametrize("way", ["reset", "forget"])
async def test_a_title_is_forgotten_with_its_words(storage: Storage, chat: Chat, way: str) -> None:
    await say(storage, chat, "my secret", 10)
    turn = await reply(storage, chat, "yes")
    async with storage.transaction() as tx:
        await storage.chats.mark_untitled(tx, chat.key)
        await storage.chats.keep_title(tx, chat.key, "A secret")
    async with storage.transaction() as tx:
        if way == "reset":
            await storage.deletions.reset(tx, chat.id, 100.0)
        else:
            await storage.deletions.hide(tx, chat.id, [turn])
    assert await storage.chats.title_to_set(chat.key) is None
    assert await storage.chats.is_untitled(chat.key)
