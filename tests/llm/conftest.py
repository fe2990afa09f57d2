"""A model server for one test, and clients that ask it once."""

from collections.abc import AsyncIterator

import pytest

from sandbox.model import ModelServer


@pytest.fixture(autouse=True)
def _asked_once(no_retries: None) -> None:
    pass


@pytest.fixture
async def server() -> ModelServer:
    """It takes one key, and is not running yet."""
    return ModelServer(key="sk-right", words_per_second=1000)


@pytest.fixture
async def running(server: ModelServer) -> AsyncIterator[None]:
    """It runs for the whole test."""
    async with server.run():
        yield
