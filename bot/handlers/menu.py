"""The command menus that Telegram's apps show: by language, and by who may do what where."""

import logging

from telegram import (
    Bot,
    BotCommandScope,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeDefault,
)
from telegram.error import TelegramError

from bot.language import LANGUAGES, commands, speaking

FOR_ADMINS = frozenset({"forget", "reset", "settings", "export"})
"""What only administrators may do in a group."""

log = logging.getLogger(__name__)


async def register_menu(bot: Bot) -> None:
    """Register all menus; without them the commands work all the same."""
    try:
        for language in LANGUAGES:
            with speaking(language):
                await _register(bot, language)
    except TelegramError as exc:
        log.warning("The command menu could not be registered: %s", exc)


async def _register(bot: Bot, language: str) -> None:
    everything = tuple(commands().items())
    for_all = tuple((name, does) for name, does in everything if name not in FOR_ADMINS)
    scopes: tuple[tuple[BotCommandScope, tuple[tuple[str, str], ...]], ...] = (
        (BotCommandScopeDefault(), everything),
        (BotCommandScopeAllGroupChats(), for_all),
        (BotCommandScopeAllChatAdministrators(), everything),
    )
    code = None if language == "en" else language  # English is for everybody whose language is none of ours
    for scope, menu in scopes:
        await bot.set_my_commands(menu, scope=scope, language_code=code)
