"""Whether one of several processes is active, or passive because Telegram can be reached from others only.

A passive process has given back its chats and the leadership, and takes none. It still stores updates. If no process
reaches Telegram, because Telegram itself is down, all are active: each keeps its chats and tries again, as a single
process does.
"""

import logging
from collections.abc import Callable
from typing import Protocol

from bot.metrics import PASSIVE

log = logging.getLogger(__name__)


class Reach(Protocol):
    """Whether Telegram can be reached from this process; implemented by ``outbound.reach``."""

    @property
    def failed_at(self) -> float:
        """When the last request failed, in monotonic seconds."""

    @property
    def is_doubtful(self) -> bool:
        """Whether several requests have failed, one after another."""

    @property
    def is_silent(self) -> bool:
        """Whether there was no answer for a while, which may be because nothing was asked."""

    @property
    def is_lost(self) -> bool:
        """Whether every request has failed for long."""

    def check_soon(self) -> None:
        """Find it out."""


class Activity:
    """Of this process. `clock` is monotonic."""

    def __init__(self, reach: Reach, clock: Callable[[], float]) -> None:
        self._reach = reach
        self._clock = clock
        self._others_since: float | None = None
        """Since when other processes reach Telegram, as far as this is known; None if none does."""
        self.is_passive = False

    @property
    def reaches_telegram(self) -> bool:
        """Whether others may leave their chats to this process. It is known long before it would become passive.

        Otherwise the first to notice that Telegram is down would pass its chats on to those that haven't noticed yet.
        """
        return not self._reach.is_doubtful

    def look(self, live: int, others: int) -> None:
        """Become active or passive. `live`: how many processes there are; `others`: how many others reach Telegram."""
        if others < live - 1 or (live > 1 and self._reach.is_silent):
            self._reach.check_soon()
        if not others:
            self._others_since = None
        elif self._others_since is None:
            self._others_since = self._clock()
        # Where others reach Telegram again, this process may as well: it has to have failed since.
        since = self._others_since
        self._turn(passive=self._reach.is_lost and since is not None and self._reach.failed_at > since)

    def _turn(self, *, passive: bool) -> None:
        if passive == self.is_passive:
            return
        self.is_passive = passive
        PASSIVE.set(passive)
        if passive:
            log.warning("Only other processes can reach Telegram: this one leaves its chats to them")
        elif self._reach.is_lost:
            log.warning("No other process can reach Telegram any more: this one takes chats again")
        else:
            log.info("Telegram is reached again: this process takes chats again")
