"""Telegram's flood limits: a message a second in a chat, twenty a minute in a group, where edits count too."""

import math
from collections import defaultdict, deque
from collections.abc import Callable

from sandbox.botapi.errors import too_many_requests

CHAT_WINDOW_S = 1.0
GROUP_WINDOW_S = 60.0
GROUP_MESSAGES = 20


class FloodLimits:
    """Counts what was written; off until `enabled`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.enabled = False
        self._clock = clock
        self._sent: dict[int, deque[float]] = defaultdict(lambda: deque(maxlen=1))
        self._written: dict[int, deque[float]] = defaultdict(lambda: deque(maxlen=GROUP_MESSAGES))

    def check(self, chat_id: int, edit: bool = False) -> None:
        """Count a message or an edit that is about to be written, or refuse it."""
        if not self.enabled:
            return
        windows = [] if edit else [(self._sent[chat_id], CHAT_WINDOW_S)]
        if chat_id < 0:
            windows.append((self._written[chat_id], GROUP_WINDOW_S))
        now = self._clock()
        wait = max((_wait(times, window, now) for times, window in windows), default=0.0)
        if wait > 0:
            raise too_many_requests(math.ceil(wait))
        for times, _ in windows:
            times.append(now)


def _wait(times: deque[float], window: float, now: float) -> float:
    """Seconds until one more fits into the window."""
    return times[0] + window - now if len(times) == times.maxlen else 0.0
