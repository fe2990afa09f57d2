"""What python-telegram-bot does not know yet of Bot API 10.3, read from and changed in the JSON of updates.

- The stop button next to a draft has its own kind of update.
- Ephemeral messages are what one member of a group says to the bot, unseen by others. They all have message ID 0, and
  an ephemeral ID. They get the negated ephemeral ID as their message ID, which makes it unique in the chat.
  They form a conversation of their own, because others can read the group's: with its own memory, but the group's
  settings and budget. Commands that show or change something of the group are still about the group.
- A rich message has no text. One that begins with a command gets a text, or else no library would see the command.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from telegram import Message, Update

from bot.conversation.incoming_message import CONTINUE, RETRY, STOP, UNDO_RESET
from bot.updates.authorship import command
from storage.records import ChatKey

STOPPED = "stopped_message_generation"
"""The kind of update for the stop button."""
ABOUT_ASIDE = frozenset({"/reset", "/retry", "/stop"})
"""Commands about the ephemeral conversation they are given in; all other commands of the bot are about the group."""
_SEEN_BY, _PRESSED = "seen_by", "pressed_aside"
"""Fields added to a message's JSON: who sees it, and whether a pressed button is about the ephemeral conversation."""
_COMMAND = re.compile(r"/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])")
_SPOKEN = frozenset({"paragraph", "heading"})
"""Blocks that can give a command; the others quote, list or show something."""
_SHOWN = frozenset({"code", "mathematical_expression"})


def stopped_draft(update: Update) -> tuple[ChatKey, int] | None:
    """The chat and draft ID (which is the reply's ID) of a stopped draft; None for other or malformed updates."""
    stopped = update.api_kwargs.get(STOPPED)
    if not isinstance(stopped, dict) or not isinstance(chat := stopped.get("chat"), dict):
        return None
    chat_id, thread_id, draft_id = chat.get("id"), stopped.get("message_thread_id") or 0, stopped.get("draft_id")
    if not (isinstance(chat_id, int) and isinstance(thread_id, int) and isinstance(draft_id, int)):
        return None
    return ChatKey(chat_id, thread_id), draft_id


def with_message_ids(update: Any) -> Any:
    """The JSON with unique IDs for ephemeral messages, and a field that says who sees them."""
    if not isinstance(update, dict):
        return update
    query = update.get("callback_query")
    changed = {name: _with_id(update[name]) for name in ("message", "edited_message") if update.get(name)}
    if isinstance(query, dict) and query.get("message"):
        about_aside = str(query.get("data")).startswith((STOP, RETRY, CONTINUE, UNDO_RESET))
        changed["callback_query"] = query | {"message": _with_id(query["message"], query.get("from"), about_aside)}
    return update | changed


def seen_by(message: Message) -> int | None:
    """The ID of the only group member who sees a message, or None if everyone does."""
    if message.message_id > 0:
        return None
    number = message.api_kwargs.get(_SEEN_BY)
    return number if isinstance(number, int) else None


def is_aside(message: Message, known: frozenset[str]) -> bool:
    """Whether an ephemeral message, or a button under one, is about its own conversation and not about the group.

    `known`: the bot's commands.
    """
    if message.from_user is not None and message.from_user.is_bot:
        return bool(message.api_kwargs.get(_PRESSED))
    name = (command(message) or "").lower().partition("@")[0]
    return name in ABOUT_ASIDE or name.removeprefix("/") not in known


def _with_id(message: Any, presser: Any = None, about_aside: bool = False) -> Any:
    if not isinstance(message, dict):
        return message
    message = {name: value for name, value in message.items() if name not in (_SEEN_BY, _PRESSED)}
    if (target := message.get("reply_to_message")) is not None:
        message["reply_to_message"] = _with_id(target)
    number = message.get("ephemeral_message_id")
    if message.get("message_id") != 0 or not (isinstance(number, int) or "receiver_user" in message):
        return message
    message["message_id"] = -number if isinstance(number, int) else 0
    people = (presser, message.get("from"), message.get("receiver_user"))
    member = next((person for person in people if isinstance(person, Mapping) and not person.get("is_bot")), None)
    if member is not None:
        message |= {_SEEN_BY: member.get("id"), _PRESSED: about_aside}
    return message


def with_command_text(update: Any) -> Any:
    """The JSON with a text, and an entity for the command, added to a rich message that begins with a command."""
    if not isinstance(update, dict):
        return update
    messages = {name: update.get(name) for name in ("message", "edited_message")}
    return update | {name: _with_text(message) for name, message in messages.items() if isinstance(message, dict)}


def _with_text(message: dict[str, Any]) -> dict[str, Any]:
    rich = message.get("rich_message")
    blocks = rich.get("blocks") if isinstance(rich, Mapping) else None
    if message.get("text") or message.get("caption") or not isinstance(blocks, list) or not blocks:
        return message
    if not isinstance(blocks[0], Mapping) or blocks[0].get("type") not in _SPOKEN:
        return message
    words = "\n".join("".join(_texts(block)) for block in blocks)
    found = _COMMAND.match(words)
    if found is None or not _is_spoken(blocks[0].get("text")):
        return message
    return message | {"text": words, "entities": [{"type": "bot_command", "offset": 0, "length": len(found[0])}]}


def _texts(node: Any) -> Iterator[str]:
    """All texts in a block."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for child in node:
            yield from _texts(child)
    elif isinstance(node, Mapping):
        for name in ("text", "blocks", "items", "cells"):
            yield from _texts(node.get(name))


def _is_spoken(text: Any) -> bool:
    """Whether the block begins with ordinary text, formatted or not, and not with code or a formula."""
    while not isinstance(text, str):
        if isinstance(text, list) and text:
            text = text[0]
        elif isinstance(text, Mapping) and text.get("type") not in _SHOWN:
            text = text.get("text")
        else:
            return False
    return True
