"""A model server for one test, and clients that ask it once."""

from collections.abc import AsyncIterator

import pytest

from bot.llm import dashscope, embeddings, openai_server, transcription
from sandbox.model import ModelServer


@pytest.fixture(autouse=True)
def no_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused is not asked for again; a test of trying again says how often."""
    for module in (openai_server, dashscope, embeddings, transcription):
        monkeypatch.setattr(module, "RETRIES", 0)


@pytest.fixture
async def server() -> ModelServer:
    """It takes one key, and is not running yet."""
    return ModelServer(key="sk-right", words_per_second=1000)


@pytest.fixture
async def running(server: ModelServer) -> AsyncIterator[None]:
    """It runs for the whole test."""
    async with server.run():
        yield
