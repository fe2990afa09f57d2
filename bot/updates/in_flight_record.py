"""What is in flight, in the database: with PostgreSQL, the disk may be gone together with the process.

A write for every step would be too slow. So in the database work is in flight from its start to its end, including its
waits, and each start waits until that is stored. What has ended is written a little later. The exact record is in a
file on this machine, and is used if the process that counts the death finds it there.

The first process to notice a death counts it, in a record that all share. What others have finished is dropped then.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from bot.concurrency import start_apart
from bot.updates.deaths import Death, ids_of, still_open, with_deaths
from bot.updates.in_flight import InFlightFile, PreviousProcess, WorkKey, WorkKind, WorkRecord, parsed, recorded
from bot.updates.watchdog import Watchdog
from storage.claims import under
from storage.database import Database, StorageError, Transaction
from storage.postgres.processes import OpenWork, Processes

LATER_S = 0.2
"""How much later the end of a piece of work is written, in seconds."""
ID_BITS = 62

log = logging.getLogger(__name__)


class InFlightRecord(InFlightFile):
    """The record of this process; an error is logged, and everything goes on without it."""

    is_shared = True

    def __init__(self, folder: Path, name: str) -> None:
        """`folder`, `name`: where the exact records of all processes on this machine are, and how they begin."""
        self.process = secrets.randbits(ID_BITS)
        self._folder = folder
        self._name = name
        super().__init__(self.file_of(self.process))
        self._database: Database
        self._processes: Processes | None = None
        self._left: Sequence[WorkRecord] = ()
        """What dead processes left."""
        self._settled: set[WorkKey] = set()
        self._forgetting: asyncio.Task[None] | None = None
        self._changes = self._stored = 0
        self._storing = asyncio.Lock()
        self._later: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._failed = False

    async def connect(self, database: Database) -> None:
        """Count the deaths of processes that no other has counted. Raises StorageError."""
        self._database, self._processes = database, Processes(database)
        await self.inherit()
        left = self._in_folder()
        self._remove(left - await self._processes.without_dead(left))

    async def inherit(self) -> None:
        """See InFlightMarks."""
        assert self._processes is not None, "connected"
        left, any_dead = await self._processes.look(self.process)
        self._left = _marks_in(left) if not any_dead else await self._count(self._processes)

    def read(self) -> PreviousProcess:
        """What dead processes left."""
        return PreviousProcess([mark for mark in self._left if mark.key not in self._settled])

    def settle(self, key: WorkKey) -> None:
        """See InFlightMarks. It is stored a little later, not by who may be in a transaction."""
        if not self._settled:
            self._forgetting = start_apart(self._forget_later(), "what is not in flight any more")
        self._settled.add(key)

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
                await self._processes.note(self.process, text)
            except StorageError as exc:
                if not self._failed:
                    log.warning(
                        "What is in flight can't be stored; if this process dies, it will not be known: %s", exc
                    )
                self._failed = True
            else:
                self._stored, self._failed = changes, False

    async def _count(self, processes: Processes) -> Sequence[WorkRecord]:
        """Count the deaths since, and drop what has been finished by others; returns what is left."""
        with under(None):
            marks, dead = await self._count_in_transaction(processes)
        self._remove(dead)
        return marks

    async def _count_in_transaction(self, processes: Processes) -> tuple[Sequence[WorkRecord], Collection[int]]:
        async with self._database.transaction() as tx:
            left = _marks_in(await processes.left(tx))
            dead = await processes.dead(tx, self.process)
            marks = with_deaths(left, [self._death(process, text) for process, text in dead.items()])
            marks = await _still_open(processes, tx, marks)
            await processes.leave(tx, recorded(marks).decode(), dead)
        return marks, dead

    def _death(self, process: int, text: str) -> Death:
        """What a dead process left: exactly, if it ran on this machine."""
        file = self.file_of(process)
        left = InFlightFile(file).read() if file.exists() else parsed(text.encode(), f"The record of process {process}")
        if left.in_flight:
            named = sorted(mark.key.named(mark.chat_key) for mark in left.in_flight)
            log.warning("A process died with %s in flight", ", ".join(named))
        return Death(left, Watchdog(self.file_of(process, "hung")).seen())

    async def flush(self) -> None:
        """See InFlightMarks."""
        await self.written()
        if self._forgetting is not None:
            self._forgetting.cancel()
        try:
            await self._forget()
        except StorageError as exc:
            log.warning("What has been finished can't be stored; it may be taken for what processes died of: %s", exc)

    async def _forget_later(self) -> None:
        while self._settled:
            await asyncio.sleep(LATER_S)
            try:
                await self._forget()
            except StorageError as exc:
                log.debug("What has been finished can't be stored yet: %s", exc)

    async def _forget(self) -> None:
        settled = set(self._settled)
        if settled and self._processes is not None:
            with under(None):
                async with self._database.transaction() as tx:
                    left = _marks_in(await self._processes.left(tx))
                    kept = [mark for mark in left if mark.key not in settled]
                    await self._processes.leave(tx, recorded(kept).decode())
        self._left = [mark for mark in self._left if mark.key not in settled]
        self._settled -= settled

    def file_of(self, process: int, kind: str = "inflight") -> Path:
        """A file of a process on this machine."""
        return self._folder / f"{self._name}-{process:x}.{kind}"

    def _in_folder(self) -> set[int]:
        """The processes that have files on this machine; the death of some may have been counted on another one."""
        name = re.compile(rf"{re.escape(self._name)}-([0-9a-f]{{1,16}})\.(inflight|hung)")
        try:
            found = [name.fullmatch(file.name) for file in self._folder.iterdir()]
        except OSError:
            return set()
        return {int(match[1], 16) for match in found if match is not None}

    def _remove(self, processes: Collection[int]) -> None:
        for process in processes:
            for kind in ("inflight", "hung"):
                with suppress(OSError):
                    self.file_of(process, kind).unlink(missing_ok=True)

    def _write(self, slot: int, line: bytes) -> None:
        super()._write(slot, line)
        if slot != 0:  # which says what runs now
            self._change()

    def _change(self) -> None:
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


def _marks_in(text: str) -> Sequence[WorkRecord]:
    return parsed(text.encode(), "What dead processes left").marks if text else ()


async def _still_open(processes: Processes, tx: Transaction, marks: Sequence[WorkRecord]) -> list[WorkRecord]:
    kinds = (WorkKind.UPDATE, WorkKind.ANSWER, WorkKind.DELIVERY, WorkKind.NOTICE)
    found = await processes.open_work(tx, OpenWork(*(ids_of(marks, kind) for kind in kinds)))
    ids = (found.updates, found.chats, found.replies, found.notices)
    return still_open(marks, {WorkKey(kind, one) for kind, some in zip(kinds, ids, strict=True) for one in some}, kinds)
