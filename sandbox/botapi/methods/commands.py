"""The bot's list of commands, by scope and language, and its descriptions: what Telegram's apps show of it."""

import json
import re
from collections.abc import Sequence

from sandbox.botapi.arguments import Arguments
from sandbox.botapi.errors import bad_request
from sandbox.botapi.wire import Json
from sandbox.botapi.world import World

MAX_COMMANDS = 100
SCOPES: dict[str, frozenset[str]] = {
    "default": frozenset(),
    "all_private_chats": frozenset(),
    "all_group_chats": frozenset(),
    "all_chat_administrators": frozenset(),
    "chat": frozenset({"chat_id"}),
    "chat_administrators": frozenset({"chat_id"}),
    "chat_member": frozenset({"chat_id", "user_id"}),
}
"""The scopes, each with what it needs besides its type."""


async def set_my_commands(world: World, args: Arguments) -> bool:
    """Set the list."""
    commands = args.objects("commands")
    if len(commands) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", str(command["command"])):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command["description"])) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    world.settings.put_commands(_scope(world, args), args.string("language_code"), commands)
    return True


async def get_my_commands(world: World, args: Arguments) -> Sequence[Json]:
    """The list, as it was set for exactly this scope and language."""
    return world.settings.commands(_scope(world, args), args.string("language_code"))


async def delete_my_commands(world: World, args: Arguments) -> bool:
    """Remove the list."""
    world.settings.put_commands(_scope(world, args), args.string("language_code"), [])
    return True


async def set_my_description(world: World, args: Arguments) -> bool:
    """What an empty chat shows."""
    return _describe(world, args, "description", 512)


async def get_my_description(world: World, args: Arguments) -> Json:
    """As it was set for exactly this language."""
    return _described(world, args, "description")


async def set_my_short_description(world: World, args: Arguments) -> bool:
    """What the bot's page shows."""
    return _describe(world, args, "short_description", 120)


async def get_my_short_description(world: World, args: Arguments) -> Json:
    """As it was set for exactly this language."""
    return _described(world, args, "short_description")


def _describe(world: World, args: Arguments, kind: str, most: int) -> bool:
    text = args.string(kind)
    if len(text) > most:
        raise bad_request(f"{kind} is too long")
    world.settings.put_commands(kind, args.string("language_code"), [{kind: text}] if text else [])
    return True


def _described(world: World, args: Arguments, kind: str) -> Json:
    found = world.settings.commands(kind, args.string("language_code"))
    return found[0] if found else {kind: ""}


def _scope(world: World, args: Arguments) -> str:
    scope = args.object("scope") or {"type": "default"}
    needed = SCOPES.get(str(scope["type"]))
    if needed is None or scope.keys() != needed | {"type"}:
        raise bad_request("can't parse BotCommandScope: unsupported type specified or fields missing")
    if isinstance(chat_id := scope.get("chat_id"), int):
        world.chat(chat_id)
    return json.dumps(scope, sort_keys=True)
