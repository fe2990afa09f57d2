"""A database, an embedding server on loopback, and the real client between them."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC

import pytest

from bot.conversation.embedding import EmbeddingIndex
from bot.llm.embeddings import Embeddings
from sandbox.model import ModelServer
from storage import Storage
from storage.records import Chat
from tests.conversation.embedding.talk import Clock, Make, chat_of


@pytest.fixture(autouse=True)
def _asked_once(no_retries: None) -> None:
    pass


@pytest.fixture
async def chat(storage: Storage) -> Chat:
    return await chat_of(storage, 1001)


@pytest.fixture
async def server() -> ModelServer:
    return ModelServer()


@pytest.fixture
async def make(server: ModelServer, storage: Storage) -> AsyncIterator[Make]:
    made: list[tuple[EmbeddingIndex, Embeddings]] = []
    async with server.run() as url:

        def _make(model: str = "small", clock: Callable[[], float] | None = None) -> EmbeddingIndex:
            embedder = Embeddings(base_url=url, api_key="sk", model=model, timeout=5)
            made.append(
                (
                    EmbeddingIndex(storage.database, storage.history, storage.vectors, embedder, UTC, clock or Clock()),
                    embedder,
                )
            )
            return made[-1][0]

        yield _make
        for embedding, embedder in made:
            await embedding.close()
            await embedder.close()
