"""For which chat the model is being asked, where somebody waits for it; what nobody waits for has none."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from bot.llm.gate import Rank
from bot.llm.interface import Message

_waiting: ContextVar[int | None] = ContextVar("chat that waits", default=None)


@contextmanager
def asked_by(chat: int) -> Iterator[None]:
    """Somebody in this chat waits for what is asked meanwhile."""
    token = _waiting.set(chat)
    try:
        yield
    finally:
        _waiting.reset(token)


def rank(messages: Sequence[Message]) -> Rank:
    """When it is a request's turn."""
    if messages and messages[-1].answers:
        return Rank.GOES_ON
    return Rank.BACKGROUND if waiting_chat() is None else Rank.ANSWER


def waiting_chat() -> int | None:
    """The chat, or None."""
    return _waiting.get()
