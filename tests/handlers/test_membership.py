"""What Telegram's apps show of the bot."""

import pytest
from telegram import Bot, BotCommandScopeChat

from bot.handlers import membership
from bot.handlers.membership import FORMER_DESCRIPTIONS, IN_MENUS, register_menu, register_owner_menu
from bot.texts import COMMANDS
from bot.texts.access_texts import DESCRIPTION, SHORT_DESCRIPTION
from sandbox.botapi import BotApi


async def test_the_bot_describes_itself_in_its_languages() -> None:
    api = BotApi()
    async with api.run() as url, Bot(api.token, base_url=f"{url}/bot") as bot:
        await bot.set_my_description("Written by its operator", "es")
        await register_menu(bot)
        told = [(await bot.get_my_description(code)).description for code in (None, "zh", "ru", "es")]
        short = (await bot.get_my_short_description("ru")).short_description
        menu = await bot.get_my_commands(language_code="ru")
    assert [one[:9] for one in told] == ["I'm an as", "我是有记忆的助手：", "Я помощни", "Written b"]
    assert short.startswith("Помощник")
    assert menu[0].description == "что я умею"


@pytest.mark.parametrize("fault", [{"retry_after": 0}, {"code": 400}, {"code": 500}])
async def test_one_refusal_costs_no_other_language(fault: dict[str, int]) -> None:
    api = BotApi()
    for method in ("setMyCommands", "getMyDescription"):
        api.faults.add(method, **fault)  # type: ignore[arg-type]
    async with api.run() as url, Bot(api.token, base_url=f"{url}/bot") as bot:
        await register_menu(bot)
        told = [(await bot.get_my_description(code)).description for code in ("zh", "ru", "es")]
        menus = [await bot.get_my_commands(language_code=code) for code in ("zh", "ru", "es")]
    assert sum(map(bool, told)) >= 2
    assert sum(map(bool, menus)) >= 2


async def test_an_owners_menu_waits_for_telegram(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are as many requests as languages, which may be more than Telegram takes at once."""
    api = BotApi()
    owner = api.private(api.user("Ann")).id
    api.faults.add("setMyCommands", retry_after=30)
    monkeypatch.setattr(membership, "seconds_to_wait", lambda _: 0.0)
    async with api.run() as url, Bot(api.token, base_url=f"{url}/bot") as bot:
        await register_owner_menu(bot, owner)
        menus = [await bot.get_my_commands(BotCommandScopeChat(owner), code) for code in (None, *IN_MENUS[1:])]
    assert [len(menu) for menu in menus] == [len(COMMANDS)] * len(IN_MENUS)


async def test_descriptions_of_earlier_versions_are_replaced() -> None:
    former = sorted(FORMER_DESCRIPTIONS, key=len)
    api = BotApi()
    async with api.run() as url, Bot(api.token, base_url=f"{url}/bot") as bot:
        for code in (None, "es"):
            await bot.set_my_description(former[-1], code)
            await bot.set_my_short_description(former[0], code)
        await register_menu(bot)
        told = [(await bot.get_my_description(code)).description for code in (None, "es")]
        short = [(await bot.get_my_short_description(code)).short_description for code in (None, "es")]
    assert (told[0], short[0]) == (DESCRIPTION, SHORT_DESCRIPTION)
    assert not {*told, *short} & {former[-1], former[0]}
    assert "/privacy" in told[1]


async def test_what_stands_is_not_written_again() -> None:
    api = BotApi(version="10.3")
    async with api.run() as url, Bot(api.token, base_url=f"{url}/bot") as bot:
        await register_menu(bot)
        written = [call.method for call in api.calls if call.method.startswith("setMy")]
        await register_menu(bot)
    assert len(written) == 5 * len(IN_MENUS)
    assert sum(call.method.startswith("setMy") for call in api.calls) == len(written)


async def test_an_operators_own_words_stand_in_every_language() -> None:
    api = BotApi()
    async with api.run() as url, Bot(api.token, base_url=f"{url}/bot") as bot:
        await bot.set_my_description("The assistant of a shop")
        await register_menu(bot)
        assert not (await bot.get_my_description("ru")).description
        assert (await bot.get_my_short_description("ru")).short_description
