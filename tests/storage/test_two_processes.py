"""Two processes write to one PostgreSQL database at the same time: neither's work is lost, doubled or mixed up."""

import asyncio
from datetime import UTC
from typing import Any

import pytest

from bot.conversation.eraser import Eraser
from bot.conversation.indexing import Indexer
from storage import Storage, Transaction, until_stored
from storage import database as patience
from storage.deletions import Proposal
from storage.records import Chat, ChatKey, MediaKind, NewMedium, Notice
from storage.vectors import Progress
from tests.storage.two_processes import GROUP, chat_of, count, say, waits

PHOTO = NewMedium(MediaKind.IMAGE, b"a photo", "image/png", 10)


async def _delete(storage: Storage, chat: Chat, *turn_ids: int) -> None:
    async with storage.transaction() as tx:
        await tx.lock_chats(chat.id)
        await storage.deletions.delete_turns(tx, chat.id, turn_ids)
        await _indexer(storage).forgotten(tx, chat.id, turn_ids)


def _indexer(storage: Storage) -> Indexer:
    return Indexer(storage.chats, storage.history, storage.search, UTC)


async def test_notices_of_both_have_different_ids(one: Storage, other: Storage) -> None:
    async with one.transaction() as tx, other.transaction() as also:
        ids = [await one.outbox.add(tx, Notice(GROUP, False, "one"))]
        ids += [await other.outbox.add(also, Notice(GROUP, False, text)) for text in ("two", "three")]
    assert len(set(ids)) == 3


async def test_withdrawn_notices_id_is_never_reused(one: Storage, other: Storage) -> None:
    async with one.transaction() as tx:
        withdrawn = await one.outbox.add(tx, Notice(GROUP, False, "one"))
        await one.outbox.forget(tx, withdrawn)
    async with other.transaction() as tx:
        assert await other.outbox.add(tx, Notice(GROUP, False, "two")) > withdrawn


async def test_photo_survives_deletion_of_its_double(one: Storage, other: Storage) -> None:
    chat = await chat_of(one)
    (turn_id,) = await say(one, chat, "look", media=(PHOTO,))
    second = await chat_of(one, ChatKey(-8))
    (later,) = await say(one, second, "look")
    async with one.transaction() as tx:
        await one.media.add(tx, later, [PHOTO])
        deleting = await waits(_delete(other, chat, turn_id))
    await deleting
    assert await one.media.contents(await one.media.of_turn(later)) != {}


async def test_photo_is_held_before_its_turn_has_it(
    one: Storage, other: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = await chat_of(one)
    (turn_id,) = await say(one, chat, "look", media=(PHOTO,))
    second = await chat_of(one, ChatKey(-8))
    (later,) = await say(one, second, "look")
    execute, deleting = Transaction.execute, list[Any]()

    async def delete_first(tx: Transaction, sql: str, *values: Any) -> int:
        if sql.startswith("INSERT INTO turn_media"):
            deleting.append(await waits(_delete(other, chat, turn_id)))
        return await execute(tx, sql, *values)

    monkeypatch.setattr(Transaction, "execute", delete_first)
    async with one.transaction() as tx:
        await one.media.add(tx, later, [PHOTO])
    await deleting[0]
    assert await one.media.contents(await one.media.of_turn(later)) != {}


async def test_photo_is_stored_again_after_deletion(one: Storage, other: Storage) -> None:
    chat = await chat_of(one)
    (turn_id,) = await say(one, chat, "look", media=(PHOTO,))
    second = await chat_of(one, ChatKey(-8))
    async with other.transaction() as tx:
        await other.deletions.delete_turns(tx, chat.id, [turn_id])
        saying = await waits(say(one, second, "look", media=(PHOTO,)))
    (later,) = await saying
    assert await one.media.contents(await one.media.of_turn(later)) != {}
    await _delete(other, second, later)
    assert await count(one, "media") == 0


async def test_key_of_turn_deleted_meanwhile_goes(
    one: Storage, other: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = await chat_of(one)
    first, second = await say(one, chat, "apples", "pears")
    await _indexer(one).catch_up(chat.id)
    execute, pending = Transaction.execute, [second]

    async def delete_in_between(tx: Transaction, sql: str, *values: Any) -> int:
        changed = await execute(tx, sql, *values)
        if "stale_keys" in sql and "DELETE" in sql and pending and asyncio.current_task() is following:
            pending.clear()
            async with other.database.transaction(alone=True) as their:
                await execute(their, "DELETE FROM turns WHERE id = ?", (second,))
        return changed

    async with other.database.transaction(alone=True) as tx:
        await tx.execute("DELETE FROM turns WHERE id = ?", (first,))
    monkeypatch.setattr(Transaction, "execute", delete_in_between)
    following = asyncio.ensure_future(one.search.index.follow())
    await following
    assert not pending
    await other.search.index.follow()
    rows = await one.database.rows("SELECT turn_id FROM turn_words ORDER BY turn_id")
    assert not {first, second} & {row["turn_id"] for row in rows}


async def test_deletion_waits_until_keys_are_made(one: Storage, other: Storage) -> None:
    chat = await chat_of(one)
    first, second = await say(one, chat, "apples", "pears")
    await _indexer(one).catch_up(chat.id)
    indexer = _indexer(one)
    async with one.search.index.transaction() as tx:
        await tx.lock_chats(chat.id)
        deleting = await waits(_delete(other, chat, first))
    await deleting
    await indexer.resume()
    assert await one.search.find(chat.id, [], after_turn=0, before_turn=second, limit=5) == []
    rows = await one.database.rows("SELECT turn_id, words::text AS words FROM turn_words")
    assert first not in {row["turn_id"] for row in rows}
    assert not any("apple" in row["words"] for row in rows)
    assert second in {row["turn_id"] for row in rows}


async def test_both_erase_what_was_forgotten(one: Storage, other: Storage) -> None:
    chat = await chat_of(one)
    turn_ids = await say(one, chat, *(f"secret {number}" for number in range(60)))
    await _indexer(one).catch_up(chat.id)
    async with one.transaction() as tx:
        await one.deletions.hide(tx, chat.id, turn_ids)
    erasers = [
        Eraser(storage.database, storage.chats, storage.deletions, _indexer(storage)) for storage in (one, other)
    ]
    async with one.transaction() as tx:
        await tx.lock_chats(chat.id)
        erasing = await waits(erasers[1].erase())
    await asyncio.gather(until_stored(erasers[0].erase), erasing)
    await until_stored(erasers[0].erase)
    assert await one.deletions.remaining() == []
    rows = await one.database.rows("SELECT turn_id, words::text AS words FROM turn_words")
    assert not any("secret" in row["words"] for row in rows)
    assert await count(one, "turns") == 60


async def test_both_change_a_page_of_vectors(one: Storage, other: Storage) -> None:
    chat = await chat_of(one)
    turn_ids = await say(one, chat, *(f"turn {number}" for number in range(8)))
    made = dict.fromkeys(turn_ids, b"\x00\x00")
    async with one.transaction() as tx:
        await one.vectors.put(tx, chat.id, made, Progress("model", 1, turn_ids[-1]))
    for turn_id in (turn_ids[1], turn_ids[5]):
        async with one.database.transaction(alone=True) as tx:
            await tx.execute("DELETE FROM turns WHERE id = ?", (turn_id,))
    async with one.transaction() as tx:
        await tx.lock_chats(chat.id)  # as the chat's lane does while it stores a vector
        following = await waits(other.vectors.follow())
    await asyncio.gather(following, one.vectors.follow())
    assert await count(one, "stale_vectors WHERE removed = 0") == 0
    rows = await one.database.rows("SELECT turns FROM vector_pages")
    kept = {
        int.from_bytes(row["turns"][at : at + 8], "little") for row in rows for at in range(0, len(row["turns"]), 8)
    }
    assert not {turn_ids[1], turn_ids[5]} & kept


async def test_purged_reset_is_not_undone(one: Storage, other: Storage) -> None:
    chat = await chat_of(one)
    await say(one, chat, "apples")
    async with one.transaction() as tx:
        reset_id = await one.deletions.reset(tx, chat.id, 0.0)
    assert reset_id is not None

    async def undo() -> bool:
        async with other.transaction() as tx:
            await tx.lock(GROUP.telegram_id)  # as the lane's claim does
            return await other.deletions.undo_reset(tx, chat.id, reset_id, 1.0)

    async with one.transaction() as tx:
        assert await one.deletions.purge_resets(tx, 2.0, 100) == 2
        undoing = await waits(undo())
    assert not await undoing


async def test_proposals_of_the_same_moment_differ(one: Storage, other: Storage) -> None:
    chat, second = await chat_of(one), await chat_of(one, ChatKey(-8))

    async def propose(storage: Storage, chat: Chat) -> int:
        async with storage.transaction() as tx:
            return await storage.deletions.propose(tx, chat.id, Proposal((1,), ()), 5.0)

    async with one.transaction() as tx:
        first = await one.deletions.propose(tx, chat.id, Proposal((1,), ()), 5.0)
        proposing = await waits(propose(other, second))
    assert await proposing != first


async def test_deadlock_is_repeated(one: Storage, other: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "WRITE_AGAIN_AFTER_S", (0.01,) * 3)
    meeting, runs = asyncio.Barrier(2), 0

    async def lock(storage: Storage, *telegram_ids: int) -> None:
        nonlocal runs
        runs += 1
        async with storage.transaction() as tx:
            await tx.lock(telegram_ids[0])
            if runs <= 2:
                await meeting.wait()
            await tx.lock(telegram_ids[1])

    await asyncio.gather(until_stored(lambda: lock(one, 1, 2)), until_stored(lambda: lock(other, 2, 1)))
    assert runs == 3
