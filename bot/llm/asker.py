"""For which chat the model is being asked, where somebody waits for it; what nobody waits for has none."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_waiting: ContextVar[int | None] = ContextVar("chat that waits", default=None)


@contextmanager
def asked_by(chat: int) -> Iterator[None]:
    """Somebody in this chat waits for what is asked meanwhile."""
    token = _waiting.set(chat)
    try:
        yield
    finally:
        _waiting.reset(token)


def waiting_chat() -> int | None:
    """The chat, or None."""
    return _waiting.get()
