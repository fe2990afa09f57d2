"""Text as a model sends it, made into what can be stored, sent on and shown.

Servers cut an emoji between two pieces, and JSON lets its halves stand alone; no database and no request takes those.
Control characters are nothing that a reader sees, and some databases end a text at the first.
"""

import json
from dataclasses import replace

from bot.llm.interface import Call

_CONTROLS = dict.fromkeys(code for code in (*range(32), 127) if chr(code) not in "\t\n\r")


def whole(text: str) -> str:
    """The text without control characters; halves of characters are joined, or replaced where they are alone."""
    return text.translate(_CONTROLS).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def whole_call(call: Call) -> Call:
    """A call in such text, also where its JSON has the halves escaped; its name as the tool is called.

    gpt-oss behind some servers writes ``recall<|channel|>commentary``, and Kimi ``functions.recall``.
    """
    name = whole(call.name).partition("<|")[0].strip().removeprefix("functions.")
    arguments = whole(call.arguments)
    if "\\u" in arguments:
        arguments = _unescaped(arguments)
    return replace(call, id=whole(call.id), name=name, arguments=arguments)


def _unescaped(arguments: str) -> str:
    try:
        read = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    if isinstance(read, dict):
        read = {name: whole(value) if isinstance(value, str) else value for name, value in read.items()}
    return whole(json.dumps(read, ensure_ascii=False))


class Halves:
    """Puts the pieces of one text together: the first half of a character is kept back until the second comes."""

    def __init__(self) -> None:
        self._half = ""

    def joined(self, piece: str) -> str:
        """The piece, with the half before it and without the one at its end."""
        if not piece:
            return ""
        piece = self._half + piece
        self._half = piece[-1] if "\ud800" <= piece[-1] <= "\udbff" else ""
        return whole(piece.removesuffix(self._half))

    def rest(self) -> str:
        """What stands for the half that was kept back, when nothing more comes."""
        half, self._half = self._half, ""
        return whole(half)
