"""A reset hides at once, can be undone for a minute, and deletes for good later."""

from storage import Storage
from storage.deletions import UNDO_S
from storage.records import Chat
from tests.storage.test_transcript import reply, say, window


async def _reset(storage: Storage, chat: Chat, now: float) -> int | None:
    async with storage.transaction() as tx:
        return await storage.deletions.reset(tx, chat.id, now)


async def _undo(storage: Storage, chat: Chat, reset_id: int | None, now: float) -> bool:
    assert reset_id is not None
    async with storage.transaction() as tx:
        return await storage.deletions.undo_reset(tx, chat.id, reset_id, now)


async def test_reset_removes_earlier_turns_from_window(storage: Storage, chat: Chat) -> None:
    await say(storage, chat, "before", 10)
    await reply(storage, chat, "yes")
    assert await _reset(storage, chat, 100.0) is not None
    await say(storage, chat, "after", 11)
    assert await window(storage, chat) == ["after"]


async def test_an_empty_chat_has_nothing_to_reset(storage: Storage, chat: Chat) -> None:
    assert await _reset(storage, chat, 100.0) is None
    await say(storage, chat, "hello", 10)
    await _reset(storage, chat, 100.0)
    assert await _reset(storage, chat, 101.0) is None


async def test_reset_can_be_undone_once_within_minute(storage: Storage, chat: Chat) -> None:
    await say(storage, chat, "before", 10)
    reset_id = await _reset(storage, chat, 100.0)
    await say(storage, chat, "between", 11)
    assert await _undo(storage, chat, reset_id, 100.0 + UNDO_S)
    assert await window(storage, chat) == ["before", "between"]
    assert not await _undo(storage, chat, reset_id, 100.0 + UNDO_S)


async def test_after_a_minute_it_is_too_late(storage: Storage, chat: Chat) -> None:
    await say(storage, chat, "before", 10)
    reset_id = await _reset(storage, chat, 100.0)
    assert not await _undo(storage, chat, reset_id, 101.0 + UNDO_S)
    assert await window(storage, chat) == []


async def test_later_reset_shields_earlier_from_undo(storage: Storage, chat: Chat) -> None:
    await say(storage, chat, "first", 10)
    first = await _reset(storage, chat, 100.0)
    await say(storage, chat, "second", 11)
    await _reset(storage, chat, 110.0)
    assert not await _undo(storage, chat, first, 111.0)
    assert await window(storage, chat) == []


async def test_purge_deletes_old_resets_keeps_undone(storage: Storage, chat: Chat) -> None:
    await say(storage, chat, "gone", 10)
    await _reset(storage, chat, 100.0)
    await say(storage, chat, "undone", 11)
    await _undo(storage, chat, await _reset(storage, chat, 200.0), 201.0)
    await say(storage, chat, "fresh", 12)
    await _reset(storage, chat, 900.0)
    async with storage.transaction() as tx:
        assert await storage.deletions.purge_resets(tx, before=500.0, limit=9) == 1
    rows = await storage.database.rows("SELECT content FROM turns ORDER BY id")
    assert [row["content"] for row in rows] == ["undone", "fresh"]
    async with storage.transaction() as tx:
        assert await storage.deletions.purge_resets(tx, before=1000.0, limit=9) == 2


async def test_long_history_is_purged_in_parts(storage: Storage, chat: Chat) -> None:
    for number in range(10):
        await say(storage, chat, f"word {number}", number)
    await _reset(storage, chat, 100.0)
    await say(storage, chat, "fresh", 12)
    purged: list[int] = []
    while not purged or purged[-1] == 4:
        async with storage.transaction() as tx:
            purged.append(await storage.deletions.purge_resets(tx, before=500.0, limit=4))
    assert purged == [4, 4, 2]
    assert await window(storage, chat) == ["fresh"]
    assert not await storage.database.rows("SELECT 1 FROM resets")
