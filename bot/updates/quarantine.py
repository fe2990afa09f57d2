"""Poison messages: work that killed the process three times is set aside, and everything else goes on.

Work that kills or blocks the process (by running out of memory, by crashing a library, or in an endless loop until
someone kills it) would be resumed at every start. So a file next to the database records what is **in flight**:

- work whose code is running on the event loop at this instant, that is, every step of its tasks between two awaits but
    not the waits. An answer waiting for its model, or a message waiting for Telegram, is not in flight, so killing the
    process in the middle of one is not blamed on it.
- an update while its files are downloaded and converted, including waits, because that is when memory may run out.
- a text while a thread converts it, although the event loop only waits.

The states of a piece of work (an update that begins a batch, a pending answer, a stored reply, a notice, a compaction):

- *unknown*: nothing is recorded about it. Work that was in flight and finished is unknown again.
- *suspect*: it was in flight when a process died. After a start the suspects go first, one at a time, while all other
    lanes wait (``receiver``), up to a time limit. A suspect that finishes is unknown again.
- *suspect, n deaths*: it alone was in flight when the process died; if several were, the death counts for none of them.
    Deaths are kept until the work finishes: a process that shuts down, or dies of something else, changes nothing.
- *exhausted*, after three deaths: it is not started again; its handler sets it aside and says so. What the database
    doesn't know to be set aside stays in the file until it is done after all, for the doctor and for later starts.

An answer runs code for every word that arrives, so a process killed by someone in the middle of an answer dies in its
code more often than by chance; so does a compaction. Their deaths count a third, unless the watchdog saw that the loop
was blocked or the process crashed (``watchdog``), or several processes share the database and nothing else was in
flight. The count of a reply starts over once a part of it has arrived.

A batch is identified by its first update. After two deaths its updates are run one by one, so that the third death is
blamed on just one of them (see ``handlers.router``).

A signal to shut down is recorded first of all, and no death after it counts: supervisors kill what takes too long to
drain. A start counts the previous process's death once, and then replaces the file. The file is written without fsync,
in a few microseconds per write: it survives the process but not a power failure. It contains IDs and no text. If it is
missing, damaged or from another database, only the record of suspects is lost.

With PostgreSQL, the record is also in the database, in case the disk is thrown away with the process. It only says
which work had begun and not ended (``in_flight_record``). A process that is killed usually has several pieces of work
in progress that wait for a model. So a death in company counts as well, but no further than to two.

Several processes may share that database. The first to notice a death counts it, and every process that takes over a
chat knows before its lane runs. From two deaths on, work runs alone in the process that has its chat (``isolation``),
and the third death is blamed on it alone, although answers that had begun before may be in progress.
"""

import asyncio
import hashlib
import logging
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from bot.updates.deaths import MOST_ASIDE, MOST_DEATHS, PER_DEATH, SUSPECT_DEATHS, Death, counted
from bot.updates.flight import Flight, Steps, current_flight
from bot.updates.in_flight import InFlightFile, InFlightMarks, WorkKey, WorkKind, WorkRecord, file_beside
from bot.updates.in_flight_record import InFlightRecord
from bot.updates.isolation import Isolation
from bot.updates.watchdog import Watchdog
from storage.database import Database
from storage.records import ChatKey

_UNATTENDED = (WorkKind.INDEXING, WorkKind.TURN, WorkKind.JOB)
"""Work that no lane does; it starts by itself."""
NOWHERE = ChatKey(0)
"""The key of an update that is being parsed, so its chat is not known yet."""

T = TypeVar("T")

log = logging.getLogger(__name__)


class Quarantine:
    """Knows what was in flight when processes died, and records what is in flight now."""

    def __init__(self, marks: InFlightMarks, watchdog: Watchdog | None = None) -> None:
        self._marks = marks
        self._watchdog = watchdog
        self._deaths: dict[WorkKey, int] = {}
        self._chat_keys: dict[WorkKey, ChatKey] = {}
        self._waiting: dict[WorkKey, int] = {}
        """The slots of suspects that are not running."""
        self._aside: dict[WorkKey, int] = {}
        """The slots of what was set aside; 0: dead processes left it."""
        self._inherited: set[WorkKey] = set()
        """What is in the record that all processes share."""
        self._isolation = Isolation() if marks.is_shared else None

    @classmethod
    def for_database(cls, database: Path) -> Self:
        """The quarantine of a database, whose file is next to it."""
        return cls(InFlightFile(file_beside(database)), Watchdog(database.with_name(f"{database.name}.hung")))

    @classmethod
    def for_server(cls, database: str) -> Self:
        """The quarantine of a database on a server, with the exact record in this machine's temporary folder."""
        folder, name = Path(tempfile.gettempdir()), f"keepsake-{hashlib.sha256(database.encode()).hexdigest()[:16]}"
        record = InFlightRecord(folder, name)
        return cls(record, Watchdog(record.file_of(record.process, "hung")))

    @property
    def process(self) -> int:
        """A number of this process, where each has a record of its own; else 0."""
        return self._marks.process

    async def connect(self, database: Database) -> None:
        """To be called before `open`: where the records are in the database, count the deaths of other processes.

        Raises StorageError.
        """
        await self._marks.connect(database)

    async def inherit(self) -> None:
        """Count the deaths of other processes since, and learn of those that others have counted.

        Raises StorageError.
        """
        if self._marks.is_shared:
            await self._marks.inherit()
            self._learn()

    @property
    def isolates(self) -> bool:
        """Whether a suspect runs alone now, so that other work waits."""
        return self._isolation is not None and self._isolation.is_closed

    def open(self) -> None:
        """Count the death of the previous process, if it died, and start a new file."""
        if self._marks.is_shared:
            self._marks.begin([])
            self._learn()
        else:
            self._count()
        if self._watchdog is not None:
            self._watchdog.start()

    def _count(self) -> None:
        before, seen = self._marks.read(), self._watchdog is not None and self._watchdog.seen()
        running = {record.key for record in before.in_flight}
        if running:
            named = sorted(record.key.named(record.chat_key) for record in before.in_flight)
            log.warning("The previous process died with %s in flight", ", ".join(named))
        aside = [mark for mark in before.marks if mark.aside][-MOST_ASIDE:]
        for mark in before.marks:
            if mark.aside:
                continue
            deaths = counted(mark, Death(before, seen), shared=False)
            if deaths or mark.suspect or mark.key in running:
                self._deaths[mark.key] = max(deaths, self._deaths.get(mark.key, 0))
                self._chat_keys[mark.key] = mark.chat_key
        kept = [WorkRecord(key, self._chat_keys[key], deaths, suspect=True) for key, deaths in self._deaths.items()]
        slots = self._marks.begin([*aside, *kept])
        self._aside = {mark.key: slot for mark, slot in zip(aside, slots, strict=False)}
        self._waiting = {mark.key: slot for mark, slot in zip(kept, slots[len(aside) :], strict=True)}

    def _learn(self) -> None:
        """Learn what dead processes left, from the record that all share."""
        marks = self._marks.read().marks
        for key in self._inherited - {mark.key for mark in marks}:  # finished by others
            self._drop(key)
        self._inherited = {mark.key for mark in marks}
        for mark in marks:
            if mark.aside:
                self._aside.setdefault(mark.key, 0)
            else:
                self._deaths[mark.key] = max(mark.deaths, self._deaths.get(mark.key, 0))
                self._chat_keys[mark.key] = mark.chat_key

    def end(self) -> None:
        """Record that the process is shutting down: from now on its death says nothing about its work."""
        self._marks.end()

    def close(self) -> None:
        """Stop recording, after an orderly shutdown."""
        self._marks.end()
        self._marks.close()
        if self._watchdog is not None:
            self._watchdog.stop()

    async def written(self) -> None:
        """Wait until all that was recorded would survive the process."""
        await self._marks.flush()

    def chats_at(self, kind: WorkKind) -> set[int]:
        """See ``InFlightMarks``."""
        return self._marks.chats_at(kind)

    def suspects(self) -> list[tuple[WorkKey, ChatKey]]:
        """What lanes had in flight when a process died and has not finished yet: updates first, in order."""
        least = SUSPECT_DEATHS if self._marks.is_shared else 0
        attended = (
            item
            for item in self._chat_keys.items()
            if item[0].kind not in _UNATTENDED and self.deaths(item[0]) >= least
        )
        return sorted(attended, key=lambda item: (item[0].kind is not WorkKind.UPDATE, item[0]))

    def is_suspect(self, key: WorkKey) -> bool:
        """Whether it was in flight when a process died, and has not finished yet."""
        return key in self._chat_keys

    def is_running(self, key: WorkKey) -> bool:
        """Whether a suspect has been started again."""
        return key in self._chat_keys and key not in self._waiting

    def chat_key(self, key: WorkKey) -> ChatKey | None:
        """The chat of a suspect, if it was known."""
        chat_key = self._chat_keys.get(key, NOWHERE)
        return None if chat_key == NOWHERE else chat_key

    def deaths(self, key: WorkKey) -> int:
        """How many deaths of the process are blamed on this work."""
        return self._deaths.get(key, 0) // PER_DEATH

    def is_exhausted(self, key: WorkKey) -> bool:
        """Whether it has used up its attempts."""
        return self.deaths(key) >= MOST_DEATHS

    def record_deaths(self, key: WorkKey, chat_key: ChatKey, deaths: int) -> None:
        """Blame this many deaths on it, which so far were blamed on a batch it was part of."""
        if self.deaths(key) < deaths:
            self._forget_mark(key)
            self._deaths[key], self._chat_keys[key] = deaths * PER_DEATH, chat_key
            self._wait(key, chat_key)

    def set_aside(self, key: WorkKey, chat_key: ChatKey) -> None:
        """Record that it was set aside, until it is done after all."""
        self.acquit(key)
        self._aside[key] = self._marks.add(WorkRecord(key, chat_key, 0, suspect=False, aside=True))

    def is_set_aside(self, key: WorkKey) -> bool:
        """Whether it was set aside and has not been done since."""
        return key in self._aside

    def acquit(self, key: WorkKey) -> None:
        """Drop its record: it has finished, was set aside, or no longer exists."""
        if key in self._inherited:
            self._inherited.discard(key)
            self._marks.settle(key)
        self._drop(key)

    def _drop(self, key: WorkKey) -> None:
        self._forget_mark(key)
        if slot := self._aside.pop(key, 0):
            self._marks.remove(slot)
        self._deaths.pop(key, None)
        self._chat_keys.pop(key, None)

    async def run(self, key: WorkKey, chat_key: ChatKey, work: Coroutine[Any, Any, T]) -> T:
        """Do a piece of work, recorded as in flight whenever its code runs, in this task or in those it starts."""
        try:
            if self._isolation is None:
                return await self._run(self._begin(key, chat_key), key, chat_key, work)
            return await self._run_shared(self._isolation, key, chat_key, work)
        finally:
            work.close()  # which may not have begun

    async def _run_shared(
        self, isolation: Isolation, key: WorkKey, chat_key: ChatKey, work: Coroutine[Any, Any, T]
    ) -> T:
        """The same where processes share a database: a suspect runs alone."""
        outer = current_flight.get()
        within = outer is not None and outer.slot != 0
        if self.deaths(key) >= SUSPECT_DEATHS and not (outer is not None and outer.alone):
            flight = Flight(0, alone=True)
            over = partial(self._over, flight)
            async with isolation.alone(key.named(chat_key), over, within=within):
                flight.slot = self._begin(key, chat_key, alone=flight.alone).slot
                return await self._run(flight, key, chat_key, work)
        async with nullcontext() if within else isolation.together():
            return await self._run(self._begin(key, chat_key), key, chat_key, work)

    def _over(self, flight: Flight) -> None:
        flight.alone = False
        self._marks.no_longer_alone(flight.slot)

    async def _run(self, flight: Flight, key: WorkKey, chat_key: ChatKey, work: Coroutine[Any, Any, T]) -> T:
        finished = False
        token = current_flight.set(flight)
        try:
            await self._marks.written()
            finished = True
            return await Steps(work, self._marks, flight)
        except asyncio.CancelledError:
            finished = False
            raise
        finally:
            current_flight.reset(token)
            self._finish(key, chat_key, flight, finished=finished)

    @contextmanager
    def step(self, key: WorkKey) -> Iterator[None]:
        """Record code that doesn't await, for work whose chat is not known yet; finishing it drops no record."""
        deaths = self._deaths.get(key, 0)
        slot = self._marks.add(WorkRecord(key, self._chat_keys.get(key, NOWHERE), deaths, suspect=False))
        before = self._marks.run(slot)
        try:
            yield
        finally:
            self._marks.run(before)
            self._marks.remove(slot)

    def progress(self, key: WorkKey) -> None:
        """Reset its deaths: some of it is done for good, so it got past what killed the process."""
        if key in self._deaths:
            self._deaths[key] = 0
            self._marks.settle(key)
            if (flight := current_flight.get()) is not None and flight.slot:
                self._marks.clear(flight.slot)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Record the current work as in flight for the whole block, including waits."""
        flight = current_flight.get()
        if flight is None or not flight.slot:
            yield
            return
        flight.read += 1
        self._marks.hold(flight.slot, held=True)
        try:
            yield
        finally:
            flight.read -= 1
            if not flight.read:
                self._marks.hold(flight.slot, held=False)

    def make_task(self, loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        """A task factory, by which tasks belong to the work that started them."""
        flight = current_flight.get()
        return asyncio.Task(work if flight is None else Steps(work, self._marks, flight), loop=loop, **options)

    def _begin(self, key: WorkKey, chat_key: ChatKey, *, alone: bool = False) -> Flight:
        self._forget_mark(key)
        mark = WorkRecord(key, chat_key, self._deaths.get(key, 0), suspect=key in self._chat_keys, alone=alone)
        return Flight(self._marks.add(mark, begun=True))

    def _finish(self, key: WorkKey, chat_key: ChatKey, flight: Flight, *, finished: bool) -> None:
        self._marks.remove(flight.slot)
        flight.slot = 0
        if finished:
            self.acquit(key)
        elif key in self._chat_keys:  # cut short by the shutdown: it stays a suspect
            self._wait(key, chat_key)

    def _wait(self, key: WorkKey, chat_key: ChatKey) -> None:
        self._waiting[key] = self._marks.add(WorkRecord(key, chat_key, self._deaths.get(key, 0), suspect=True))

    def _forget_mark(self, key: WorkKey) -> None:
        if (slot := self._waiting.pop(key, None)) is not None:
            self._marks.remove(slot)
