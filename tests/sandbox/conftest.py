from collections.abc import AsyncIterator

import pytest
from openai import AsyncOpenAI
from telegram import Bot
from telegram.request import HTTPXRequest

from sandbox.botapi import BotApi, Chat, User
from sandbox.model import ModelServer


@pytest.fixture
def model() -> ModelServer:
    """It is not running until `client` is wanted."""
    return ModelServer(words_per_second=10_000)


@pytest.fixture
async def client(model: ModelServer) -> AsyncIterator[AsyncOpenAI]:
    """The real client, which asks for everything once."""
    async with model.run() as url, AsyncOpenAI(base_url=url, api_key="any", max_retries=0, timeout=5) as client:
        yield client


@pytest.fixture
async def api() -> BotApi:
    return BotApi()


@pytest.fixture
async def bot(api: BotApi) -> AsyncIterator[Bot]:
    async with api.run() as url, connect(api, url) as bot:
        yield bot


def connect(api: BotApi, url: str) -> Bot:
    polls = HTTPXRequest(read_timeout=5)
    return Bot(api.token, f"{url}/bot", request=HTTPXRequest(read_timeout=5), get_updates_request=polls)


@pytest.fixture
async def ann(api: BotApi) -> User:
    return api.user("Ann", username="ann_a")


@pytest.fixture
async def chat(api: BotApi, ann: User) -> Chat:
    return api.private(ann)
