"""A notice waits until it is sent, and is remembered while it has a button.

A delivery goes on where it stopped.
"""

from dataclasses import replace

import pytest

from storage import Storage
from storage.records import Button, Chat, ChatKey, Delivery, Notice
from tests.storage.conftest import HOME
from tests.storage.test_transcript import reply, say


async def _add(storage: Storage, notice: Notice) -> int:
    async with storage.transaction() as tx:
        await storage.outbox.add(tx, notice)
    return (await storage.outbox.notices(notice.key))[-1][0]


async def test_a_notice_waits_until_it_was_sent(storage: Storage) -> None:
    notice = Notice(HOME, private=True, text="hello", reply_to=3)
    notice_id = await _add(storage, notice)
    assert await storage.outbox.notices(HOME) == [(notice_id, notice)]
    assert await storage.chats.with_open_work() == [HOME]
    async with storage.transaction() as tx:
        await storage.outbox.notice_sent(tx, notice_id, 50)
    assert await storage.outbox.notices(HOME) == []
    assert await storage.chats.with_open_work() == []


async def test_expired_button_is_removed(storage: Storage) -> None:
    notice = Notice(HOME, private=True, text="done", buttons=(Button("Undo", "undo:1"),), button_until=60.0)
    notice_id = await _add(storage, notice)
    assert await storage.outbox.expired_buttons(61.0) == []
    async with storage.transaction() as tx:
        await storage.outbox.notice_sent(tx, notice_id, 50)
    assert await storage.outbox.expired_buttons(59.0) == []
    assert await storage.outbox.expired_buttons(60.0) == [(notice_id, HOME.telegram_id, 50)]
    async with storage.transaction() as tx:
        await storage.outbox.button_gone(tx, HOME, 50)
    assert await storage.outbox.expired_buttons(61.0) == []


async def test_notice_set_aside_can_be_renewed(storage: Storage) -> None:
    notice = Notice(HOME, private=True, text="hello")
    notice_id = await _add(storage, notice)
    async with storage.transaction() as tx:
        assert not await storage.outbox.renew(tx, HOME, notice_id)
        await storage.outbox.set_aside(tx, notice_id, 60.0)
    assert await storage.outbox.notices(HOME) == []
    async with storage.transaction() as tx:
        assert not await storage.outbox.renew(tx, replace(HOME, thread_id=9), notice_id)
        assert await storage.outbox.renew(tx, HOME, notice_id)
    assert await storage.outbox.notices(HOME) == [(notice_id, notice)]


async def test_what_is_taken_back_lends_no_id(storage: Storage) -> None:
    stopped = await _add(storage, Notice(HOME, private=True, text="long " * 1000))
    async with storage.transaction() as tx:
        assert await storage.outbox.stop(tx, HOME) == 1
    told = Notice(HOME, private=True, text="Stopped.")
    added = await _add(storage, told)
    async with storage.transaction() as tx:  # a part of it was on its way, and has arrived
        await storage.outbox.notice_sent(tx, stopped, 50)
    assert await storage.outbox.notices(HOME) == [(added, told)]


async def test_stored_reply_is_delivered_from_its_beginning(storage: Storage, chat: Chat) -> None:
    await say(storage, chat, "hello", 10)
    reply_id = await reply(storage, chat, "a long answer")
    assert await storage.outbox.deliveries(chat.id) == [Delivery(reply_id, "a long answer", 0, None, 10)]


async def test_preview_is_edited_into_first_part_only(storage: Storage, chat: Chat) -> None:
    reply_id = await reply(storage, chat, "a long answer")
    async with storage.transaction() as tx:
        await storage.outbox.reply_begun(tx, reply_id, 77, rang=True)
    assert await storage.outbox.deliveries(chat.id) == [Delivery(reply_id, "a long answer", 0, 77, 10, rang=True)]
    async with storage.transaction() as tx:
        await storage.outbox.part_delivered(tx, reply_id, 77, 6)
    assert await storage.outbox.deliveries(chat.id) == [Delivery(reply_id, "a long answer", 6, None, 10, rang=True)]


async def test_what_was_sent_is_not_open(storage: Storage, chat: Chat) -> None:
    reply_id = await reply(storage, chat, "hi")
    async with storage.transaction() as tx:
        await storage.transcript.sent(tx, reply_id)
    assert await storage.outbox.deliveries(chat.id) == []


async def test_reply_set_aside_can_be_renewed(storage: Storage, chat: Chat) -> None:
    reply_id = await reply(storage, chat, "a long answer")
    async with storage.transaction() as tx:
        await storage.outbox.part_delivered(tx, reply_id, 77, 6)
        await storage.transcript.sent(tx, reply_id)
        assert not await storage.transcript.send_again(tx, replace(chat.key, telegram_id=99), reply_id)
        assert await storage.transcript.send_again(tx, chat.key, reply_id)
    assert [one.end for one in await storage.outbox.deliveries(chat.id)] == [6]


@pytest.mark.parametrize("first", [77, -77])
async def test_new_answer_keeps_old_ones_first_message(storage: Storage, chat: Chat, first: int) -> None:
    old = await reply(storage, chat, "a long answer")
    step = 1 if first > 0 else -1  # what only one member of a group sees has negative numbers
    async with storage.transaction() as tx:
        for number in range(3):
            await storage.outbox.part_delivered(tx, old, first + step * number, number + 1)
        await storage.transcript.sent(tx, old)
        await storage.transcript.rewrite_reply(tx, chat.id, old, 3.0, None)
        rows = await tx.rows("SELECT message_id FROM turn_messages WHERE turn_id > ?", (old,))
    assert [row["message_id"] for row in rows] == [first]


async def test_equal_notices_that_wait_are_folded(storage: Storage) -> None:
    here, there = ChatKey(1), ChatKey(2)
    async with storage.transaction() as tx:
        for number in range(50):
            await storage.outbox.add(tx, Notice(here, True, "Nothing to stop.", reply_to=number))
            await storage.outbox.add(tx, Notice(here, True, f"Number {number}"))
            await storage.outbox.add(tx, Notice(here, True, "Again?", buttons=(Button("Yes", str(number)),)))
        await storage.outbox.add(tx, Notice(there, True, "Nothing to stop."))
    waiting = [notice for _, notice in await storage.outbox.notices(here)]
    assert [notice.reply_to for notice in waiting if notice.text == "Nothing to stop."] == [47, 48, 49]
    assert len(waiting) == 50 + 50 + 3
    assert len(await storage.outbox.notices(there)) == 1
