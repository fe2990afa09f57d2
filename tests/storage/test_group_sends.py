"""What was being sent to a group when the process died is known, until the message is recorded."""

from storage import Storage
from storage.group_sends import UnknownSend
from storage.records import ChatKey, Notice

GROUP = ChatKey(-1001)


async def _reply(storage: Storage, key: ChatKey = GROUP) -> int:
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, key, private=False, now=0.0)
        return await storage.transcript.begin_reply(tx, chat.id, 0.0, reply_to=3)


async def _begin(storage: Storage, newest: int, turn_id: int | None = None, notice_id: int | None = None) -> None:
    async with storage.transaction() as tx:
        await storage.group_sends.begin(tx, GROUP.telegram_id, newest, turn_id=turn_id, notice_id=notice_id)


async def test_send_is_unknown_until_recorded(storage: Storage) -> None:
    reply = await _reply(storage)
    await _begin(storage, 3, reply)
    assert await storage.group_sends.unknown() == [UnknownSend(GROUP.telegram_id, 3, reply, None)]
    async with storage.transaction() as tx:
        await storage.outbox.reply_begun(tx, reply, 4, rang=True)
    assert await storage.group_sends.unknown() == []


async def test_repeated_send_keeps_first_record(storage: Storage) -> None:
    reply = await _reply(storage)
    await _begin(storage, 3, reply)
    await _begin(storage, 9, reply)
    assert [send.newest for send in await storage.group_sends.unknown()] == [3]


async def test_other_topics_message_is_not_taken(storage: Storage) -> None:
    one, other = await _reply(storage), await _reply(storage, ChatKey(GROUP.telegram_id, 7))
    await _begin(storage, 3, one)
    await _begin(storage, 3, other)
    async with storage.transaction() as tx:
        await storage.outbox.reply_begun(tx, one, 5, rang=True)
    assert await storage.group_sends.unknown() == [UnknownSend(GROUP.telegram_id, 5, other, None)]


async def test_newest_notice_is_remembered(storage: Storage) -> None:
    async with storage.transaction() as tx:
        notice = await storage.outbox.add(tx, Notice(GROUP, False, "Done."))
    await _begin(storage, 3, notice_id=notice)
    async with storage.transaction() as tx:
        await storage.outbox.notice_sent(tx, notice, 4)
    await _begin(storage, 3, await _reply(storage))
    assert [send.newest for send in await storage.group_sends.unknown()] == [4]


async def test_newest_answer_is_remembered(storage: Storage) -> None:
    earlier = await _reply(storage)
    async with storage.transaction() as tx:
        await storage.outbox.reply_begun(tx, earlier, 15, rang=True)
        await storage.outbox.part_delivered(tx, earlier, 14, 5)
    await _begin(storage, 3, await _reply(storage))
    assert [send.newest for send in await storage.group_sends.unknown()] == [15]


async def test_what_was_found_is_remembered(storage: Storage) -> None:
    await _begin(storage, 3, await _reply(storage))
    (send,) = await storage.group_sends.unknown()
    async with storage.transaction() as tx:
        await storage.group_sends.found(tx, send, 8)
        await storage.group_sends.settle(tx)
    await _begin(storage, 3, await _reply(storage))
    assert [send.newest for send in await storage.group_sends.unknown()] == [8]


async def test_edited_notice_is_not_the_newest(storage: Storage) -> None:
    async with storage.transaction() as tx:
        for message_id in (9, 4):
            notice = await storage.outbox.add(tx, Notice(GROUP, False, "Done."))
            await storage.outbox.notice_sent(tx, notice, message_id)
    await _begin(storage, 3, await _reply(storage))
    assert [send.newest for send in await storage.group_sends.unknown()] == [9]


async def test_found_notice_is_edited(storage: Storage) -> None:
    async with storage.transaction() as tx:
        notice = await storage.outbox.add(tx, Notice(GROUP, False, "Done."))
    await _begin(storage, 3, notice_id=notice)
    (send,) = await storage.group_sends.unknown()
    async with storage.transaction() as tx:
        await storage.group_sends.found(tx, send, 4)
        await storage.group_sends.settle(tx)
    assert [found.edits for _, found in await storage.outbox.notices(GROUP)] == [4]
    assert await storage.group_sends.unknown() == []


async def test_what_was_given_up_is_not_looked_for(storage: Storage) -> None:
    reply = await _reply(storage)
    await _begin(storage, 3, reply)
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, GROUP, private=False, now=0.0)
        await storage.transcript.give_up(tx, chat.id)
    assert await storage.group_sends.unknown() == []


async def test_one_groups_sends_are_settled_alone(storage: Storage) -> None:
    await _begin(storage, 3, await _reply(storage))
    assert await storage.group_sends.unknown(-1002) == []
    async with storage.transaction() as tx:
        await storage.group_sends.settle(tx, -1002)
    assert [send.newest for send in await storage.group_sends.unknown(GROUP.telegram_id)] == [3]
    async with storage.transaction() as tx:
        await storage.group_sends.settle(tx, GROUP.telegram_id)
    assert await storage.group_sends.unknown() == []
