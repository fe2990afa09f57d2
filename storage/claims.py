"""Claims on chats: processes that share a database divide the chats among them.

A claim covers a Telegram chat with all its topics. Code that runs for a chat carries its claim in a context variable,
and each of its transactions proves it, so that a process that has lost a chat without noticing can't write to it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from storage.storage_errors import StorageError


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a Telegram chat."""

    telegram_id: int
    token: int
    """A fencing token: it grows whenever the chat changes hands, and only the newest is valid."""


class ClaimLostError(StorageError):
    """Another process has claimed the chat in the meantime. Nothing was written."""


_claim: ContextVar[Claim | None] = ContextVar("claim", default=None)


def current_claim() -> Claim | None:
    """The claim under which the current task works; None for work on no chat in particular."""
    return _claim.get()


def disclaim() -> None:
    """Work on no chat in particular from now on."""
    _claim.set(None)


@contextmanager
def under(claim: Claim | None) -> Iterator[None]:
    """Work under this claim in the block, and in the tasks that it starts."""
    token = _claim.set(claim)
    try:
        yield
    finally:
        _claim.reset(token)
