"""The text of a rich message, which python-telegram-bot passes on as raw JSON.

The code looks for texts in any kind of block, including ones that Telegram may add, and ignores JSON of another shape.
Pictures, audio and maps are named in square brackets.
"""

from collections.abc import Iterator, Mapping, Sequence

from bot.inbound.sanitize import clean

PICTURED = ("animation", "audio", "document", "location", "photo", "video", "voice_note")
"""Fields of blocks that are not text."""


def words_of(rich: object) -> str:
    """The whole text, with a line for each block, list item and table row."""
    return "\n".join(_blocks(_field(rich, "blocks")))


def calls(rich: object) -> Iterator[str | int]:
    """Who is mentioned: @usernames, commands, which may contain one, and the IDs of people without a username."""
    match _field(rich, "type"):
        case "mention":
            yield f"@{_inline(_field(rich, 'username')).removeprefix('@')}"
            yield _inline(rich)
        case "bot_command":
            yield _inline(rich)
            yield _inline(_field(rich, "bot_command"))
        case "text_mention":
            yield from (number for number in (_field(_field(rich, "user"), "id"),) if isinstance(number, int))
    for child in rich.values() if isinstance(rich, Mapping) else _items(rich):
        yield from calls(child)


def _blocks(blocks: object) -> Iterator[str]:
    for block in _items(blocks):
        if _field(block, "type") != "thinking":  # only in drafts
            yield from (line for line in _block(block) if line.strip())


def _block(block: object) -> Iterator[str]:
    if any(_field(block, name) for name in PICTURED):
        yield f"[{clean(str(_field(block, 'type'))).replace('_', ' ')}]"
    yield _inline(_field(block, "summary"))
    yield _inline(_field(block, "expression")) or _inline(_field(block, "text"))
    yield from _blocks(_field(block, "blocks"))
    for item in _items(_field(block, "items")):
        yield from _list_item(item)
    for row in _items(_field(block, "cells")):
        yield " | ".join(_inline(_field(cell, "text")) for cell in _items(row))
    if buttons := [_button(button) for button in _items(_field(block, "buttons"))]:
        yield " ".join(buttons)
    yield from _caption(_field(block, "caption"))
    yield _credit(block)


def _list_item(item: object) -> Iterator[str]:
    label = _inline(_field(item, "label"))
    if _field(item, "has_checkbox"):
        label = "done:" if _field(item, "is_checked") else "to do:"
    first, *others = [*_blocks(_field(item, "blocks"))] or [""]
    yield f"{label} {first}"
    yield from others


def _caption(caption: object) -> Iterator[str]:
    """A caption, which is an object with a credit under media, but a plain text under a table."""
    if isinstance(caption, Mapping) and "type" not in caption:
        yield _inline(caption.get("text"))
        yield _credit(caption)
    else:
        yield _inline(caption)


def _credit(holder: object) -> str:
    credit = _inline(_field(holder, "credit"))
    return f"— {credit}" if credit else ""


def _inline(text: object) -> str:
    """An inline text with the URLs of its links."""
    if isinstance(text, str):
        return text
    if isinstance(text, Mapping):
        if text.get("type") == "button":
            return _button(text.get("button"))
        shown = _inline(text.get("expression") or text.get("alternative_text") or text.get("text"))
        url = text.get("url")
        return f"{shown} ({url})" if isinstance(url, str) and url != shown else shown
    return "".join(map(_inline, _items(text)))


def _button(button: object) -> str:
    return f"[button {clean(_inline(_field(button, 'text')))}]"


def _field(holder: object, name: str) -> object:
    return holder.get(name) if isinstance(holder, Mapping) else None


def _items(value: object) -> Sequence[object]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()
