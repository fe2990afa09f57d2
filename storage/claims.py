"""Claims on chats: processes that share a database divide the chats among them.

A claim covers a Telegram chat with all its topics. Code that runs for a chat carries its claim in a context variable,
and each of its transactions proves it, so that a process that has lost a chat without noticing can't write to it.
"""

from collections import Counter
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


_in_use = Counter[int]()
_claim: ContextVar[Claim | None] = ContextVar("claim", default=None)


def current_claim() -> Claim | None:
    """The claim under which the current task works; None for work on no chat in particular."""
    return _claim.get()


@contextmanager
def chat_in_use() -> Iterator[None]:
    """Keep the current claim's chat in the block: for work that goes on when the chat's lanes have nothing to do."""
    if (claim := current_claim()) is None:
        yield
        return
    _in_use[claim.telegram_id] += 1
    try:
        yield
    finally:
        _in_use[claim.telegram_id] -= 1
        if not _in_use[claim.telegram_id]:
            del _in_use[claim.telegram_id]


def chats_in_use() -> set[int]:
    """The Telegram chats of this process that have such work."""
    return set(_in_use)


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
