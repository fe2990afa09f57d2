"""What it takes to build a prompt again is stored without people's words, and no digest of forgotten ones is left."""

from dataclasses import replace

import pytest

from storage import Storage, sent_prompts
from storage.bases import Basis, FoundTurn
from storage.memories import Memory
from storage.records import Chat, Usage
from storage.sent_prompts import SentPrompt
from tests.storage.test_bases import now, put, talk
from tests.storage.test_transcript import reply, say

SENT = SentPrompt("abc", "You are a cook.", 5, 2, 1, ("recall", "remember"), 900, 400, 800, 8192, 0.5, 1.5)
EDITED = FoundTurn(1, shown=True, searched=False, edited=True, part=(3, 90))


def basis(sent: SentPrompt = SENT, *found: FoundTurn) -> Basis:
    return Basis(5, 1, 5, 0, "m", Usage(900, 600, 40), found=found, sent=sent)


async def digests(storage: Storage, chat: Chat) -> list[str | None]:
    rows = await storage.database.rows(
        "SELECT digest FROM sent_prompts JOIN turns ON id = reply_id WHERE chat_id = ? ORDER BY id", (chat.id,)
    )
    return [row["digest"] for row in rows]


async def prompts(storage: Storage) -> list[str]:
    return [row["text"] for row in await storage.database.rows("SELECT text FROM system_prompts ORDER BY text")]


async def test_it_is_read_back_with_its_basis(storage: Storage, chat: Chat) -> None:
    reply_id = await talk(storage, chat)
    await put(storage, chat, reply_id, basis(SENT, EDITED))
    assert await storage.bases.of(chat, reply_id) == basis(SENT, EDITED)


async def test_system_prompt_goes_with_its_last_answer(storage: Storage, chat: Chat) -> None:
    first = await talk(storage, chat)
    second = await reply(storage, chat, "again")
    third = await reply(storage, chat, "and again")
    await put(storage, chat, first, basis())
    await put(storage, chat, second, basis())
    await put(storage, chat, third, basis(replace(SENT, system="You are a pirate.")))
    assert await prompts(storage) == ["You are a cook.", "You are a pirate."]
    async with storage.transaction() as tx:
        await storage.deletions.delete_turns(tx, chat.id, [first, third])
    assert await prompts(storage) == ["You are a cook."]
    async with storage.transaction() as tx:
        await storage.deletions.delete_turns(tx, chat.id, [second])
    assert await prompts(storage) == []


async def test_later_digests_go_with_forgotten_turn(storage: Storage, chat: Chat) -> None:
    first = await talk(storage, chat)
    await put(storage, chat, first, basis())
    await say(storage, chat, "Eve", 20)
    second = await reply(storage, chat, "yes")
    await put(storage, chat, second, basis())
    async with storage.transaction() as tx:
        await storage.deletions.hide(tx, chat.id, [second - 1])
    assert await digests(storage, chat) == ["abc", None]


async def test_later_digests_go_with_edited_turn(storage: Storage, chat: Chat) -> None:
    reply_id = await talk(storage, chat)
    await put(storage, chat, reply_id, basis())
    async with storage.transaction() as tx:
        await storage.edits.change(tx, 2, "Bea", 1)
    assert await digests(storage, chat) == [None]


async def test_prompts_without_an_edited_turn_keep_theirs(storage: Storage, chat: Chat) -> None:
    first = await talk(storage, chat)
    await put(storage, chat, first, basis())
    later = [await reply(storage, chat, "yes") for _ in range(3)]
    window, recalled, neither = later
    await put(storage, chat, window, replace(basis(), first_turn=2))
    await put(storage, chat, recalled, replace(basis(SENT, FoundTurn(2, shown=True)), first_turn=5))
    await put(storage, chat, neither, replace(basis(SENT, FoundTurn(2, shown=False)), first_turn=5))
    async with storage.transaction() as tx:
        await storage.edits.change(tx, 2, "Bea", 1)
    assert await digests(storage, chat) == [None, None, None, "abc"]


@pytest.mark.parametrize("most", [0, 20])
async def test_each_forgotten_turn_is_looked_for(
    storage: Storage, chat: Chat, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For many turns at once, all later digests go."""
    monkeypatch.setattr(sent_prompts, "FEW", most)
    first = await talk(storage, chat)
    answers = [first, *[await reply(storage, chat, "yes") for _ in range(3)]]
    for reply_id, begins in zip(answers, (1, 2, 3, 5), strict=True):
        await put(storage, chat, reply_id, replace(basis(), first_turn=begins))
    async with storage.transaction() as tx:
        await storage.deletions.hide(tx, chat.id, [1, 2])
    assert await digests(storage, chat) == [None, None, *(["abc", "abc"] if most else [None, None])]


async def test_prompts_that_had_the_oldest_lose_theirs(storage: Storage, chat: Chat) -> None:
    first = await talk(storage, chat)
    second = await reply(storage, chat, "yes")
    await put(storage, chat, first, basis())
    third = await reply(storage, chat, "and again")
    await put(storage, chat, second, replace(basis(), first_turn=5))
    await put(storage, chat, third, replace(basis(SENT, FoundTurn(1, shown=True)), first_turn=5))
    async with storage.transaction() as tx:
        assert await storage.deletions.delete_oldest(tx, chat.id, [1, 2]) == 2
    assert await digests(storage, chat) == [None, "abc", None]


async def test_digest_goes_with_lines_of_notes(storage: Storage, chat: Chat) -> None:
    first = await talk(storage, chat)
    await put(storage, chat, first, basis())
    async with storage.transaction() as tx:
        await storage.memories.put(tx, chat, Memory(1, "- Ann sails.\n- Bob rows.", 9, 3.0))
    second = await reply(storage, chat, "yes")
    await put(storage, chat, second, basis(), notes="- Ann sails.\n- Bob rows.")
    assert await digests(storage, chat) == ["abc", "abc"]
    async with storage.transaction() as tx:
        await storage.memories.take_out(tx, chat.id, lambda line: "Bob" in line, len)
    assert await digests(storage, chat) == ["abc", None]


async def test_no_digest_of_what_changed_meanwhile(storage: Storage, chat: Chat) -> None:
    """A turn was edited, or the notes were forgotten, while the answer was being written."""
    reply_id = await talk(storage, chat)
    await put(storage, chat, reply_id, basis(), notes="- gone")
    assert await digests(storage, chat) == [None]
    async with storage.transaction() as tx:
        await storage.edits.change(tx, 2, "Bea", 1)
    other = await reply(storage, chat, "yes")
    await put(storage, chat, other, basis())
    assert await digests(storage, chat) == [None, None]
    third = await reply(storage, chat, "and again")
    await put(storage, await now(storage, chat), third, basis())
    assert await digests(storage, chat) == [None, None, "abc"]
