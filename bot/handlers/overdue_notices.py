"""Notices in groups wait while questions do, but not without end: someone may always have one more question."""

from collections.abc import Callable

LONGEST_WAIT_S = 30.0
"""How long answers may go before a notice, in seconds."""
MOST_KNOWN = 10_000
"""How many waiting notices are remembered; some are withdrawn and never sent."""


class OverdueNotices:
    """Knows how long notices have waited for answers; `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: dict[int, float] = {}

    def has(self, notice_id: int) -> bool:
        """Whether a notice that should wait has waited too long; if it is new here, its wait begins."""
        since = self._since.setdefault(notice_id, self._clock())
        if len(self._since) > MOST_KNOWN:
            del self._since[next(iter(self._since))]
        return self._clock() - since >= LONGEST_WAIT_S

    def sent(self, notice_id: int) -> None:
        """Forget a notice."""
        self._since.pop(notice_id, None)
