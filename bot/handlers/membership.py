"""The bot's membership in chats, and what Telegram's apps show of it: command menus and descriptions.

The bot is added to groups, removed and blocked, and groups become supergroups. Menus depend on the language, and on
who may do what where.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.resources import files

from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeChat,
    BotCommandScopeDefault,
    ChatMember,
    ChatMemberRestricted,
    ChatMemberUpdated,
)
from telegram import Chat as TelegramChat
from telegram.error import RetryAfter, TelegramError

from bot.access.policy import AccessPolicy
from bot.handlers.context import MessageContext, UpdateContext
from bot.language import LANGUAGES, TRADITIONAL, commands, speaking, texts
from bot.outbound.refusals import seconds_to_wait
from storage import presence
from storage.access_list import SHELL, AccessList, AccessStatus, Applicant
from storage.chats import Chats
from storage.inbox import Inbox
from storage.records import ChatKey, Notice

OUT = (ChatMember.LEFT, ChatMember.BANNED)
FOR_ADMINS = frozenset({"reset", "settings", "export"})
"""Commands that only administrators may use in a group."""
FOR_OWNERS = frozenset({"users", "allow", "block", "broadcast", "budget"})
"""Commands that only owners may use, in private."""
EPHEMERAL = frozenset({"help", "memory", "search", "why", "usage", "privacy", "settings", "export"})
"""Commands that in a group are shown, along with the reply, only to the person who gives them (Bot API 10.3)."""
FORMER_DESCRIPTIONS = frozenset(
    files("bot.texts").joinpath("former_descriptions.txt").read_text(encoding="utf-8").splitlines()
)
"""Descriptions set by earlier versions, in all languages: they may be replaced, since the bot wrote them."""
IN_MENUS = tuple(language for language in LANGUAGES if language != TRADITIONAL)
"""The languages with menus: Telegram only takes two-letter codes there."""

log = logging.getLogger(__name__)


class MembershipHandlers:
    """Keeps track of the bot's chats.

    `hears_all`: whether Telegram sends the bot every message of groups; `listens`: whether it records them; `clock`
    gives Unix seconds.
    """

    def __init__(
        self,
        chats: Chats,
        access: AccessList,
        inbox: Inbox,
        policy: AccessPolicy,
        username: str,
        name: str,
        hears_all: bool,
        listens: bool,
        clock: Callable[[], float],
    ) -> None:
        self._chats = chats
        self._access = access
        self._inbox = inbox
        self._policy = policy
        self._username = username
        self._name = name
        self._hears_all = hears_all
        self._listens = listens
        self._clock = clock

    async def changed(self, update: UpdateContext, change: ChatMemberUpdated) -> None:
        """The bot's status in a chat has changed."""
        async with update.finish() as tx:
            if is_out(change.new_chat_member):
                await presence.left(tx, change.chat.id)
                return
            await presence.came(tx, change.chat.id)
            private = change.chat.type == TelegramChat.PRIVATE
            key = ChatKey(change.chat.id)
            chat = await self._chats.ensure(tx, key, private=private, now=self._clock())
            group = change.chat.type in (TelegramChat.GROUP, TelegramChat.SUPERGROUP)
            group = group and not change.chat.is_direct_messages  # a greeting there would need a topic
            joined = group and is_out(change.old_chat_member)
            if joined and await self._chats.greet(tx, chat.id):
                await update.send(tx, Notice(key, private, self._greeting(change)))

    async def migrated(self, update: MessageContext) -> None:
        """A group has become a supergroup: move its rows to the new ID."""
        message = update.message
        here = message.chat.id
        old, new = message.migrate_from_chat_id or here, self._policy.current_id(message.migrate_to_chat_id or here)
        async with update.finish() as tx:
            if self._policy.is_named(old):  # ALLOWED_IDS still has the old ID
                await self._access.put(
                    tx, Applicant(old, message.chat.title or ""), AccessStatus.ALLOWED, SHELL, self._clock()
                )
            await presence.migrate(tx, old, new)
            await self._inbox.forget(tx, old)  # a later /forget would not find updates under the old ID

    def _greeting(self, change: ChatMemberUpdated) -> str:
        hears = self._hears_all or change.new_chat_member.status == ChatMember.ADMINISTRATOR
        heard = texts.GREETING_HEARS if hears and self._listens else texts.GREETING_CALLED
        return texts.GREETING.format(name=self._name, username=self._username, heard=heard)


def is_out(member: ChatMember) -> bool:
    """Whether the bot can't write in the chat."""
    muted = isinstance(member, ChatMemberRestricted) and not (member.is_member and member.can_send_messages)
    return muted or member.status in OUT


async def register_menu(bot: Bot) -> None:
    """Register all menus except the owners'; commands work without them, too.

    A failure in one language does not affect the others, and never ends the bot.
    """
    general = _GeneralDescriptions(bot)
    for language in IN_MENUS:
        with speaking(language):
            await _or_log("The command menu could not be registered", partial(_register, bot, language))
            await _or_log("The bot could not be described", partial(_describe, bot, _code(language), general))


async def register_owner_menu(bot: Bot, owner: int) -> None:
    """Show an owner their commands in the private chat; this fails if the chat was never started."""
    try:
        for language in IN_MENUS:
            with speaking(language):
                menu = tuple(commands().items())
            scope = BotCommandScopeChat(owner)
            await _in_time(partial(bot.set_my_commands, menu, scope=scope, language_code=_code(language)))
    except TelegramError as exc:
        log.info("The command menu of owner %d could not be registered: %s", owner, exc)


async def drop_owner_menu(bot: Bot, former: int) -> None:
    """Remove the menu of a former owner."""
    try:
        for language in IN_MENUS:
            scope = BotCommandScopeChat(former)
            await _in_time(partial(bot.delete_my_commands, scope=scope, language_code=_code(language)))
    except TelegramError as exc:
        log.info("The command menu of %d could not be removed: %s", former, exc)


async def _or_log(failed: str, step: Callable[[], Awaitable[object]]) -> None:
    """Run a step, or log that it failed."""
    try:
        await _in_time(step)
    except TelegramError as exc:
        log.warning("%s: %s", failed, exc)
    except Exception:
        log.exception("%s: the response can't be parsed", failed)


async def _in_time(step: Callable[[], Awaitable[object]]) -> None:
    """Run a step, waiting for as long as Telegram asks."""
    while True:
        try:
            await step()
        except RetryAfter as exc:
            log.info("Telegram asks to wait for %.0f s with the menus", seconds_to_wait(exc))
            await asyncio.sleep(seconds_to_wait(exc))
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
        wanted = [_entry(*command, in_groups=scope.type != BotCommandScope.DEFAULT) for command in menu]
        registered = await bot.get_my_commands(scope, _code(language))
        if list(map(_as_json, registered)) != list(map(_as_json, wanted)):
            await bot.set_my_commands(wanted, scope=scope, language_code=_code(language))


def _as_json(entry: BotCommand) -> dict[str, object]:
    """The fields of a command that Telegram stores."""
    return {name: value for name, value in entry.to_dict().items() if value}


def _entry(name: str, does: str, *, in_groups: bool) -> BotCommand:
    more = {"is_ephemeral": True} if in_groups and name in EPHEMERAL else None
    return BotCommand(name, does, api_kwargs=more)


class _GeneralDescriptions:
    """The descriptions for all other languages, read once from Telegram."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._read: tuple[str, str] | None = None

    async def read(self) -> tuple[str, str]:
        """The description and the short description."""
        if self._read is None:
            long, short = await self._bot.get_my_description(), await self._bot.get_my_short_description()
            self._read = long.description, short.short_description
        return self._read


async def _describe(bot: Bot, code: str | None, general: _GeneralDescriptions) -> None:
    """Set the descriptions, unless someone wrote a general one with @BotFather, which then stays the only one."""
    with speaking("en"):
        replaceable = {"", texts.DESCRIPTION, texts.SHORT_DESCRIPTION, *FORMER_DESCRIPTIONS}
    long, short = await general.read()
    if long in replaceable:
        here = (await bot.get_my_description(code)).description
        if here in replaceable and here != texts.DESCRIPTION:
            await bot.set_my_description(texts.DESCRIPTION, code)
    if short in replaceable:
        here = (await bot.get_my_short_description(code)).short_description
        if here in replaceable and here != texts.SHORT_DESCRIPTION:
            await bot.set_my_short_description(texts.SHORT_DESCRIPTION, code)


def _code(language: str) -> str | None:
    """The code for Telegram; English is registered for all languages without a translation."""
    return None if language == "en" else language
