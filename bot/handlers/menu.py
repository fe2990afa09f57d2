"""What Telegram's apps show of the bot: command menus by language and by who may do what where, and descriptions."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeChat,
    BotCommandScopeDefault,
)
from telegram.error import RetryAfter, TelegramError

from bot.language import LANGUAGES, TRADITIONAL, commands, speaking, texts
from bot.outbound.refusals import seconds_to_wait

FOR_ADMINS = frozenset({"forget", "reset", "settings", "export"})
"""What only administrators may do in a group."""
FOR_OWNERS = frozenset({"users", "allow", "block", "broadcast", "budget"})
"""What only owners may do, in private."""

EPHEMERAL = frozenset({"help", "memory", "search", "why", "usage", "privacy", "settings", "export"})
"""What concerns whoever asks: in a group their apps show the command, and so the answer, to them alone (10.3)."""

IN_MENUS = tuple(language for language in LANGUAGES if language != TRADITIONAL)
"""Telegram knows languages by two letters there."""

log = logging.getLogger(__name__)


async def register_menu(bot: Bot) -> None:
    """Register all menus but the owners'; without them the commands work all the same.

    What is refused in one language leaves the others as they are, and nothing that comes of it ends the bot.
    """
    for language in IN_MENUS:
        with speaking(language):
            await _in_time("The command menu could not be registered", partial(_register, bot, language))
            await _in_time("The bot could not be described", partial(_describe, bot, _code(language)))


async def register_owner_menu(bot: Bot, owner: int) -> None:
    """Show an owner their own commands, in the private chat; where that was never begun, there is nothing to show."""
    try:
        for language in IN_MENUS:
            with speaking(language):
                menu = tuple(commands().items())
            await bot.set_my_commands(menu, scope=BotCommandScopeChat(owner), language_code=_code(language))
    except TelegramError as exc:
        log.info("The command menu of owner %d could not be registered: %s", owner, exc)


async def drop_owner_menu(bot: Bot, former: int) -> None:
    """Somebody is an owner no longer."""
    try:
        for language in IN_MENUS:
            await bot.delete_my_commands(scope=BotCommandScopeChat(former), language_code=_code(language))
    except TelegramError as exc:
        log.info("The command menu of %d could not be taken away: %s", former, exc)


async def _in_time(failed: str, step: Callable[[], Awaitable[None]]) -> None:
    """Do a step as soon as Telegram lets us: nobody waits for it."""
    while True:
        try:
            await step()
        except RetryAfter as exc:
            log.info("Telegram asks to wait for %.0f s with the menus", seconds_to_wait(exc))
            await asyncio.sleep(seconds_to_wait(exc))
        except TelegramError as exc:
            log.warning("%s: %s", failed, exc)
            return
        except Exception:
            log.exception("%s: an answer that can't be read", failed)
            return
        else:
            return


async def _register(bot: Bot, language: str) -> None:
    everything = tuple((name, does) for name, does in commands().items() if name not in FOR_OWNERS)
    for_all = tuple((name, does) for name, does in everything if name not in FOR_ADMINS)
    scopes: tuple[tuple[BotCommandScope, tuple[tuple[str, str], ...]], ...] = (
        (BotCommandScopeDefault(), everything),
        (BotCommandScopeAllGroupChats(), for_all),
        (BotCommandScopeAllChatAdministrators(), everything),
    )
    for scope, menu in scopes:
        shown = [_entry(*one, in_groups=scope.type != BotCommandScope.DEFAULT) for one in menu]
        stands = await bot.get_my_commands(scope, _code(language))
        if list(map(_told, stands)) != list(map(_told, shown)):
            await bot.set_my_commands(shown, scope=scope, language_code=_code(language))


def _told(entry: BotCommand) -> dict[str, object]:
    """What Telegram keeps of a command."""
    return {name: value for name, value in entry.to_dict().items() if value}


def _entry(name: str, does: str, *, in_groups: bool) -> BotCommand:
    more = {"is_ephemeral": True} if in_groups and name in EPHEMERAL else None
    return BotCommand(name, does, api_kwargs=more)


async def _describe(bot: Bot, code: str | None) -> None:
    """Where nothing is said yet: what somebody wrote with @BotFather stays, and if it is for all languages, alone."""
    with speaking("en"):
        ours, our_short = texts.DESCRIPTION, texts.SHORT_DESCRIPTION
    for_all = (await bot.get_my_description()).description
    if for_all in ("", ours) and not (await bot.get_my_description(code)).description:
        await bot.set_my_description(texts.DESCRIPTION, code)
    for_all = (await bot.get_my_short_description()).short_description
    if for_all in ("", our_short) and not (await bot.get_my_short_description(code)).short_description:
        await bot.set_my_short_description(texts.SHORT_DESCRIPTION, code)


def _code(language: str) -> str | None:
    """English is for everybody whose language is none of ours."""
    return None if language == "en" else language
