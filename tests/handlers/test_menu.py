"""What Telegram's apps show of the bot."""

from telegram import Bot

from bot.handlers.menu import register_menu
from sandbox.botapi import BotApi


async def test_the_bot_describes_itself_in_four_languages() -> None:
    api = BotApi()
    async with api.run() as url, Bot(api.token, base_url=f"{url}/bot") as bot:
        await bot.set_my_description("Written by its operator", "es")
        await register_menu(bot)
        told = [(await bot.get_my_description(code)).description for code in (None, "zh", "ru", "es")]
        short = (await bot.get_my_short_description("ru")).short_description
        menu = await bot.get_my_commands(language_code="ru")
    assert [one[:9] for one in told] == ["I am an a", "我是有记忆的助手：", "Я помощни", "Written b"]
    assert short.startswith("Помощник")
    assert menu[0].description == "что я понимаю"
