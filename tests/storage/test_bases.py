"""What an answer was based on is kept with it, and what is forgotten leaves no trace there."""

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from storage import Storage, bases, presence
from storage import sqlite as migrations
from storage.bases import Basis, Extent, FoundTurn
from storage.memories import Memory
from storage.records import Chat, ChatKey, NewReply, Usage
from tests.storage.test_transcript import reply, say

ZOE = FoundTurn(1, shown=True, overall_rank=1, words_rank=1, meaning_rank=2)
BESIDE = FoundTurn(2, shown=True)
MISSED = FoundTurn(3, shown=False, overall_rank=2, words_rank=2)


def basis(*found: FoundTurn, notes_tokens: int = 0) -> Basis:
    usage = Usage(900, 600, 40, estimated=1)
    return Basis(5, 4, 2, notes_tokens, "m", usage, price=0.25, currency="USD", found=found)


async def put(storage: Storage, chat: Chat, reply_id: int, what: Basis, notes: str = "") -> None:
    async with storage.transaction() as tx:
        await storage.bases.put(tx, chat, reply_id, what, notes)


async def talk(storage: Storage, chat: Chat, texts: Sequence[str] = ("Zoe", "Bob", "Cat", "Dog", "who?")) -> int:
    """Say these, and answer the last one."""
    for number, text in enumerate(texts, 10):
        await say(storage, chat, text, number)
    return await reply(storage, chat, "Zoe")


async def found(storage: Storage, chat: Chat, reply_id: int) -> tuple[FoundTurn, ...]:
    read = await storage.bases.of(chat, reply_id)
    return read.found if read else ()


async def now(storage: Storage, chat: Chat) -> Chat:
    read = await storage.chats.find(chat.key)
    assert read is not None
    return read


async def count(storage: Storage) -> tuple[int, int]:
    rows = await storage.database.rows(
        "SELECT (SELECT count(*) FROM bases) AS records, (SELECT count(*) FROM basis_turns) AS turns"
    )
    first, second = dict(rows[0]).values()
    return first, second


async def test_what_was_recorded_is_read_back(storage: Storage, chat: Chat) -> None:
    reply_id = await talk(storage, chat)
    await put(storage, chat, reply_id, basis(ZOE, BESIDE, MISSED))
    assert await storage.bases.of(chat, reply_id) == basis(ZOE, BESIDE, MISSED)
    assert await storage.bases.last_answer(chat) == reply_id


async def test_best_turns_come_first_and_misses_last(storage: Storage, chat: Chat) -> None:
    reply_id = await talk(storage, chat)
    await put(storage, chat, reply_id, basis(MISSED, BESIDE, ZOE))
    assert await found(storage, chat, reply_id) == (ZOE, BESIDE, MISSED)


async def test_an_answer_without_a_record_has_none(storage: Storage, chat: Chat) -> None:
    assert await storage.bases.last_answer(chat) is None
    reply_id = await talk(storage, chat)
    assert await storage.bases.of(chat, reply_id) is None


async def test_a_forgotten_turn_leaves_the_record(storage: Storage, chat: Chat) -> None:
    reply_id = await talk(storage, chat)
    await put(storage, chat, reply_id, basis(ZOE, BESIDE))
    async with storage.transaction() as tx:
        await storage.deletions.hide(tx, chat.id, [1])
    assert await found(storage, chat, reply_id) == (BESIDE,)
    (left,) = await storage.deletions.remaining()
    async with storage.transaction() as tx:
        await storage.deletions.delete_turns(tx, chat.id, await storage.deletions.return_to_chat(tx, left, 9))
    assert await found(storage, chat, reply_id) == (BESIDE,)
    assert await count(storage) == (1, 1)


async def test_a_forgotten_answer_takes_its_record_along(storage: Storage, chat: Chat) -> None:
    reply_id = await talk(storage, chat)
    await put(storage, chat, reply_id, basis(ZOE, BESIDE))
    async with storage.transaction() as tx:
        await storage.deletions.delete_turns(tx, chat.id, [reply_id])
    assert await count(storage) == (0, 0)


async def test_what_was_forgotten_meanwhile_is_not_recorded(storage: Storage, chat: Chat) -> None:
    reply_id = await talk(storage, chat)
    async with storage.transaction() as tx:
        await storage.deletions.hide(tx, chat.id, [1])
        await storage.deletions.delete_turns(tx, chat.id, [2])
    await put(storage, chat, reply_id, basis(ZOE, BESIDE, MISSED))
    assert await found(storage, chat, reply_id) == (MISSED,)


async def test_an_answer_that_is_gone_gets_no_record(storage: Storage, chat: Chat) -> None:
    reply_id = await talk(storage, chat)
    async with storage.transaction() as tx:
        await storage.deletions.delete_turns(tx, chat.id, [reply_id])
    await put(storage, chat, reply_id, basis(ZOE))
    assert await count(storage) == (0, 0)


async def test_a_reset_hides_it_until_undone(storage: Storage, chat: Chat) -> None:
    reply_id = await talk(storage, chat)
    await put(storage, chat, reply_id, basis(ZOE))
    async with storage.transaction() as tx:
        reset_id = await storage.deletions.reset(tx, chat.id, 100.0)
    assert await storage.bases.of(await now(storage, chat), reply_id) is None
    assert await storage.bases.last_answer(await now(storage, chat)) is None
    async with storage.transaction() as tx:
        assert await storage.deletions.undo_reset(tx, chat.id, reset_id or 0, 101.0)
    assert await found(storage, await now(storage, chat), reply_id) == (ZOE,)


async def test_purging_a_reset_deletes_it(storage: Storage, chat: Chat) -> None:
    await put(storage, chat, await talk(storage, chat), basis(ZOE))
    async with storage.transaction() as tx:
        await storage.deletions.reset(tx, chat.id, 100.0)
        await storage.deletions.purge_resets(tx, before=500.0, limit=99)
    assert await count(storage) == (0, 0)


async def test_each_answer_to_a_question_has_its_own(storage: Storage, chat: Chat) -> None:
    first = await talk(storage, chat)
    await put(storage, chat, first, basis(ZOE))
    second = await reply(storage, chat, "Bob", replaces=first)
    await put(storage, chat, second, basis(BESIDE))
    assert await storage.bases.last_answer(chat) == second
    assert await found(storage, chat, second) == (BESIDE,)
    async with storage.transaction() as tx:
        await storage.transcript.drop_replaced(tx, chat.id)
    assert await count(storage) == (1, 1)


async def test_the_notes_of_then_are_named(storage: Storage, chat: Chat) -> None:
    reply_id = await talk(storage, chat)
    async with storage.transaction() as tx:
        for text in ("- Ann sails.", "- Ann sails.\n- Bob rows."):
            await storage.memories.put(tx, chat, Memory(3, text, 5, 1.0))
    await put(storage, chat, reply_id, basis(notes_tokens=5), notes="- Ann sails.")
    read = await storage.bases.of(chat, reply_id)
    assert read is not None
    assert read.notes_id is not None
    version = await storage.memories.version(chat, read.notes_id)
    assert version is not None
    assert version.text == "- Ann sails."


async def test_notes_that_were_changed_meanwhile_have_no_version(storage: Storage, chat: Chat) -> None:
    reply_id = await talk(storage, chat)
    await put(storage, chat, reply_id, basis(notes_tokens=5), notes="- Ann sails.")
    assert await storage.bases.of(chat, reply_id) == basis(notes_tokens=5)


async def test_the_extent_is_of_what_is_there(storage: Storage, chat: Chat) -> None:
    reply_id = await talk(storage, chat)
    assert await storage.bases.extent(chat, reply_id, 4) == Extent(5, 1.0)
    assert await storage.bases.extent(chat, reply_id, None) == Extent(5, None)
    async with storage.transaction() as tx:
        await storage.deletions.delete_turns(tx, chat.id, [4, 5])
    assert await storage.bases.extent(chat, reply_id, 4) == Extent(3, None)


async def test_no_more_turns_are_counted_than_needed(
    storage: Storage, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply_id = await talk(storage, chat)
    monkeypatch.setattr(bases, "MOST_COUNTED", 3)
    assert (await storage.bases.extent(chat, reply_id, 4)).turns == 4


async def test_a_group_that_moves_keeps_it(storage: Storage) -> None:
    async with storage.transaction() as tx:
        old = await storage.chats.ensure(tx, ChatKey(-5), private=False, now=0.0)
        new = await storage.chats.ensure(tx, ChatKey(-1005), private=False, now=0.0)
    reply_id = await talk(storage, old)
    await put(storage, old, reply_id, basis(ZOE))
    await say(storage, new, "hello from here", 3)
    async with storage.transaction() as tx:
        await presence.migrate(tx, -5, -1005)
    moved = await now(storage, new)
    assert await found(storage, moved, reply_id) == (ZOE,)
    assert await storage.bases.of(old, reply_id) is None


async def test_another_chat_does_not_get_to_see_it(storage: Storage, chat: Chat) -> None:
    reply_id = await talk(storage, chat)
    await put(storage, chat, reply_id, basis(ZOE))
    async with storage.transaction() as tx:
        other = await storage.chats.ensure(tx, ChatKey(7), private=True, now=0.0)
    assert await storage.bases.of(other, reply_id) is None


async def test_a_database_of_schema_16_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "keepsake.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        for step in migrations.after(0):
            if step.version <= 16:
                old.executescript(step.script)
        old.execute("PRAGMA user_version = 16")
        old.execute("INSERT INTO chats (id, telegram_id, private, created_at) VALUES (7, 1001, 1, 1.0)")
        old.executemany(
            "INSERT INTO turns (id, chat_id, role, state, content, created_at) VALUES (?, 7, ?, ?, ?, ?)",
            [(2, "user", "settled", "where is my boat?", 2.0), (3, "assistant", "sent", "at sea", 3.0)],
        )
    storage = await Storage.open(path)
    try:
        chat = await storage.chats.find(ChatKey(1001))
        assert chat is not None
        assert await storage.bases.last_answer(chat) == 3
        assert await storage.bases.of(chat, 3) is None
        async with storage.transaction() as tx:
            reply_id = await storage.transcript.begin_reply(tx, chat.id, 4.0, reply_to=None)
            await storage.transcript.finish_reply(tx, chat.id, reply_id, NewReply("still there", 3), None)
            await storage.bases.put(tx, chat, reply_id, basis(FoundTurn(2, shown=True)), "")
        assert await found(storage, chat, reply_id) == (FoundTurn(2, shown=True),)
    finally:
        await storage.close()


async def test_recording_takes_no_longer_in_a_long_chat(storage: Storage, chat: Chat) -> None:
    reply_id = await talk(storage, chat)
    found = tuple(FoundTurn(turn_id, shown=True, overall_rank=turn_id) for turn_id in range(1, 6))

    async def best() -> float:
        times = []
        for _ in range(5):
            started = time.perf_counter()
            async with storage.transaction() as tx:
                await tx.execute("DELETE FROM bases")
                await storage.bases.put(tx, chat, reply_id, basis(*found), "")
            times.append(time.perf_counter() - started)
        return min(times)

    short = await best()
    async with storage.transaction() as tx:
        await tx.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
            " INSERT INTO turns (chat_id, role, state, content, created_at)"
            " SELECT ?, 'user', 'settled', 'so', i FROM n",
            (chat.id,),
        )
    assert await best() < 5 * short + 0.02
