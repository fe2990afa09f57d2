"""A message of the bot whose ID is unknown is found, and no one else's is touched."""

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup

from bot.outbound.journal import MOST_MISSING, MOST_TRIED, find_own
from sandbox.botapi import BotApi

KEYBOARD = InlineKeyboardMarkup([[InlineKeyboardButton("Stop", callback_data="stop:1")]])


@pytest.mark.parametrize("markup", [None, KEYBOARD])
@pytest.mark.parametrize("others", [0, 4])
async def test_own_message_is_found_among_others(others: int, markup: InlineKeyboardMarkup | None) -> None:
    api = BotApi()
    ada = api.user("Ada")
    group = api.group("All", [ada])
    async with api.run() as url, Bot(api.token, base_url=f"{url}/bot") as bot:
        question = await ada.say(group, "hello")
        for _ in range(others):
            await ada.say(group, "and so on")
        sent = await bot.send_message(group.id, "An answer", reply_markup=markup)
        await ada.say(group, "thanks")
        assert await find_own(bot, group.id, question.id) == sent.message_id
        assert await find_own(bot, group.id, sent.message_id) is None
    assert not group.message(sent.message_id).buttons


async def test_search_ends_soon_after_newest_message() -> None:
    api = BotApi()
    group = api.group("All", [api.user("Ada")])
    async with api.run() as url, Bot(api.token, base_url=f"{url}/bot") as bot:
        assert await find_own(bot, group.id, 0) is None
    assert len([call for call in api.calls if call.method == "editMessageReplyMarkup"]) <= MOST_MISSING + 1


async def test_search_ends_among_others_messages() -> None:
    api = BotApi()
    ada = api.user("Ada")
    group = api.group("All", [ada])
    async with api.run() as url, Bot(api.token, base_url=f"{url}/bot") as bot:
        for _ in range(MOST_TRIED):
            await ada.say(group, "and so on")
        await bot.send_message(group.id, "An answer")
        assert await find_own(bot, group.id, 0) is None


async def test_unreachable_server_tells_nothing() -> None:
    api = BotApi()
    group = api.group("All", [api.user("Ada")])
    async with api.run() as url:
        bot = Bot(api.token, base_url=f"{url}/bot")
        await bot.initialize()
    assert await find_own(bot, group.id, 0) is None
    await bot.shutdown()
