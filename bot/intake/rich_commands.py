"""Commands that begin a rich message, which has no text: without one neither we nor any library would see them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_COMMAND = re.compile(r"/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])")
_SAID = frozenset({"paragraph", "heading"})
"""Blocks in which somebody speaks; what stands in the others is shown, quoted or listed."""
_SHOWN = frozenset({"code", "mathematical_expression"})


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
