"""The pause of a service that doesn't work, which gets longer with each failure."""

import logging
from collections.abc import Callable

from bot.concurrency import backoff

FIRST_S = 15.0
LONGEST_S = 900.0
"""The first pause in seconds, which doubles with each consecutive failure, and the longest."""

log = logging.getLogger(__name__)


class Cooldown:
    """The pause of one service after failures; `clock` gives monotonic seconds."""

    def __init__(self, service: str, clock: Callable[[], float]) -> None:
        self._service = service
        self._clock = clock
        self._failures = 0
        self._until = float("-inf")

    @property
    def left(self) -> float:
        """Seconds until the next attempt."""
        return max(0.0, self._until - self._clock())

    def begin(self, exc: Exception) -> None:
        """Start a pause. Concurrent failures count as one."""
        if self.left > 0:
            return
        if self._failures == 0:
            log.warning("%s don't work; trying again from time to time: %r", self._service, exc)
        self._failures += 1
        self._until = self._clock() + backoff(self._failures, FIRST_S, LONGEST_S)

    def over(self) -> None:
        """End the pause after a success."""
        if self._failures:
            log.info("%s work again", self._service)
        self._failures = 0
        self._until = float("-inf")
