"""Leaving a service in trouble alone for a while, longer each time, and saying so once."""

import logging
from collections.abc import Callable

from bot.backoff import backoff

FIRST_S = 15.0
LONGEST_S = 900.0
"""Seconds: the first rest, doubled with each failure in a row, and where that ends."""

log = logging.getLogger(__name__)


class Rest:
    """The rest of one service; `clock` gives seconds and never goes back."""

    def __init__(self, service: str, clock: Callable[[], float]) -> None:
        self._service = service
        self._clock = clock
        self._failures = 0
        self._until = float("-inf")

    @property
    def left(self) -> float:
        """Seconds until it may be asked again."""
        return max(0.0, self._until - self._clock())

    def begin(self, exc: Exception) -> None:
        """It failed: let it rest. Failures of requests that were under way together count as one."""
        if self.left > 0:
            return
        if self._failures == 0:
            log.warning("%s do not work, and are tried again from time to time: %r", self._service, exc)
        self._failures += 1
        self._until = self._clock() + backoff(self._failures, FIRST_S, LONGEST_S)

    def over(self) -> None:
        """It works."""
        if self._failures:
            log.info("%s work again", self._service)
        self._failures = 0
        self._until = float("-inf")
