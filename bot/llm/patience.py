"""A request whose answer comes in one piece, sent when its turn has come, and again where that may go better."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.errors import ModelError
from bot.llm.gate import Gate, Rank

T = TypeVar("T")


async def in_turn(once: Callable[[], Awaitable[T]], gate: Gate, rank: Rank, chat: int | None, tries: int) -> T:
    """What `once` returns; `tries` are made after the first one. Raises the last ModelError."""
    with gate.turn(rank, chat) as turn:
        while True:
            await turn.wait()
            try:
                result = await once()
            except ModelError as exc:
                if not await turn.again(exc, tries):
                    raise
            else:
                turn.answered()
                return result
