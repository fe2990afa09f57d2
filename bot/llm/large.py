"""Large requests are made beside the event loop: pictures of 24 MB, in base64 and JSON, took it a third of a second."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from bot.llm.interface import Message

MUCH = 2**19
"""Bytes or characters, which take some milliseconds."""
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)

T = TypeVar("T")


async def made(messages: Sequence[Message], make: Callable[[], T]) -> T:
    """What is made of messages, in a thread if they hold many pictures or sounds."""
    held = sum(0 if isinstance(part, str) else len(part.data) for message in messages for part in message.parts)
    return await asyncio.to_thread(make) if held > MUCH else make()


def dumped(body: Mapping[str, object], errors: str = "strict") -> bytes:
    """As JSON; what is large piece by piece, since nothing else runs while one is made, in a thread or not."""
    pieces = _JSON.iterencode(body) if is_large(body) else [_JSON.encode(body)]
    return b"".join(piece.encode(errors=errors) for piece in pieces)


def is_large(value: object) -> bool:
    """Whether so many characters are in it."""
    return _characters(value) > MUCH


def _characters(value: object) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(map(_characters, value.values()))
    return sum(map(_characters, value)) if isinstance(value, list | tuple) else 0
