"""Where a turn stands is in the database: owed, begun, complete, delivered, replaced."""

from storage import Storage
from storage.records import Chat, NewReply, NewTurn, Role, Usage
from storage.transcript import PendingReply


async def say(storage: Storage, chat: Chat, text: str, message_id: int) -> None:
    async with storage.transaction() as tx:
        turn = NewTurn(text, "\n", tokens=1, message_id=message_id, sender_id=5)
        await storage.transcript.append(tx, chat.id, [turn], now=1.0)


async def reply(storage: Storage, chat: Chat, text: str, replaces: int | None = None) -> int:
    async with storage.transaction() as tx:
        reply_id = await storage.transcript.begin_reply(tx, chat.id, 2.0, reply_to=10, replaces=replaces)
        await storage.transcript.finish_reply(tx, chat.id, reply_id, NewReply(text, 1), Usage(5, 0, 1))
    return reply_id


async def window(storage: Storage, chat: Chat) -> list[str]:
    return [turn.content for turn in (await storage.memories.window(chat.id)).turns]


async def test_nothing_is_owed_in_a_quiet_chat(storage: Storage, chat: Chat) -> None:
    assert await storage.transcript.pending_reply(chat.id) is None


async def test_message_is_pending_with_message_to_quote(storage: Storage, chat: Chat) -> None:
    await say(storage, chat, "hello", 10)
    await say(storage, chat, "anyone?", 11)
    assert await storage.transcript.pending_reply(chat.id) == PendingReply(
        reply_id=None, stale=False, replaces=None, begun=None, reply_to=11, asker=5
    )


async def test_begun_reply_is_found_with_its_message(storage: Storage, chat: Chat) -> None:
    await say(storage, chat, "hello", 10)
    async with storage.transaction() as tx:
        reply_id = await storage.transcript.begin_reply(tx, chat.id, 2.0, reply_to=10)
        await storage.outbox.reply_begun(tx, reply_id, 77, rang=True)
    assert await storage.transcript.pending_reply(chat.id) == PendingReply(
        reply_id, stale=False, replaces=None, begun=77, reply_to=10, asker=5
    )
    assert await window(storage, chat) == ["hello"]


async def test_begun_reply_moves_after_newer_messages(storage: Storage, chat: Chat) -> None:
    await say(storage, chat, "hello", 10)
    async with storage.transaction() as tx:
        stale = await storage.transcript.begin_reply(tx, chat.id, 2.0, reply_to=10)
        await storage.outbox.reply_begun(tx, stale, 77, rang=True)
    await say(storage, chat, "and this", 11)
    pending_reply = await storage.transcript.pending_reply(chat.id)
    assert pending_reply == PendingReply(stale, stale=True, replaces=None, begun=77, reply_to=11, asker=5)
    async with storage.transaction() as tx:
        reply_id = await storage.transcript.replace_stale_reply(tx, chat.id, 3.0, pending_reply)
    again = await storage.transcript.pending_reply(chat.id)
    assert again == PendingReply(reply_id, stale=False, replaces=None, begun=77, reply_to=11, asker=5)
    async with storage.transaction() as tx:
        await storage.transcript.finish_reply(tx, chat.id, reply_id, NewReply("hi", 1), None)
    assert await window(storage, chat) == ["hello", "and this", "hi"]


async def test_finished_reply_joins_window_with_nothing_pending(storage: Storage, chat: Chat) -> None:
    await say(storage, chat, "hello", 10)
    await reply(storage, chat, "hi")
    assert await storage.transcript.pending_reply(chat.id) is None
    turns = (await storage.memories.window(chat.id)).turns
    assert [(turn.role, turn.content, turn.separator) for turn in turns] == [
        (Role.USER, "hello", "\n"),
        (Role.ASSISTANT, "hi", "\n\n"),
    ]


async def test_abandoned_turn_is_kept_but_not_pending(storage: Storage, chat: Chat) -> None:
    await say(storage, chat, "hello", 10)
    async with storage.transaction() as tx:
        await storage.transcript.begin_reply(tx, chat.id, 2.0, reply_to=10)
        await storage.transcript.give_up(tx, chat.id)
    assert await storage.transcript.pending_reply(chat.id) is None
    assert await window(storage, chat) == ["hello"]


async def test_asking_again_without_an_answer_owes_the_question(storage: Storage, chat: Chat) -> None:
    await say(storage, chat, "hello", 10)
    async with storage.transaction() as tx:
        await storage.transcript.give_up(tx, chat.id)
        assert await storage.transcript.ask_again(tx, chat.id, 3.0)
    assert await storage.transcript.pending_reply(chat.id) == PendingReply(
        reply_id=None, stale=False, replaces=None, begun=None, reply_to=10, asker=5
    )


async def test_retry_keeps_old_answer_until_new_completes(storage: Storage, chat: Chat) -> None:
    await say(storage, chat, "hello", 10)
    old = await reply(storage, chat, "old")
    async with storage.transaction() as tx:
        await storage.outbox.part_delivered(tx, old, 20, 3)
        await storage.transcript.sent(tx, old)
        assert await storage.transcript.ask_again(tx, chat.id, 3.0)
    pending_reply = await storage.transcript.pending_reply(chat.id)
    assert pending_reply is not None
    assert (pending_reply.replaces, pending_reply.reply_to) == (old, 10)
    assert [turn.content for turn in (await storage.memories.window(chat.id, without=old)).turns] == ["hello"]
    assert await window(storage, chat) == ["hello", "old"]
    assert pending_reply.reply_id is not None
    async with storage.transaction() as tx:
        await storage.transcript.finish_reply(tx, chat.id, pending_reply.reply_id, NewReply("new", 1), None)
    assert await window(storage, chat) == ["hello", "new"]
    assert await storage.outbox.replaced_messages(chat.id) == [20]
    async with storage.transaction() as tx:
        await storage.transcript.drop_replaced(tx, chat.id)
    assert await storage.outbox.replaced_messages(chat.id) is None


async def test_a_retry_that_fails_leaves_the_old_answer(storage: Storage, chat: Chat) -> None:
    await say(storage, chat, "hello", 10)
    await reply(storage, chat, "old")
    async with storage.transaction() as tx:
        await storage.transcript.ask_again(tx, chat.id, 3.0)
        await storage.transcript.give_up(tx, chat.id)
    assert await window(storage, chat) == ["hello", "old"]
    assert await storage.transcript.pending_reply(chat.id) is None


async def test_empty_chat_has_nothing_to_retry(storage: Storage, chat: Chat) -> None:
    async with storage.transaction() as tx:
        assert not await storage.transcript.ask_again(tx, chat.id, 3.0)


async def test_chat_has_open_work_until_reply_arrives(storage: Storage, chat: Chat) -> None:
    """It is what a restart takes up."""
    assert await storage.chats.with_open_work() == []
    await say(storage, chat, "hello", 10)
    assert await storage.chats.with_open_work() == [chat.key]
    reply_id = await reply(storage, chat, "hi")
    assert await storage.chats.with_open_work() == [chat.key]
    async with storage.transaction() as tx:
        await storage.transcript.sent(tx, reply_id)
    assert await storage.chats.with_open_work() == []


async def test_answer_without_its_question_cannot_be_retried(storage: Storage, chat: Chat) -> None:
    for text, number in (("first", 10), ("second", 12)):
        await say(storage, chat, text, number)
        await reply(storage, chat, f"answer to the {text}")
    async with storage.transaction() as tx:
        await tx.execute("DELETE FROM turns WHERE content = 'second'")
    async with storage.transaction() as tx:
        assert not await storage.transcript.ask_again(tx, chat.id, 3.0)
    assert await storage.transcript.pending_reply(chat.id) is None
