"""Scheduled jobs under quarantine: one that killed the process three times rests for a day.

Several of them run right after a start, so such a job would otherwise end every process.
"""

import logging
from collections.abc import Callable, Coroutine
from zlib import crc32

from bot.metrics import SET_ASIDE
from bot.updates.in_flight import WorkKey, WorkKind
from bot.updates.quarantine import NOWHERE, Quarantine

RESTS_S = 86_400.0
"""How long a job that was set aside isn't run, in seconds; a restart begins that again."""

log = logging.getLogger(__name__)


class GuardedJobs:
    """Runs jobs, and records that as in flight; `clock` gives monotonic seconds."""

    def __init__(self, quarantine: Quarantine, clock: Callable[[], float]) -> None:
        self._quarantine = quarantine
        self._clock = clock
        self._rests: dict[WorkKey, float] = {}
        """Until when jobs rest."""

    async def run(self, name: str, job: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run a job, unless it is set aside."""
        key, now = WorkKey(WorkKind.JOB, crc32(name.encode())), self._clock()
        if self._quarantine.is_exhausted(key):
            self._quarantine.set_aside(key, NOWHERE)
            SET_ASIDE.labels(key.kind.value).inc()
            log.error("The process died three times while only the job %s was in flight, so it rests for a day", name)
        if self._quarantine.is_set_aside(key):
            if now < self._rests.setdefault(key, now + RESTS_S):
                return
            del self._rests[key]
        await self._quarantine.run(key, NOWHERE, job())
