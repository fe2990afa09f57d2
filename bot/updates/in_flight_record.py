"""What is in flight, in the database: with PostgreSQL, the disk may be gone together with the process.

A write for every step would be too slow. So work is recorded from its start to its end, including its waits, and each
start waits until that is stored. What has ended is written a little later.
"""

import asyncio
import logging
import secrets
from collections.abc import Sequence

from bot.updates.in_flight import InFlightMarks, PreviousProcess, WorkRecord, parsed
from storage.database import Database, StorageError
from storage.postgres.processes import Processes

LATER_S = 0.2
"""How much later the end of a piece of work is written, in seconds."""
ID_BITS = 62

log = logging.getLogger(__name__)


class InFlightRecord(InFlightMarks):
    """The record of this process; an error is logged, and everything goes on without it."""

    is_exact = False

    def __init__(self) -> None:
        super().__init__()
        self._id = secrets.randbits(ID_BITS)
        self._processes: Processes | None = None
        self._dead: dict[int, str] = {}
        """What dead processes left, until this one's record has taken its place."""
        self._changes = self._stored = 0
        self._storing = asyncio.Lock()
        self._later: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._failed = False

    async def connect(self, database: Database) -> None:
        """Read what dead processes left; no other may be running. Raises StorageError."""
        self._processes = Processes(database)
        self._dead = await self._processes.all()

    def read(self) -> PreviousProcess:
        """What dead processes left."""
        left = [parsed(text.encode(), f"The record of process {number}") for number, text in self._dead.items()]
        marks = [mark for one in left for mark in one.marks]
        return PreviousProcess(marks, [mark for one in left for mark in one.in_flight])

    def begin(self, marks: Sequence[WorkRecord]) -> list[int]:
        """See InFlightMarks; `written` stores it."""
        self._changes += 1
        return super().begin(marks)

    def run(self, slot: int) -> int:  # noqa: ARG002 - the signature is that of all
        """Nothing: see `is_exact`."""
        return 0

    def hold(self, slot: int, *, held: bool) -> None:
        """Nothing: see `is_exact`."""

    def end(self) -> None:
        """Note at once that the process is shutting down."""
        super().end()
        self._store_soon()

    def close(self) -> None:
        """Cancel what would be written later; `written` still writes."""
        if self._later is not None:
            self._later.cancel()
            self._later = None

    async def written(self) -> None:
        """Wait until all changes so far are stored, or can't be."""
        due = self._changes
        async with self._storing:
            if self._processes is None or self._stored >= due:
                return  # those who waited for the same trip
            changes, text = self._changes, self.text().decode()
            try:
                if self._dead:
                    await self._processes.take_over(self._dead, self._id, text)
                    self._dead = {}
                else:
                    await self._processes.note(self._id, text)
            except StorageError as exc:
                if not self._failed:
                    log.warning(
                        "What is in flight can't be stored; if this process dies, it will not be known: %s", exc
                    )
                self._failed = True
            else:
                self._stored, self._failed = changes, False

    def _write(self, slot: int, line: bytes) -> None:  # noqa: ARG002 - all of it is written, and not now
        self._changes += 1
        if self._later is None and self._processes is not None:
            self._later = asyncio.get_running_loop().call_later(LATER_S, self._store_soon)

    def _store_soon(self) -> None:
        self.close()
        if self._processes is not None:
            self._task = asyncio.get_running_loop().create_task(self.written(), name="in flight")
