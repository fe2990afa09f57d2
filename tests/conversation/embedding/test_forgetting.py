"""What was forgotten or reset has no vector, and goes to no server."""

import asyncio
import struct
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from bot.conversation.embedding import EmbeddingIndex
from bot.llm.interface import Purpose
from sandbox.model import ModelServer
from sandbox.model.embeddings import embed
from storage import Storage, presence, vectors
from storage.records import Chat
from tests.conversation.embedding.talk import MAY, Clock, Make, asked, chat_of, embedded, nearest, own, say


async def test_deleting_turn_deletes_its_vector(storage: Storage, chat: Chat, make: Make) -> None:
    lake, _ = await say(storage, chat, "I painted a lake", "the dog ran away")
    embedding = make()
    await embedding.catch_up(chat.id)
    async with storage.transaction() as tx:
        await tx.execute("DELETE FROM turns WHERE id = ?", (lake,))
    assert lake not in [turn_id for turn_id, _, _ in await embedded(storage, chat)]
    assert lake not in await nearest(embedding, chat, "lake")


async def test_turn_deleted_during_embedding_leaves_no_vector(
    storage: Storage, chat: Chat, server: ModelServer, make: Make
) -> None:
    lake, _ = await say(storage, chat, "I painted a lake", "the dog ran away")
    forgotten = asyncio.Event()

    class Slow:
        """The server's client, held between its answer and the storing of it."""

        name = "slow"

        async def embed(self, texts: Sequence[str], purpose: Purpose, took: object = None) -> list[list[float]]:
            await forgotten.wait()
            return [[1.0, 0.0] for _ in texts]

        async def close(self) -> None:
            return

    embedding = EmbeddingIndex(storage.database, storage.history, storage.vectors, Slow(), UTC, Clock())
    catching_up = asyncio.create_task(embedding.catch_up(chat.id))
    async with storage.transaction() as tx:
        await tx.execute("DELETE FROM turns WHERE id = ?", (lake,))
    forgotten.set()
    await catching_up
    assert lake not in [turn_id for turn_id, _, _ in await embedded(storage, chat)]
    assert len(await embedded(storage, chat)) == 2


async def test_reset_turns_are_embedded_only_after_undo(
    storage: Storage, chat: Chat, server: ModelServer, make: Make
) -> None:
    await say(storage, chat, "a secret")
    async with storage.transaction() as tx:
        reset_id = await storage.deletions.reset(tx, chat.id, MAY)
    await say(storage, chat, "a new life")
    embedding = make()
    await embedding.catch_up(chat.id)
    assert not any("secret" in text for text in asked(server))

    assert reset_id is not None
    async with storage.transaction() as tx:
        assert await storage.deletions.undo_reset(tx, chat.id, reset_id, MAY + 1)
    server.embeddings.requests.clear()
    await embedding.catch_up(chat.id)
    # "a new life" too, since something stands before it again
    assert own(server) == ["a secret", "ok", "a new life"]


class Held:
    """A model that holds its answer back, once, until it is let go; its vectors tell texts apart."""

    name = "held"

    def __init__(self) -> None:
        self.asked, self.let_go = asyncio.Event(), asyncio.Event()
        self.texts: list[str] = []

    async def embed(self, texts: Sequence[str], purpose: Purpose, took: object = None) -> list[list[float]]:
        self.asked.set()
        await self.let_go.wait()
        self.texts += texts
        return [embed(text, 64) for text in texts]

    async def close(self) -> None:
        return


async def stored(storage: Storage, chat: Chat) -> dict[int, bytes]:
    rows = await storage.database.rows("SELECT turns, vectors FROM vector_pages WHERE chat_id = ?", (chat.id,))
    found = {}
    for row in rows:
        for at, (turn_id,) in enumerate(struct.iter_unpack("<q", row["turns"])):
            size = len(row["vectors"]) * 8 // len(row["turns"])
            found[turn_id] = row["vectors"][at * size : (at + 1) * size]
    return found


async def delete(storage: Storage, chat: Chat, *turn_ids: int) -> None:
    async with storage.transaction() as tx:
        await storage.deletions.delete_turns(tx, chat.id, turn_ids)


async def change(storage: Storage, turn_id: int, words: str) -> None:
    async with storage.transaction() as tx:
        await storage.edits.change(tx, turn_id, words, 5)


async def test_forgotten_words_leave_all_vectors_at_once(
    storage: Storage, chat: Chat, make: Make, database_file: Path
) -> None:
    turns = await say(storage, chat, *(f"fact {number}" for number in range(6)))
    embedding = make()
    await embedding.catch_up(chat.id)
    before = await stored(storage, chat)
    gone = turns[3]
    await delete(storage, chat, gone)
    after = await stored(storage, chat)
    assert before.keys() - after.keys() == {gone - 1, gone, gone + 1}
    await storage.database.scrub()
    content = await asyncio.to_thread(database_file.read_bytes)
    assert not any(before[turn_id] in content for turn_id in (gone - 1, gone, gone + 1))
    await embedding.catch_up(chat.id)
    assert (await stored(storage, chat)).keys() == before.keys() - {gone}


async def test_neighbours_vectors_drop_the_forgotten_words(
    storage: Storage, chat: Chat, server: ModelServer, make: Make
) -> None:
    turns = await say(storage, chat, "one", "my secret", "three", "four")
    embedding = make()
    await embedding.catch_up(chat.id)
    server.embeddings.requests.clear()
    await delete(storage, chat, turns[1])
    await embedding.catch_up(chat.id)
    assert len(own(server)) == 2
    assert not any("secret" in text for text in asked(server))


async def test_edit_reembeds_turn_and_its_neighbours(
    storage: Storage, chat: Chat, server: ModelServer, make: Make
) -> None:
    turns = await say(storage, chat, "one", "the flight is at 17:00", "three", "four")
    embedding = make()
    await embedding.catch_up(chat.id)
    before = await stored(storage, chat)
    await change(storage, turns[1], "the flight is at 06:10")
    changed = {turns[1] - 1, turns[1], turns[1] + 1}
    assert before.keys() - (await stored(storage, chat)).keys() == changed
    server.embeddings.requests.clear()
    await embedding.catch_up(chat.id)
    after = await stored(storage, chat)
    assert {turn_id for turn_id in before if before[turn_id] != after[turn_id]} == changed
    assert not any("17:00" in text for text in asked(server))


@pytest.mark.parametrize("beside", [-1, 0, 1])
async def test_edit_during_embedding_leaves_no_old_vectors(storage: Storage, chat: Chat, beside: int) -> None:
    turns = await say(storage, chat, "one", "old words", "three", "four")
    model = Held()
    embedding = EmbeddingIndex(storage.database, storage.history, storage.vectors, model, UTC, Clock())
    catching_up = asyncio.create_task(embedding.catch_up(chat.id))
    await model.asked.wait()
    await change(storage, turns[1] + beside, "new words")
    model.let_go.set()
    await catching_up
    found = await stored(storage, chat)

    fresh = Held()
    fresh.let_go.set()
    async with storage.transaction() as tx:
        await tx.execute("DELETE FROM vector_progress")
        await tx.execute("DELETE FROM vector_pages")
    await EmbeddingIndex(storage.database, storage.history, storage.vectors, fresh, UTC, Clock()).catch_up(chat.id)
    assert found == await stored(storage, chat)


async def test_forgetting_during_embedding_leaves_no_vectors(storage: Storage, chat: Chat) -> None:
    """None of them holds the forgotten words."""
    turns = await say(storage, chat, "one", "my secret", "three", "four")
    model = Held()
    catching_up = asyncio.create_task(
        EmbeddingIndex(storage.database, storage.history, storage.vectors, model, UTC, Clock()).catch_up(chat.id)
    )
    await model.asked.wait()
    await delete(storage, chat, turns[1])
    model.let_go.set()
    await catching_up
    assert turns[1] not in await stored(storage, chat)
    again = [text for text in model.texts if text.startswith("Monday 8 May 2023\nassistant: ok\nassistant: ok")]
    assert len(again) == 1, "the answer behind it stands behind the answer before it now"


async def test_a_killed_process_leaves_nothing_stale_for_ever(storage: Storage, chat: Chat, make: Make) -> None:
    turns = await say(storage, chat, "one", "two", "three")
    embedding = make()
    await embedding.catch_up(chat.id)
    async with storage.database.transaction(alone=True) as tx:  # the process ends behind this
        await tx.execute("DELETE FROM turns WHERE id = ?", (turns[1],))
    assert turns[1] in await stored(storage, chat)
    await embedding.wake_all()
    assert turns[1] not in await stored(storage, chat)
    await embedding.close()


async def test_many_forgotten_turns_cost_each_page_once(
    storage: Storage, chat: Chat, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "PAGE_BYTES", 10 * 384 * vectors.FLOAT)
    turns = await say(storage, chat, *(f"fact {number}" for number in range(40)))
    await make().catch_up(chat.id)
    written: list[object] = []
    put = vectors._put_pages

    async def counted(*arguments: Any) -> None:
        written.append(arguments)
        await put(*arguments)

    monkeypatch.setattr(vectors, "_put_pages", counted)
    await delete(storage, chat, *turns[5:35])
    assert len(written) <= 8
    assert not (await stored(storage, chat)).keys() & {*turns[5:35]}


async def test_migrated_group_is_reembedded_in_new_order(storage: Storage, make: Make) -> None:
    old, new = await chat_of(storage, 1), await chat_of(storage, 2)
    await say(storage, old, "one", "two")
    await say(storage, new, "three")
    embedding = make()
    await embedding.catch_up(old.id)
    await embedding.catch_up(new.id)
    async with storage.transaction() as tx:
        await presence.migrate(tx, 1, 2)
    await embedding.catch_up(new.id)
    assert len(await embedded(storage, new)) == 5
    assert await embedded(storage, old) == []
