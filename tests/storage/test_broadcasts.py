"""A broadcast is handed out a few chats at a time: each leaves the list with its notice, in one transaction."""

import pytest

from storage import Storage, presence
from storage.broadcasts import BroadcastContent
from storage.records import ChatKey, Notice


async def _begun(storage: Storage, *chats: int) -> int:
    async with storage.transaction() as tx:
        number = await storage.broadcasts.propose(tx, 1, BroadcastContent("Tea!"), 0.0)
        assert not await storage.broadcasts.begin(tx, number, 2, chats)  # another owner's
        assert await storage.broadcasts.begin(tx, number, 1, chats)
        assert not await storage.broadcasts.begin(tx, number, 1, chats)
        assert not await storage.broadcasts.drop(tx, number, 1)
    return number


async def _hand_out(storage: Storage, number: int, most: int, *, fail: bool = False) -> list[int]:
    async with storage.transaction() as tx:
        chats = await storage.broadcasts.next_chats(tx, number, most)
        for chat in chats:
            await storage.outbox.add(tx, Notice(ChatKey(chat), True, "Tea!", broadcast=number))
        if fail:
            raise RuntimeError
    return chats


async def test_broadcast_resumes_after_crash_without_duplicates(storage: Storage) -> None:
    number = await _begun(storage, 5, 6, 7, 8, 9)
    assert await _hand_out(storage, number, 2) == [5, 6]
    with pytest.raises(RuntimeError):
        await _hand_out(storage, number, 2, fail=True)
    assert await _hand_out(storage, number, 9) == [7, 8, 9]
    assert await _hand_out(storage, number, 9) == []
    keys = await storage.outbox.waiting_keys()
    assert sorted(key.telegram_id for key in keys) == [5, 6, 7, 8, 9]


async def test_broadcast_ends_when_every_chat_is_settled(storage: Storage) -> None:
    """Each chat has it or cannot have it."""
    number = await _begun(storage, 5, 6, 7, 8)
    async with storage.transaction() as tx:
        await presence.left(tx, 6)
    assert await _hand_out(storage, number, 9) == [5, 7, 8]
    for key, arrives in ((5, True), (7, False)):
        [(notice_id, _)] = await storage.outbox.notices(ChatKey(key))
        async with storage.transaction() as tx:
            assert await storage.broadcasts.finish(tx, number) is None
            if arrives:
                await storage.outbox.notice_sent(tx, notice_id, 77)
            else:
                await storage.outbox.forget(tx, notice_id)
    async with storage.transaction() as tx:
        await presence.left(tx, 8)  # blocks the bot while its notice waits
        done = await storage.broadcasts.finish(tx, number)
        assert await storage.broadcasts.finish(tx, number) is None
    assert done is not None
    assert (done.chats, done.sent) == (4, 1)


async def test_nothing_is_kept_of_what_is_not_sent(storage: Storage) -> None:
    async with storage.transaction() as tx:
        number = await storage.broadcasts.propose(tx, 1, BroadcastContent("A secret", '[{"url": "x"}]', "{}", 7), 0.0)
        assert await storage.broadcasts.drop(tx, number, 1)
        [kept] = await tx.rows("SELECT text, entities, preview, copied FROM broadcasts")
    assert tuple(dict(kept).values()) == ("", "[]", None, None)


async def test_a_broadcast_that_is_stopped_goes_no_further(storage: Storage) -> None:
    number = await _begun(storage, 5, 6, 7)
    assert await _hand_out(storage, number, 2) == [5, 6]
    [(notice_id, _)] = await storage.outbox.notices(ChatKey(5))
    async with storage.transaction() as tx:
        await storage.outbox.notice_sent(tx, notice_id, 77)
        assert await storage.broadcasts.stop(tx, 2) == []
        [stopped] = await storage.broadcasts.stop(tx, 1)
        assert await storage.broadcasts.stop(tx, 1) == []
    assert (stopped.chats, stopped.sent) == (3, 1)
    assert await storage.outbox.waiting_keys() == []
    assert await storage.broadcasts.sending() == []
    assert await storage.broadcasts.content(number) is None
    assert await _hand_out(storage, number, 2) == []
