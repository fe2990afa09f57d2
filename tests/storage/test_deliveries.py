"""A delivery goes on where it stopped."""

from dataclasses import replace

import pytest

from storage import Storage
from storage.records import Chat, Delivery
from tests.storage.test_transcript import reply, say


async def test_stored_reply_is_delivered_from_its_beginning(storage: Storage, chat: Chat) -> None:
    await say(storage, chat, "hello", 10)
    reply_id = await reply(storage, chat, "a long answer")
    assert await storage.deliveries.open(chat.id) == [Delivery(reply_id, "a long answer", 0, None, 10)]


async def test_preview_is_edited_into_first_part_only(storage: Storage, chat: Chat) -> None:
    reply_id = await reply(storage, chat, "a long answer")
    async with storage.transaction() as tx:
        await storage.deliveries.begun(tx, reply_id, 77, rang=True)
    assert await storage.deliveries.open(chat.id) == [Delivery(reply_id, "a long answer", 0, 77, 10, rang=True)]
    async with storage.transaction() as tx:
        await storage.deliveries.delivered(tx, reply_id, 77, 6)
    assert await storage.deliveries.open(chat.id) == [Delivery(reply_id, "a long answer", 6, None, 10, rang=True)]


async def test_what_was_sent_is_not_open(storage: Storage, chat: Chat) -> None:
    reply_id = await reply(storage, chat, "hi")
    async with storage.transaction() as tx:
        await storage.transcript.sent(tx, reply_id)
    assert await storage.deliveries.open(chat.id) == []


async def test_reply_set_aside_can_be_renewed(storage: Storage, chat: Chat) -> None:
    reply_id = await reply(storage, chat, "a long answer")
    async with storage.transaction() as tx:
        await storage.deliveries.delivered(tx, reply_id, 77, 6)
        await storage.transcript.sent(tx, reply_id)
        assert not await storage.transcript.send_again(tx, replace(chat.place, telegram_id=99), reply_id)
        assert await storage.transcript.send_again(tx, chat.place, reply_id)
    assert [one.end for one in await storage.deliveries.open(chat.id)] == [6]


@pytest.mark.parametrize("first", [77, -77])
async def test_new_answer_keeps_old_ones_first_message(storage: Storage, chat: Chat, first: int) -> None:
    old = await reply(storage, chat, "a long answer")
    step = 1 if first > 0 else -1  # what only one member of a group sees has negative numbers
    async with storage.transaction() as tx:
        for number in range(3):
            await storage.deliveries.delivered(tx, old, first + step * number, number + 1)
        await storage.transcript.sent(tx, old)
        await storage.transcript.answer_anew(tx, chat.id, old, 3.0, None)
        rows = await tx.rows("SELECT message_id FROM turn_messages WHERE turn_id > ?", (old,))
    assert [row["message_id"] for row in rows] == [first]
