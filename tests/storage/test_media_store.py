"""Pictures of turns: stored once, and gone with the last turn that has them."""

import pytest

from bot.conversation.spoofing import skeleton
from storage import Storage
from storage.records import ChatKey, MediaKind, NewMedium, NewTurn

PICTURE = NewMedium(MediaKind.IMAGE, b"picture", "image/jpeg", 70)
SOUND = NewMedium(MediaKind.AUDIO, b"sound", "mp3", 50)


async def _say(storage: Storage, key: int, *media: NewMedium) -> int:
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, ChatKey(key), private=True, now=0.0)
        turn = NewTurn("[photo]", "\n", 5, 1, 5, media=media)
        await storage.transcript.append(tx, chat.id, [turn], 0.0)
    return chat.id


async def _stored(storage: Storage) -> list[bytes]:
    return [row["bytes"] for row in await storage.database.rows("SELECT bytes FROM media ORDER BY bytes")]


async def test_a_turn_has_its_media_in_order(storage: Storage) -> None:
    chat_id = await _say(storage, 1, SOUND, PICTURE)
    [turn] = await storage.memories.turns_since(chat_id, 0)
    assert [(medium.kind, medium.format, medium.tokens) for medium in turn.media] == [
        (MediaKind.AUDIO, "mp3", 50),
        (MediaKind.IMAGE, "image/jpeg", 70),
    ]
    contents = await storage.media.contents([medium.hash for medium in turn.media])
    assert [contents[medium.hash] for medium in turn.media] == [b"sound", b"picture"]


async def test_picture_is_stored_once_until_last_use(storage: Storage) -> None:
    """It is deleted with the last turn that has it."""
    first, second = await _say(storage, 1, PICTURE), await _say(storage, 2, PICTURE)
    assert await _stored(storage) == [b"picture"]
    for chat_id, left in ((first, [b"picture"]), (second, [])):
        [turn] = await storage.memories.turns_since(chat_id, 0)
        async with storage.transaction() as tx:
            await storage.deletions.delete_turns(tx, chat_id, [turn.id])
        assert await _stored(storage) == left


async def test_a_refused_picture_is_known_as_such(storage: Storage) -> None:
    chat_id = await _say(storage, 1, PICTURE)
    [turn] = await storage.memories.turns_since(chat_id, 0)
    async with storage.transaction() as tx:
        await storage.media.refuse(tx, [turn.id])
    [turn] = await storage.memories.turns_since(chat_id, 0)
    assert turn.media[0].refused


async def test_what_was_overheard_is_no_question(storage: Storage) -> None:
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, ChatKey(-5), private=False, now=0.0)
        await storage.transcript.append(tx, chat.id, [NewTurn("hi", "\n", 5, 1, 5)], 0.0, asked=False)
    assert await storage.transcript.pending_reply(chat.id) is None
    async with storage.transaction() as tx:
        assert not await storage.transcript.ask_again(tx, chat.id, 0.0)
    [turn] = await storage.memories.turns_since(chat.id, 0)
    assert not turn.asked


async def test_names_of_before_are_nobody_elses(storage: Storage) -> None:
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, ChatKey(-5), private=False, now=0.0)
        assert (
            await storage.chats.speaker_name(tx, chat.id, 1, "\u0410\u043d\u043d\u0430") == "\u0410\u043d\u043d\u0430"
        )
        assert "(2)" in await storage.chats.speaker_name(tx, chat.id, 2, "\u0410\u043d\u043d\u0430", skeleton)
        assert await storage.chats.speaker_name(tx, chat.id, 3, "\u0410nn", skeleton) == "\u0410nn"
        assert await storage.chats.speaker_name(tx, chat.id, 4, "Ann", skeleton) == "Ann (2)"


@pytest.mark.parametrize("rival", ["Ann", "ANN", "ann"])
async def test_people_of_a_chat_get_distinct_names(storage: Storage, rival: str) -> None:
    async with storage.transaction() as tx:
        chat = await storage.chats.ensure(tx, ChatKey(-5), private=False, now=0.0)
        assert await storage.chats.speaker_name(tx, chat.id, 1, "Ann") == "Ann"
        assert await storage.chats.speaker_name(tx, chat.id, 2, rival) == f"{rival} (2)"
        assert await storage.chats.speaker_name(tx, chat.id, 1, "Zed") == "Zed"
        assert await storage.chats.speaker_name(tx, chat.id, 3, rival) == f"{rival} (3)", "once Ann's, always Ann's"
        assert await storage.chats.speaker_name(tx, chat.id, 1, "Ann") == "Ann"
