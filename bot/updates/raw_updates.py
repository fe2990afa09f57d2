"""The button beside a draft that ends an answer (Bot API 10.3): python-telegram-bot does not know its update yet.

Ephemeral messages (Bot API 10.3): what one member of a group says to the bot, and nobody else sees.

All of them come as message 0, with a number of their own. Here they get that number as a negative one, so that one
number names one message of a chat, and none that everybody sees.

What someone says so is a conversation of its own, since others read the group's: with its own memory, under the
group's settings and costs. A command that tells something of the group, or sets it, is about the group all the same.

Commands that begin a rich message, which has no text: without one neither we nor any library would see them.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from telegram import Message, Update

from bot.conversation.incoming_message import CONTINUE, RETRY, STOP, UNDO_RESET
from bot.updates.authorship import command
from storage.records import ChatKey

STOPPED = "stopped_message_generation"
"""The kind of the update."""
ABOUT_ASIDE = frozenset({"/reset", "/retry", "/stop"})
"""Commands about what is said between the two; all others that the bot has are about the group."""
_SEEN_BY, _PRESSED = "seen_by", "pressed_aside"
"""Fields of ours in the JSON of a message: who sees it, and whether a button under it is about what is said aside."""
_COMMAND = re.compile(r"/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])")
_SAID = frozenset({"paragraph", "heading"})
"""Blocks in which someone speaks; what stands in the others is shown, quoted or listed."""
_SHOWN = frozenset({"code", "mathematical_expression"})


def stopped_draft(update: Update) -> tuple[ChatKey, int] | None:
    """Where which draft was stopped; its id is that of the reply. None when it is something else, or not readable."""
    told = update.api_kwargs.get(STOPPED)
    if not isinstance(told, dict) or not isinstance(chat := told.get("chat"), dict):
        return None
    chat_id, thread_id, draft_id = chat.get("id"), told.get("message_thread_id") or 0, told.get("draft_id")
    if not (isinstance(chat_id, int) and isinstance(thread_id, int) and isinstance(draft_id, int)):
        return None
    return ChatKey(chat_id, thread_id), draft_id


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


def worded(update: Any) -> Any:
    """An update whose rich message begins with a command has its words as a text too, with the command marked in it."""
    if not isinstance(update, dict):
        return update
    said = {name: update.get(name) for name in ("message", "edited_message")}
    return update | {name: _worded(one) for name, one in said.items() if isinstance(one, dict)}


def _worded(message: dict[str, Any]) -> dict[str, Any]:
    rich = message.get("rich_message")
    blocks = rich.get("blocks") if isinstance(rich, Mapping) else None
    if message.get("text") or message.get("caption") or not isinstance(blocks, list) or not blocks:
        return message
    if not isinstance(blocks[0], Mapping) or blocks[0].get("type") not in _SAID:
        return message
    words = "\n".join("".join(_texts(block)) for block in blocks)
    found = _COMMAND.match(words)
    if found is None or not _is_said(blocks[0].get("text")):
        return message
    return message | {"text": words, "entities": [{"type": "bot_command", "offset": 0, "length": len(found[0])}]}


def _texts(held: Any) -> Iterator[str]:
    """All texts in a block."""
    if isinstance(held, str):
        yield held
    elif isinstance(held, list):
        for one in held:
            yield from _texts(one)
    elif isinstance(held, Mapping):
        for name in ("text", "blocks", "items", "cells"):
            yield from _texts(held.get(name))


def _is_said(text: Any) -> bool:
    """Whether the first words are said as such, in bold or not, and are no piece of code."""
    while not isinstance(text, str):
        if isinstance(text, list) and text:
            text = text[0]
        elif isinstance(text, Mapping) and text.get("type") not in _SHOWN:
            text = text.get("text")
        else:
            return False
    return True
