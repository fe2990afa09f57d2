"""Vectors are made in the background, once for each turn; a server in trouble delays them only."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

import numpy as np
import pytest

from bot.conversation import cooldown as rest
from bot.conversation.embedding import BATCH, EmbeddingIndex, embedding_texts, words_of
from bot.conversation.index_keys import VECTORS
from bot.errors import ModelError, ServerTrouble, WrongKey
from bot.llm.embeddings import Embeddings
from bot.llm.interface import Purpose
from bot.updates.deaths import MOST_DEATHS
from bot.updates.guarded_reader import STEPS, GuardedHistoryReader
from bot.updates.in_flight import InFlightFile, WorkKey, WorkKind
from bot.updates.quarantine import Quarantine
from sandbox.model import EmbeddingRequest, Fail, Hang, ModelServer
from sandbox.model.embeddings import embed
from storage import Storage
from storage.history import InContext
from storage.records import Chat, HistoryTurn, NewReply, NewTurn, Role
from tests.conversation.embedding.talk import MAY, Clock, Make, asked, chat_of, embedded, nearest, own, say, until


async def test_turn_is_embedded_alone_and_with_neighbours(
    storage: Storage, chat: Chat, server: ModelServer, make: Make
) -> None:
    await say(storage, chat, "[Mon 2023-05-08 13:56] I am off to Rome", "Back")
    await make().catch_up(chat.id)
    assert asked(server)[:4] == [
        "Monday 8 May 2023, Ann: I am off to Rome",
        "Monday 8 May 2023\nAnn: I am off to Rome\nassistant: ok",
        "Monday 8 May 2023, assistant: ok",
        "Monday 8 May 2023\nAnn: I am off to Rome\nassistant: ok\nAnn: Back",
    ]


async def test_a_stored_vector_is_the_sum_of_both(
    storage: Storage, chat: Chat, server: ModelServer, make: Make
) -> None:
    await say(storage, chat, "I am off to Rome")
    embedding = make()
    await embedding.catch_up(chat.id)
    alone, between = asked(server)
    scores = await embedding.scores(chat.id, "off to Rome", after_turn=0, before_turn=99)
    assert scores is not None
    question = np.array(embed("off to Rome", 384))
    cosines = [float(question @ vector / np.linalg.norm(vector)) for vector in map(_vector, (alone, between))]
    assert scores.sums[0] == pytest.approx(sum(cosines) / np.linalg.norm(question), abs=2e-3)


def _vector(text: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.array(embed(text, 384))


def test_speaker_already_in_words_is_not_repeated() -> None:
    row = HistoryTurn(1, Role.USER, "[Mon 2023-05-08 13:56] Ann: off to Rome", "Ann", MAY)
    assert (
        embedding_texts(InContext(None, row, None), UTC, {row.turn_id: words_of([row])[0]})[0]
        == "Monday 8 May 2023, Ann: off to Rome"
    )


@pytest.mark.parametrize("sign", ["x", "日", "\U0001f600", "\ud800"])
def test_texts_are_bounded_in_bytes(sign: str) -> None:
    row = HistoryTurn(1, Role.USER, sign * 100_000, "Ann", MAY)
    alone, between = embedding_texts(InContext(row, row, row), UTC, {row.turn_id: words_of([row])[0]})
    assert len(alone.encode()) <= 2_000
    assert len(between.encode()) <= 1_900


async def test_each_turn_is_embedded_once_in_small_requests(
    storage: Storage, chat: Chat, server: ModelServer, make: Make
) -> None:
    embedding = make()
    await say(storage, chat, *(f"fact {number}" for number in range(12)))
    await embedding.catch_up(chat.id)
    assert len(own(server)) == 23
    assert all(len(request.texts) <= 10 for request in server.embeddings.requests)
    await embedding.catch_up(chat.id)
    await say(storage, chat, "one more")
    await embedding.catch_up(chat.id)
    assert len(own(server)) == 25
    assert len(await embedded(storage, chat)) == 25


async def test_pending_turn_is_embedded_with_its_answer(
    storage: Storage, chat: Chat, server: ModelServer, make: Make
) -> None:
    embedding = make()
    await say(storage, chat, "first")
    async with storage.transaction() as tx:
        turn = NewTurn("second", "\n", 5, message_id=2, sender_id=7, speaker="Ann", said_at=MAY)
        await storage.transcript.append(tx, chat.id, [turn], MAY)
    await embedding.catch_up(chat.id)
    assert own(server) == ["first"]
    async with storage.transaction() as tx:
        reply_id = await storage.transcript.begin_reply(tx, chat.id, MAY, reply_to=2)
        await storage.transcript.finish_reply(tx, chat.id, reply_id, NewReply("yes", 1), None)
    await embedding.catch_up(chat.id)
    assert own(server) == ["first", "ok", "second"]


async def test_killed_catch_up_resumes_where_it_was(
    storage: Storage, chat: Chat, server: ModelServer, make: Make
) -> None:
    await say(storage, chat, *(f"fact {number}" for number in range(12)))
    server.embeddings.script(None, None, None, None, Hang())
    killed = make()
    killed.wake(chat.id)

    async def third_is_asked() -> bool:
        return len(server.embeddings.requests) == 5

    await until(third_is_asked)
    await killed.close()
    stored = await embedded(storage, chat)
    assert len(stored) == 2 * BATCH

    server.embeddings.requests.clear()
    await make().catch_up(chat.id)
    assert len(own(server)) == 3
    assert len(await embedded(storage, chat)) == 23


async def test_new_model_embeds_all_and_drops_old_vectors(storage: Storage, chat: Chat, make: Make) -> None:
    (lake, *_) = await say(storage, chat, *(f"a lake {number}" for number in range(8)))
    await make("small").catch_up(chat.id)
    large = make("large")
    assert await nearest(large, chat, "a lake 0") == []
    await large.catch_up(chat.id)
    assert {model for _, model, _ in await embedded(storage, chat)} == {"large"}
    assert (await nearest(large, chat, "a lake 0"))[0] == lake


async def test_a_server_whose_dimension_changed_embeds_all_anew(
    storage: Storage, chat: Chat, server: ModelServer, make: Make
) -> None:
    await say(storage, chat, *(f"a lake {number}" for number in range(8)))
    embedding = make()
    await embedding.catch_up(chat.id)
    server.embeddings.dimension = 64
    await say(storage, chat, "a hill")
    server.embeddings.requests.clear()
    await embedding.catch_up(chat.id)
    assert {dimension for _, _, dimension in await embedded(storage, chat)} == {64}
    assert len(own(server)) >= 17
    assert await nearest(embedding, chat, "a hill")


async def test_changing_dimensions_do_not_cost_for_ever(
    storage: Storage, chat: Chat, server: ModelServer, make: Make
) -> None:
    """A server that changes its dimension again and again is given up."""

    def flip(_: EmbeddingRequest) -> None:
        server.embeddings.dimension = 64 if server.embeddings.dimension == 384 else 384

    server.embeddings.fail_when(flip)
    await say(storage, chat, *(f"a lake {number}" for number in range(20)))
    with pytest.raises(ServerTrouble):
        await make().catch_up(chat.id)
    assert len(server.embeddings.requests) <= 4


async def test_dead_server_is_retried_later_and_logged_once(
    storage: Storage,
    chat: Chat,
    server: ModelServer,
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(rest, "FIRST_S", 0.01)
    await say(storage, chat, "I painted a lake")
    server.embeddings.script(Fail(503), Fail(503), Fail(429))
    embedding = make(clock=asyncio.get_running_loop().time)
    with caplog.at_level(logging.INFO, logger="bot"):
        embedding.wake(chat.id)

        async def done() -> bool:
            return len(await embedded(storage, chat)) == 1

        await until(done)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_refused_text_delays_no_other(storage: Storage, chat: Chat, server: ModelServer, make: Make) -> None:
    _, bad, good = await say(storage, chat, "first", "forbidden words", "third")
    server.embeddings.fail_when(
        lambda request: (
            Fail(400, "inappropriate content") if any("forbidden" in text for text in request.texts) else None
        )
    )
    embedding = make()
    await embedding.catch_up(chat.id)
    done = [turn_id for turn_id, _, _ in await embedded(storage, chat)]
    assert bad not in done
    assert good in done
    server.embeddings.requests.clear()
    await embedding.catch_up(chat.id)
    assert server.embeddings.requests == []


@pytest.mark.parametrize(
    ("failure", "kind"), [(Fail(400, "unknown model"), ModelError), (Fail(401, "Incorrect API key"), WrongKey)]
)
async def test_server_refusing_everything_leaves_texts_for_later(
    storage: Storage, chat: Chat, server: ModelServer, make: Make, failure: Fail, kind: type[ModelError]
) -> None:
    await say(storage, chat, "first", "second")
    server.embeddings.fail_when(lambda _: failure)
    with pytest.raises(kind):
        await make().catch_up(chat.id)
    server.embeddings.fail_when(lambda _: None)
    await make().catch_up(chat.id)
    assert len(await embedded(storage, chat)) == 3


async def test_all_outdated_chats_catch_up_after_start(storage: Storage, make: Make) -> None:
    chats = [await chat_of(storage, number) for number in (1, 2, 3)]
    for chat in chats:
        await say(storage, chat, f"I am chat {chat.id}")
    embedding = make()
    await embedding.catch_up(chats[0].id)
    assert await storage.vectors.chats_to_embed("small") == [chats[2].id, chats[1].id]
    await embedding.wake_all()

    async def done() -> bool:
        return await storage.vectors.chats_to_embed("small") == []

    await until(done)
    assert all([len(await embedded(storage, chat)) == 1 for chat in chats])


class Faulty:
    """Fails as no model and no server should."""

    name = "faulty"

    def __init__(self) -> None:
        self.asked = 0

    async def embed(self, texts: Sequence[str], purpose: Purpose, took: object = None) -> list[list[float]]:
        self.asked += 1
        if purpose is Purpose.PASSAGE and self.asked == 1:
            return [[1.0, 0.0] for _ in texts]
        raise ValueError("a fault")

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_fault_is_not_met_with_every_turn(storage: Storage, chat: Chat) -> None:
    faulty, clock = Faulty(), Clock()
    embedding = EmbeddingIndex(storage.database, storage.history, storage.vectors, faulty, UTC, clock)
    await say(storage, chat, "I painted a lake")
    await embedding.catch_up(chat.id)
    await say(storage, chat, "The dog ran away")
    for _ in range(3):
        embedding.wake(chat.id)
        await until(lambda: asyncio.sleep(0, faulty.asked == 2))
    await embedding.close()
    assert faulty.asked == 2
    assert await embedding.scores(chat.id, "lake", after_turn=0, before_turn=99) is None
    assert faulty.asked == 3


async def test_vectors_of_deadly_turn_lack_its_words(
    server: ModelServer, storage: Storage, chat: Chat, make: Make, tmp_path: Path
) -> None:
    quarantine = Quarantine(InFlightFile(tmp_path / "inflight"))
    quarantine.open()
    deadly, _ = await say(storage, chat, "I painted a lake", "The dog ran away")
    key = WorkKey(WorkKind.TURN, STEPS * deadly + VECTORS)
    quarantine.record_deaths(key, chat.key, MOST_DEATHS)
    embedding = make()
    embedding._reader = GuardedHistoryReader(quarantine, storage.chats)
    assert await embedding.catch_up(chat.id)
    assert quarantine.is_set_aside(key)
    texts = "\n".join(asked(server))
    assert "The dog ran away" in texts
    assert "lake" not in texts


async def test_two_processes_embed_a_chat_together(postgres_url: str, server: ModelServer) -> None:
    storages = [await Storage.connect(postgres_url) for _ in range(2)]
    chat = await chat_of(storages[0], 1001)
    await say(storages[0], chat, *(f"fact {number}" for number in range(4 * BATCH)))
    async with server.run() as url:
        embedders = [Embeddings(base_url=url, api_key="sk", model="small", timeout=5) for _ in storages]
        indexes = [
            EmbeddingIndex(one.database, one.history, one.vectors, embedder, UTC, Clock())
            for one, embedder in zip(storages, embedders, strict=True)
        ]
        assert all(await asyncio.gather(*(index.catch_up(chat.id) for index in indexes)))
        for embedder in embedders:
            await embedder.close()
    found = [turn_id for turn_id, _, _ in await embedded(storages[1], chat)]
    assert len(found) == len(set(found)) == 8 * BATCH - 1
    assert len(asked(server)) <= 2 * (len(found) + BATCH), "no more than one batch is embedded twice"
    for one in storages:
        await one.close()
