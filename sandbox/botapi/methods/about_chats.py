"""The methods about the bot, its commands and descriptions, and about chats and their members."""

import json
import re
from collections.abc import Sequence

from sandbox.botapi.parameters import Arguments
from sandbox.botapi.server_state import ServerState
from sandbox.botapi.wire import Json, bad_request

MOST_TOPIC_NAME = 128
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
"""The scopes of commands, with the fields that each needs besides its type."""


_RIGHTS = (
    "manage_chat delete_messages manage_video_chats restrict_members promote_members change_info invite_users "
    "post_stories edit_stories delete_stories pin_messages manage_topics"
)
RIGHTS = tuple(f"can_{right}" for right in _RIGHTS.split())
"""What an administrator of a supergroup may do."""


async def get_me(state: ServerState, _: Arguments) -> Json:
    return state.bot


async def get_chat(state: ServerState, args: Arguments) -> Json:
    """A chat with the fields that every chat has."""
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    return state.chat(args.integer("chat_id")) | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
    }


async def get_chat_member(state: ServerState, args: Arguments) -> Json:
    chat_id, user_id = args.integer("chat_id"), args.integer("user_id")
    state.chat(chat_id)
    user = state.bot_user if user_id == state.bot_id else state.store.user(user_id)
    if user is None:
        raise bad_request("user not found")
    return member(user, state.store.status(chat_id, user_id))


async def leave_chat(state: ServerState, args: Arguments) -> bool:
    """Leave a group; refused in a private chat."""
    chat_id = args.integer("chat_id")
    if state.chat(chat_id)["type"] == "private":
        raise bad_request("chat member status can't be changed in private chats")
    state.set_status(chat_id, state.bot_id, "left")
    return True


async def edit_forum_topic(state: ServerState, args: Arguments) -> bool:
    """Rename a topic."""
    chat_id, thread = args.integer("chat_id"), args.integer("message_thread_id")
    state.open_chat(chat_id, thread)
    if not 0 < len(args.string("name").strip()) <= MOST_TOPIC_NAME:
        raise bad_request("TOPIC_TITLE_EMPTY")
    state.name_topic(chat_id, thread, args.string("name").strip())
    return True


def member(user: Json, status: str) -> Json:
    """A ChatMember."""
    extra: dict[str, Json] = {
        "creator": {"is_anonymous": False},
        "kicked": {"until_date": 0},
        "administrator": {"is_anonymous": False, "can_be_edited": False, **dict.fromkeys(RIGHTS, True)},
    }
    return {"status": status, "user": user, **extra.get(status, {})}


async def set_my_commands(state: ServerState, args: Arguments) -> bool:
    commands = args.objects("commands")
    if len(commands) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", str(command["command"])):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command["description"])) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    state.settings.put_commands(_scope(state, args), args.string("language_code"), commands)
    state.events.tell("commands")
    return True


async def get_my_commands(state: ServerState, args: Arguments) -> Sequence[Json]:
    """The commands set for exactly this scope and language."""
    return state.settings.commands(_scope(state, args), args.string("language_code"))


async def delete_my_commands(state: ServerState, args: Arguments) -> bool:
    state.settings.put_commands(_scope(state, args), args.string("language_code"), [])
    state.events.tell("commands")
    return True


async def set_my_description(state: ServerState, args: Arguments) -> bool:
    """Set what an empty chat shows."""
    return _describe(state, args, "description", 512)


async def get_my_description(state: ServerState, args: Arguments) -> Json:
    """The description set for exactly this language."""
    return _described(state, args, "description")


async def set_my_short_description(state: ServerState, args: Arguments) -> bool:
    """Set what the bot's profile shows."""
    return _describe(state, args, "short_description", 120)


async def get_my_short_description(state: ServerState, args: Arguments) -> Json:
    """The short description set for exactly this language."""
    return _described(state, args, "short_description")


def _describe(state: ServerState, args: Arguments, kind: str, most: int) -> bool:
    text = args.string(kind)
    if len(text) > most:
        raise bad_request(f"{kind} is too long")
    state.settings.put_commands(kind, args.string("language_code"), [{kind: text}] if text else [])
    return True


def _described(state: ServerState, args: Arguments, kind: str) -> Json:
    found = state.settings.commands(kind, args.string("language_code"))
    return found[0] if found else {kind: ""}


def _scope(state: ServerState, args: Arguments) -> str:
    scope = args.object("scope") or {"type": "default"}
    needed = SCOPES.get(str(scope["type"]))
    if needed is None or scope.keys() != needed | {"type"}:
        raise bad_request("can't parse BotCommandScope: unsupported type specified or fields missing")
    if isinstance(chat_id := scope.get("chat_id"), int):
        state.chat(chat_id)
    return json.dumps(scope, sort_keys=True)
