"""The messages array of a request, as a pure function of what is stored.

The prefix is a contract: consecutive requests of a chat share every byte up to the end of the user's newest words,
since the array is made of rows that never change and only ever grows at its end. No clock, no title stands before it.
"""

from collections.abc import Sequence
from itertools import groupby

from bot.llm.interface import Message
from storage.records import Turn


def build(system: str, turns: Sequence[Turn]) -> tuple[Message, ...]:
    """[system | turns], with alternating roles: rows of one speaker in a row are one message."""
    messages = [Message(role.value, _join(list(rows))) for role, rows in groupby(turns, key=lambda turn: turn.role)]
    return (Message("system", system), *messages)


def _join(rows: Sequence[Turn]) -> str:
    first, *others = rows
    return first.content + "".join(row.glue + row.content for row in others)
