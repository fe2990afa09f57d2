"""What was forgotten or reset has no vector, and goes to no server."""

import asyncio
from collections.abc import Sequence
from datetime import UTC

from bot.conversation.embedding import Embedding
from sandbox.model import ModelServer
from storage import Storage
from storage.records import Chat
from tests.conversation.embedding.talk import EVERYTHING, MAY, Clock, Make, asked, embedded, say


async def test_a_turn_that_is_deleted_takes_its_vector_along(storage: Storage, chat: Chat, make: Make) -> None:
    lake, _ = await say(storage, chat, "I painted a lake", "the dog ran away")
    embedding = make()
    await embedding.catch_up(chat.id)
    async with storage.transaction() as tx:
        await tx.execute("DELETE FROM turns WHERE id = ?", (lake,))
    assert lake not in [turn_id for turn_id, _, _ in await embedded(storage, chat)]
    assert lake not in await embedding.nearest(chat.id, "lake", **EVERYTHING)


async def test_a_turn_that_is_deleted_while_it_is_embedded_leaves_no_vector(
    storage: Storage, chat: Chat, server: ModelServer, make: Make
) -> None:
    lake, _ = await say(storage, chat, "I painted a lake", "the dog ran away")
    forgotten = asyncio.Event()

    class Slow:
        """The server's client, held between its answer and the storing of it."""

        name = "slow"

        async def embed(self, texts: Sequence[str]) -> list[list[float]]:
            await forgotten.wait()
            return [[1.0, 0.0] for _ in texts]

        async def close(self) -> None:
            return

    embedding = Embedding(storage, Slow(), UTC, Clock())
    catching_up = asyncio.create_task(embedding.catch_up(chat.id))
    async with storage.transaction() as tx:
        await tx.execute("DELETE FROM turns WHERE id = ?", (lake,))
    forgotten.set()
    await catching_up
    assert lake not in [turn_id for turn_id, _, _ in await embedded(storage, chat)]
    assert len(await embedded(storage, chat)) == 3


async def test_what_was_reset_is_sent_to_no_server_until_that_is_undone(
    storage: Storage, chat: Chat, server: ModelServer, make: Make
) -> None:
    await say(storage, chat, "a secret")
    async with storage.transaction() as tx:
        reset_id = await storage.resets.reset(tx, chat.id, MAY)
    await say(storage, chat, "a new life")
    embedding = make()
    await embedding.catch_up(chat.id)
    assert not any("secret" in text for text in asked(server))

    assert reset_id is not None
    async with storage.transaction() as tx:
        assert await storage.resets.undo(tx, chat.id, reset_id, MAY + 1)
    server.embeddings.requests.clear()
    await embedding.catch_up(chat.id)
    assert [text.split(": ")[1] for text in asked(server)] == ["a secret", "ok"]
