"""A text over which the server breaks is left out, a server in trouble is waited for; what it all takes is counted."""

import contextlib
from datetime import UTC, date

import pytest

from bot.conversation.embedding import EmbeddingIndex
from bot.conversation.usage_recorder import UsageRecorder
from bot.errors import ServerTrouble
from bot.llm.embeddings import Embeddings
from sandbox.model import Fail, ModelServer
from storage import Storage
from storage.records import Chat, Usage
from tests.conversation.embedding.talk import Clock, Make, embedded, say
from tests.selection import some


@pytest.mark.parametrize(
    "failure",
    some(
        [
            Fail(500, "json: unsupported value: NaN"),
            Fail(503, "oops"),
            Fail(502, body=b"<html>Bad gateway</html>"),
            Fail(200, body=b'{"data": [{"index": 0, "embedding": [NaN]}]}'),
            Fail(200, body=b'{"data": [{"index": 0, "embedding": []}]}'),
            Fail(200, body=b'{"error": {"code": 500, "message": "oops"}}'),
            Fail(200, body=b"<html>"),
        ],
        3,
    ),
)
async def test_text_that_breaks_server_delays_no_other(
    storage: Storage, chat: Chat, server: ModelServer, make: Make, failure: Fail
) -> None:
    _, bad, good = await say(storage, chat, "first", "poisoned words", "third")
    server.embeddings.fail_when(lambda request: failure if any("poisoned" in text for text in request.texts) else None)
    embedding = make()
    await embedding.catch_up(chat.id)
    done = [turn_id for turn_id, _, _ in await embedded(storage, chat)]
    assert bad not in done
    assert good in done
    server.embeddings.requests.clear()
    await embedding.catch_up(chat.id)
    assert server.embeddings.requests == []


async def test_server_broken_for_a_while_loses_no_text(
    storage: Storage, chat: Chat, server: ModelServer, make: Make
) -> None:
    await say(storage, chat, "first", "second")
    trouble = Fail(503)
    for asked in ([trouble], [trouble, None, trouble], [trouble, None, None, trouble, trouble]):
        server.embeddings.script(*asked)
        with contextlib.suppress(ServerTrouble):
            await make().catch_up(chat.id)
    await make().catch_up(chat.id)
    assert len(await embedded(storage, chat)) == 3


async def test_what_it_takes_is_booked_for_the_chat(storage: Storage, chat: Chat, server: ModelServer) -> None:
    await say(storage, chat, "I painted a lake", "The dog ran away")
    async with server.run() as url:
        embedder = Embeddings(base_url=url, api_key="sk", model="small", timeout=5)
        embedding = EmbeddingIndex(
            storage.database,
            storage.history,
            storage.vectors,
            embedder,
            UTC,
            Clock(),
            UsageRecorder(storage.usage, UTC, Clock()),
        )
        await embedding.catch_up(chat.id)
        await embedding.scores(chat.id, "lake", after_turn=0, before_turn=99)
        await embedder.close()
    [used] = (await storage.usage.of_chat(chat.key.telegram_id, date(1970, 1, 1))).values()
    assert used == Usage(sum(request.tokens for request in server.embeddings.requests), 0, 0)
    assert used.input > 0
    assert await storage.usage.by_user() == {}
