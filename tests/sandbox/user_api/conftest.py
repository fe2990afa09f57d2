"""A Bot API server with its user-side API, its client, a bot, and some chats."""

from collections.abc import AsyncIterator

import pytest
from telegram import Bot, Update

from sandbox.botapi import BotApi
from sandbox.user_api.client import UserClient
from sandbox.user_api.shapes import ChatView

TOKEN = "of-the-people"


@pytest.fixture
async def api() -> BotApi:
    return BotApi(user_token=TOKEN, version="10.3")


@pytest.fixture
async def client(api: BotApi, bot: Bot) -> AsyncIterator[UserClient]:
    async with UserClient(url_of(bot), TOKEN) as client:
        yield client


@pytest.fixture
async def home(client: UserClient) -> ChatView:
    return await client.add_chat("private", "", ["Ann"])


@pytest.fixture
async def group(client: UserClient, bot: Bot) -> ChatView:
    made = await client.add_chat("group", "Friends", ["Ann", "Bob"])
    await updates(bot)
    return made


def url_of(bot: Bot) -> str:
    """The server's URL."""
    return bot.base_url.partition("/bot")[0]


async def updates(bot: Bot) -> list[Update]:
    """The updates that the bot hasn't got yet."""
    found = list(await bot.get_updates(allowed_updates=Update.ALL_TYPES))
    if found:
        await bot.get_updates(offset=found[-1].update_id + 1)
    return found
