"""What is in flight, in the database: with PostgreSQL, the disk may be gone together with the process.

A write for every step would be too slow. So in the database work is in flight from its start to its end, including its
waits, and each start waits until that is stored. What has ended is written a little later. The exact record is in a
file on this machine, and is used if it is still there when the next process starts.
"""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bot.updates.in_flight import Adopt, InFlightFile, PreviousProcess, WorkRecord, parsed
from storage.database import Database, StorageError
from storage.postgres.processes import Processes

LATER_S = 0.2
"""How much later the end of a piece of work is written, in seconds."""
ID_BITS = 62

log = logging.getLogger(__name__)


class InFlightRecord(InFlightFile):
    """The record of this process; an error is logged, and everything goes on without it."""

    def __init__(self, folder: Path, name: str) -> None:
        """`folder`, `name`: where the exact records of all processes on this machine are, and how they begin."""
        self.process = secrets.randbits(ID_BITS)
        self._folder = folder
        self._name = name
        super().__init__(self._file_of(self.process))
        self._processes: Processes | None = None
        self._dead: dict[int, str] = {}
        """What dead processes left, until this one's record has taken its place."""
        self._changes = self._stored = 0
        self._storing = asyncio.Lock()
        self._later: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._failed = False

    async def connect(self, database: Database, adopt: Adopt) -> None:
        """Read what dead processes left. Raises StorageError."""
        self._processes = Processes(database)
        left = await self._processes.all()
        self._dead = {number: left[number] for number in await adopt(left)}
        self.is_exact = all(self._file_of(process).exists() for process in self._dead)

    def read(self) -> PreviousProcess:
        """What dead processes left."""
        left = [self._left_by(process, text) for process, text in self._dead.items()]
        marks = [mark for one in left for mark in one.marks]
        return PreviousProcess(marks, [mark for one in left for mark in one.in_flight])

    def begin(self, marks: Sequence[WorkRecord]) -> list[int]:
        """See InFlightMarks; `written` stores it."""
        self._changes += 1
        return super().begin(marks)

    def end(self) -> None:
        """Note at once that the process is shutting down."""
        super().end()
        self._changes += 1
        self._store_soon()

    def close(self) -> None:
        """Delete the file, and cancel what would be written later; `written` still writes."""
        super().close()
        self._remove([self.process])
        self._cancel()

    async def written(self) -> None:
        """Wait until all changes so far are stored, or can't be."""
        due = self._changes
        async with self._storing:
            if self._processes is None or self._stored >= due:
                return  # those who waited for the same trip
            changes, text = self._changes, self.coarse_text().decode()
            try:
                if self._dead:
                    await self._processes.take_over(self._dead, self.process, text)
                    self._remove([*self._dead])
                    self._dead = {}
                else:
                    await self._processes.note(self.process, text)
            except StorageError as exc:
                if not self._failed:
                    log.warning(
                        "What is in flight can't be stored; if this process dies, it will not be known: %s", exc
                    )
                self._failed = True
            else:
                self._stored, self._failed = changes, False

    def _file_of(self, process: int) -> Path:
        return self._folder / f"{self._name}-{process:x}.inflight"

    def _left_by(self, process: int, text: str) -> PreviousProcess:
        if self.is_exact:
            return InFlightFile(self._file_of(process)).read()
        return parsed(text.encode(), f"The record of process {process}")

    def _remove(self, processes: Sequence[int]) -> None:
        for process in processes:
            with suppress(OSError):
                self._file_of(process).unlink(missing_ok=True)

    def _write(self, slot: int, line: bytes) -> None:
        super()._write(slot, line)
        if slot == 0:  # says what runs now
            return
        self._changes += 1
        if self._later is None and self._processes is not None:
            self._later = asyncio.get_running_loop().call_later(LATER_S, self._store_soon)

    def _store_soon(self) -> None:
        self._cancel()
        if self._processes is not None:
            self._task = asyncio.get_running_loop().create_task(self.written(), name="in flight")

    def _cancel(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None

    def _give_up(self, exc: OSError) -> None:
        super().close()
        log.info("%s can't be written; what is in flight is only in the database: %s", self._file, exc)
