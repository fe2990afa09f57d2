from collections.abc import AsyncIterator

import pytest
from telegram import Bot
from telegram.request import HTTPXRequest

from sandbox.botapi import BotApi, Chat, User


@pytest.fixture(autouse=True)
def times_as_timedelta(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "true")  # the client warns otherwise, and warnings are errors


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
