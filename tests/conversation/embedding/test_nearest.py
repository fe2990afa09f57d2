"""Turns are found by what they are like, and a question never fails for it."""

import asyncio
from collections.abc import Collection

import numpy as np
import pytest

from bot.conversation import embedding as module
from bot.conversation import similarity
from bot.conversation.cooldown import FIRST_S
from bot.conversation.similarity import SimilarityScores
from sandbox.model import Fail, Hang, ModelServer
from storage import Storage, vectors
from storage.records import Chat
from storage.vectors import Page
from tests.conversation.embedding.talk import Clock, Make, chat_of, embedded, nearest, say, until
from tests.selection import some


async def test_turns_are_found_by_what_they_are_like(storage: Storage, chat: Chat, make: Make) -> None:
    lake, dog, bill = await say(
        storage, chat, "I painted a lake at sunrise", "The dog ran away", "The invoice is due on Friday"
    )
    embedding = make()
    await embedding.catch_up(chat.id)
    assert (await nearest(embedding, chat, "who painted the lake?"))[0] == lake
    assert (await nearest(embedding, chat, "when do I pay the invoice"))[0] == bill
    assert (await nearest(embedding, chat, "where are the dogs"))[0] == dog


async def test_search_over_several_pages_is_exact(
    storage: Storage, chat: Chat, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["apples", "berries", "cherries", "dates", "elderberries", "figs", "grapes", "honeydews"]
    said = await say(storage, chat, *(" ".join(words[: 8 - number]) for number in range(8)))
    monkeypatch.setattr(vectors, "PAGE_BYTES", 3 * 384 * vectors.FLOAT)
    embedding = make()
    await embedding.catch_up(chat.id)
    whole = await nearest(embedding, chat, "apples")
    monkeypatch.setattr(similarity, "PAGES", 1)
    monkeypatch.setattr(similarity, "KEPT_BYTES", 0)
    embedding = make()
    assert await nearest(embedding, chat, "apples") == whole
    assert len(await storage.database.rows("SELECT 1 FROM vector_pages")) == 5
    assert whole[0] == said[-1]


async def test_later_additions_and_changes_are_found(storage: Storage, chat: Chat, make: Make) -> None:
    lake, dog = await say(storage, chat, "I painted a lake", "The dog ran away")
    embedding = make()
    await embedding.catch_up(chat.id)
    assert (await nearest(embedding, chat, "who painted the lake?"))[0] == lake
    async with storage.transaction() as tx:
        await storage.edits.change(tx, lake, "The invoice is due on Friday", 5)
        await storage.edits.change(tx, dog, "I painted a lake", 5)
    await embedding.catch_up(chat.id)
    assert (await nearest(embedding, chat, "who painted the lake?"))[0] == dog
    last, _ = await say(storage, chat, "A red apple", "So")
    await embedding.catch_up(chat.id)
    assert (await nearest(embedding, chat, "a red apple"))[0] == last


async def test_page_replaced_during_search_is_read_again(
    storage: Storage, chat: Chat, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, _ = await say(storage, chat, "I painted a lake", "The dog ran away")
    embedding = make()
    await embedding.catch_up(chat.id)
    read, times = storage.vectors.pages, 0

    async def replaced_first(chat_id: int, dimension: int, page_ids: Collection[int]) -> list[Page]:
        nonlocal times
        times += bool(page_ids)
        if page_ids and times == 1:
            await say(storage, chat, "The cat slept")
            await embedding.catch_up(chat.id)
        return await read(chat_id, dimension, page_ids)

    monkeypatch.setattr(storage.vectors, "pages", replaced_first)
    assert (await nearest(embedding, chat, "who painted the lake?"))[0] == lake
    assert times == 2


async def test_vector_cache_is_bounded_and_keeps_recent_chats(
    storage: Storage, chat: Chat, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    chats = [chat, *[await chat_of(storage, 2000 + number) for number in range(3)]]
    embedding = make()
    for each in chats:
        await say(storage, each, "I painted a lake", "The dog ran away")
        await embedding.catch_up(each.id)
    monkeypatch.setattr(similarity, "KEPT_BYTES", 2 * 3 * 384 * vectors.FLOAT)  # two chats of three vectors
    read = storage.vectors.pages
    asked_for: list[int] = []

    async def counted(chat_id: int, dimension: int, page_ids: Collection[int]) -> list[Page]:
        asked_for.extend(chat_id for _ in page_ids)
        return await read(chat_id, dimension, page_ids)

    monkeypatch.setattr(storage.vectors, "pages", counted)
    for at in (0, 1, 0, 1, 2, 1, 2, 0):
        assert await nearest(embedding, chats[at], "who painted the lake?")
    assert asked_for == [chats[at].id for at in (0, 1, 2, 0)]


def test_of_equal_vectors_the_first_are_the_nearest() -> None:
    sums = np.array([0.5, 0.9, 0.5, 0.5, 0.1], np.float32)
    scores = SimilarityScores(np.arange(10, 15), sums, 0.5, 0.25)
    assert set(scores.nearness(2)) == {10, 11}
    assert set(scores.nearness(3)) == {10, 11, 12}
    assert set(scores.nearness(1, (9, 14, 99))) == {11, 14}
    assert set(scores.nearness(60)) == {10, 11, 12, 13, 14}


async def test_background_failure_does_not_stop_a_search(
    storage: Storage, chat: Chat, server: ModelServer, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    lake, _ = await say(storage, chat, "I painted a lake", "The dog ran away")
    embedding = make()
    await embedding.catch_up(chat.id)
    await say(storage, chat, "The cat slept")
    server.embeddings.script(Fail(503), Fail(503))  # the batch, and what shows that it is not for a text
    embedding.wake(chat.id)
    await until(lambda: asyncio.sleep(0, "Embeddings don't work" in caplog.text))
    assert (await nearest(embedding, chat, "who painted the lake?"))[0] == lake


async def test_only_turns_between_the_bounds_are_found(storage: Storage, chat: Chat, make: Make) -> None:
    first, second, third = await say(storage, chat, "red apples", "red apples", "red apples")
    embedding = make()
    await embedding.catch_up(chat.id)
    found = await nearest(embedding, chat, "red apples", after_turn=first, before_turn=third, limit=9)
    assert found[0] == second
    assert not {first, third} & set(found)


async def test_chats_with_the_same_words_do_not_leak(storage: Storage, chat: Chat, make: Make) -> None:
    other = await chat_of(storage, 2002)
    mine = await say(storage, chat, "the key is under the mat")
    theirs = await say(storage, other, "the key is under the mat")
    embedding = make()
    await embedding.catch_up(chat.id)
    await embedding.catch_up(other.id)
    assert (await nearest(embedding, chat, "key"))[0] == mine[0]
    assert not set(theirs) & set(await nearest(embedding, chat, "key"))


async def test_a_chat_without_vectors_asks_no_server(
    storage: Storage, chat: Chat, server: ModelServer, make: Make
) -> None:
    await say(storage, chat, "hello")
    assert await nearest(make(), chat, "hello") == []
    assert server.embeddings.requests == []


async def test_late_query_vector_finds_nothing(
    storage: Storage, chat: Chat, server: ModelServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question that gets no vector in time finds nothing, and the next one does not wait."""
    monkeypatch.setattr(module, "ANSWER_WITHIN_S", 0.05)
    await say(storage, chat, "I painted a lake")
    clock = Clock()
    embedding = make(clock=clock)
    await embedding.catch_up(chat.id)
    server.embeddings.requests.clear()
    server.embeddings.script(Hang())
    assert await nearest(embedding, chat, "lake") == []
    assert await nearest(embedding, chat, "lake") == []
    assert len(server.embeddings.requests) == 1
    clock.now += FIRST_S
    monkeypatch.setattr(module, "ANSWER_WITHIN_S", 5.0)
    assert await nearest(embedding, chat, "lake")


@pytest.mark.parametrize("failure", [Fail(401, "Incorrect API key"), Fail(503), Fail(200, body=b"{}")])
async def test_a_failure_never_reaches_the_question(
    storage: Storage, chat: Chat, server: ModelServer, make: Make, failure: Fail
) -> None:
    await say(storage, chat, "I painted a lake")
    embedding = make()
    await embedding.catch_up(chat.id)
    server.embeddings.script(failure)
    assert await nearest(embedding, chat, "lake") == []


async def test_a_database_in_trouble_finds_nothing(storage: Storage, chat: Chat, make: Make) -> None:
    await say(storage, chat, "I painted a lake")
    embedding = make()
    await embedding.catch_up(chat.id)
    async with storage.transaction() as tx:
        await tx.execute("DROP TABLE vector_pages")
    assert await nearest(embedding, chat, "lake") == []


async def test_answer_is_found_by_its_question(storage: Storage, chat: Chat, make: Make) -> None:
    async def rows(*words: str) -> list[int]:
        return [turn_id for text in words for turn_id in await say(storage, chat, text)]

    await rows("The dog ran away", "The bus was late", "It rained all day")
    (asked,) = await rows("Which mountain did you climb in Norway?")
    await rows("The cat slept", "We had soup")
    embedding = make()
    await embedding.catch_up(chat.id)
    found = await nearest(embedding, chat, "mountain climbed in Norway")
    assert found[0] == asked
    assert asked + 1 in found[:3]


@pytest.mark.parametrize("damage", some([b"", bytes(10), bytes(9999), b"words", b"\x01"], 3))
async def test_damaged_page_is_skipped_and_rebuilt(damage: bytes, storage: Storage, chat: Chat, make: Make) -> None:
    _, dog = await say(storage, chat, "I painted a lake", "The dog ran away")
    embedding = make()
    await embedding.catch_up(chat.id)
    for column in ("vectors", "turns"):
        async with storage.transaction() as tx:
            await tx.execute(f"UPDATE vector_pages SET {column} = ?", (damage,))
        embedding = make()  # with nothing in memory
        assert await nearest(embedding, chat, "who painted the lake?") == []
        await embedding.catch_up(chat.id)
        assert (await nearest(embedding, chat, "where is the dog?"))[0] == dog


@pytest.mark.sqlite_only("a column of bytes holds nothing else on PostgreSQL")
@pytest.mark.parametrize("damage", ["words", 1])
async def test_page_of_another_type_is_rebuilt(damage: str | int, storage: Storage, chat: Chat, make: Make) -> None:
    _, dog = await say(storage, chat, "I painted a lake", "The dog ran away")
    await make().catch_up(chat.id)
    async with storage.transaction() as tx:
        await tx.execute("UPDATE vector_pages SET vectors = ?", (damage,))
    embedding = make()
    assert await nearest(embedding, chat, "who painted the lake?") == []
    await embedding.catch_up(chat.id)
    assert (await nearest(embedding, chat, "where is the dog?"))[0] == dog


@pytest.mark.parametrize("column", ["vectors", "turns"])
async def test_page_found_damaged_on_write_is_rebuilt(column: str, storage: Storage, chat: Chat, make: Make) -> None:
    lake, _ = await say(storage, chat, "I painted a lake", "The dog ran away")
    embedding = make()
    await embedding.catch_up(chat.id)
    async with storage.transaction() as tx:
        await tx.execute(f"UPDATE vector_pages SET {column} = ?", (b"\x01\x02",))
    await say(storage, chat, "The cat slept")
    await embedding.catch_up(chat.id)
    assert (await nearest(embedding, chat, "who painted the lake?"))[0] == lake
    assert len(await embedded(storage, chat)) == 5


@pytest.mark.parametrize("byte", [b"\xff", b"\x7b"])  # no numbers, and large ones
async def test_damaged_vector_is_skipped_and_rebuilt(byte: bytes, storage: Storage, chat: Chat, make: Make) -> None:
    lake, _, dog, _ = await say(storage, chat, "I painted a lake", "So", "The dog ran away", "So")
    embedding = make()
    await embedding.catch_up(chat.id)
    at = [turn_id for turn_id, _, _ in await embedded(storage, chat)].index(dog)
    (row,) = await storage.database.rows("SELECT vectors FROM vector_pages")
    size = 384 * vectors.FLOAT
    async with storage.transaction() as tx:
        whole = row["vectors"]
        spoiled = whole[: at * size] + size * byte + whole[(at + 1) * size :]
        await tx.execute("UPDATE vector_pages SET vectors = ?", (spoiled,))
    found = await nearest(embedding, chat, "who painted the lake?")
    assert (found[0], dog in found) == (lake, False)
    await embedding.catch_up(chat.id)
    assert (await nearest(embedding, chat, "where is the dog?"))[0] == dog


@pytest.mark.sqlite_only("a column of numbers holds nothing else on PostgreSQL")
async def test_damaged_progress_begins_at_the_beginning(storage: Storage, chat: Chat, make: Make) -> None:
    (lake,) = await say(storage, chat, "I painted a lake")
    embedding = make()
    await embedding.catch_up(chat.id)
    async with storage.transaction() as tx:
        await tx.execute("DELETE FROM vector_pages")
        await tx.execute("UPDATE vector_progress SET dimension = 'x', through_turn = 'y'")
    await embedding.catch_up(chat.id)
    assert (await nearest(embedding, chat, "lake"))[0] == lake
