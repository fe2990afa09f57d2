"""Ephemeral messages (Bot API 10.3): what one member of a group says to the bot, and nobody else sees.

All of them come as message 0, with a number of their own. Here they get that number as a negative one, so that one
number names one message of a chat, and none that everybody sees.

What somebody says so is a conversation of its own, since others read the group's: with its own memory, under the
group's settings and costs. A command that tells something of the group, or sets it, is about the group all the same.
"""

from collections.abc import Mapping
from typing import Any

from telegram import Message

from bot.conversation.presses import CONTINUE, RETRY, STOP, UNDO_RESET
from bot.intake.authorship import command

ABOUT_ASIDE = frozenset({"/reset", "/retry", "/stop"})
"""Commands about what is said between the two; all others that the bot has are about the group."""
_SEEN_BY, _PRESSED = "seen_by", "pressed_aside"
"""Fields of ours in the JSON of a message: who sees it, and whether a button under it is about what is said aside."""


def keyed(update: Any) -> Any:
    """An update whose ephemeral messages have numbers of their own, and say who sees them."""
    if not isinstance(update, dict):
        return update
    query = update.get("callback_query")
    said = [update.get("message"), update.get("edited_message")]
    changed = {name: _keyed(one) for name, one in zip(("message", "edited_message"), said, strict=True) if one}
    if isinstance(query, dict) and query.get("message"):
        about_aside = str(query.get("data")).startswith((STOP, RETRY, CONTINUE, UNDO_RESET))
        changed["callback_query"] = query | {"message": _keyed(query["message"], query.get("from"), about_aside)}
    return update | changed


def seen_by(message: Message) -> int | None:
    """The only member of the group who sees a message; None: everybody does."""
    if message.message_id > 0:
        return None
    number = message.api_kwargs.get(_SEEN_BY)
    return number if isinstance(number, int) else None


def is_aside(message: Message, known: frozenset[str]) -> bool:
    """Whether an ephemeral message, or a press under it, is about what these two say, and not about the group.

    `known`: the commands that the bot has.
    """
    if message.from_user is not None and message.from_user.is_bot:
        return bool(message.api_kwargs.get(_PRESSED))
    name = (command(message) or "").lower().partition("@")[0]
    return name in ABOUT_ASIDE or name.removeprefix("/") not in known


def _keyed(message: Any, presser: Any = None, about_aside: bool = False) -> Any:
    if not isinstance(message, dict):
        return message
    message = {name: one for name, one in message.items() if name not in (_SEEN_BY, _PRESSED)}
    if (target := message.get("reply_to_message")) is not None:
        message["reply_to_message"] = _keyed(target)
    number = message.get("ephemeral_message_id")
    if message.get("message_id") != 0 or not (isinstance(number, int) or "receiver_user" in message):
        return message
    message["message_id"] = -number if isinstance(number, int) else 0
    people = (presser, message.get("from"), message.get("receiver_user"))
    whom = next((one for one in people if isinstance(one, Mapping) and not one.get("is_bot")), None)
    if whom is not None:
        message |= {_SEEN_BY: whom.get("id"), _PRESSED: about_aside}
    return message
