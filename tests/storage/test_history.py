"""A Telegram message is found by its chat and number, whatever becomes of the chat."""

from storage import Storage
from storage.records import Chat, ChatKey
from tests.storage.test_transcript import say

OTHER = ChatKey(2002)


async def test_two_chats_number_their_messages_alike(storage: Storage, chat: Chat) -> None:
    async with storage.transaction() as tx:
        other = await storage.chats.ensure(tx, OTHER, private=True, now=0.0)
    await say(storage, chat, "mine", 10)
    await say(storage, other, "theirs", 10)
    for number in (0, 0):  # ephemeral messages
        await say(storage, chat, "whisper", number)
    for key, content in ((chat, "mine"), (other, "theirs")):
        async with storage.transaction() as tx:
            await storage.transcript.give_up(tx, key.id)
        found = await storage.history.of_message(key.id, 10)
        assert found is not None
        assert found.content == content
        stored = await storage.edits.find(key.id, 10)
        assert stored is not None
        assert stored.content == content
    whisper = await storage.history.of_message(chat.id, 0)
    assert whisper is not None
    assert whisper.content == "whisper"


async def test_messages_follow_their_turns_to_another_chat(storage: Storage, chat: Chat) -> None:
    await say(storage, chat, "mine", 10)
    async with storage.transaction() as tx:
        await storage.transcript.give_up(tx, chat.id)
        other = await storage.chats.ensure(tx, OTHER, private=True, now=0.0)
        await tx.execute("UPDATE turns SET chat_id = ? WHERE chat_id = ?", (other.id, chat.id))
    assert await storage.history.of_message(chat.id, 10) is None
    assert await storage.history.of_message(other.id, 10) is not None


async def test_turns_next_to_a_turn_are_found(storage: Storage, chat: Chat) -> None:
    for number in range(1, 6):
        await say(storage, chat, f"turn {number}", number)
    async with storage.transaction() as tx:
        await storage.transcript.give_up(tx, chat.id)
    ids = [row["id"] for row in await storage.database.rows("SELECT id FROM turns WHERE chat_id = ?", (chat.id,))]
    found = await storage.history.around(chat.id, [sorted(ids)[2]], after_turn=0, before_turn=max(ids) + 1)
    assert [turn.content for turn in found] == ["turn 2", "turn 3", "turn 4"]
