"""Poison messages: what ended the process three times, alone, is set aside, and everything else goes on.

Whatever ends or blocks the process (a kill for memory, a crash in a library, a loop that never ends and is killed from
outside) would be taken up again at every start. So it is marked, beside the database, what is **in flight**:

- work whose code runs on the event loop at this instant: of each task of a flight every step between two awaits, and no
  wait. An answer that waits for its model, or a message that waits for Telegram, is not in flight, so that a process
  that is killed in the middle of one (by an operator, or by chance) holds nothing against it.
- an update while its files are fetched and converted, waits included: then it is memory that may run out.
- a text while a thread converts it, which is a wait for the loop.

The states of a piece of work (an update that begins a batch, an owed answer, a stored reply, a notice):

- *unknown*: nothing is written of it. In flight and out again, it leaves nothing behind.
- *suspect*: it was in flight when a process died. After the start the suspects go first, one at a time, while all other
  lanes hold (``receiving``), no longer than a bound. One that is through is unknown again.
- *suspect, n deaths*: it was in flight alone when the process died; deaths in company count for nobody. They stay with
  it until it is through: a process that ends in order, or dies of something else, changes nothing.
- *exhausted*, after three deaths: it is not begun again; its handler sets it aside and says so.

An answer runs code with each word that comes, so that whoever kills the process in the middle of one strikes its code
more often than chance has it. Its death counts a third, unless the watchdog saw that the loop stood still or that the
process crashed (``watchdog``). A reply of which a part has arrived begins anew.

A batch counts by its first update. After two deaths its updates are run one by one, so that the third death is held
against one of them only (see ``handlers.router``).

A signal to end is noted before anything else: no death after that counts, since supervisors kill what drains too long.
A start counts the deaths of the process before it once: it replaces the file by a new one. The marks are written with
plain writes, which survive the process and not the power, at some microseconds each. They hold ids and no words. A file
that is missing, damaged or from another database costs nothing but what was known of suspects.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from bot.updates.in_flight import InFlightFile, WorkKey, WorkKind, WorkRecord
from bot.updates.watchdog import Watchdog
from storage.records import ChatKey

MOST_DEATHS = 3
PER_DEATH = 3
"""Deaths are counted in thirds."""
NOWHERE = ChatKey(0)
"""Of an update that is being parsed."""

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Flight:
    """Work under way."""

    slot: int
    """Where it is marked; 0 when it is over, for tasks that it started and that outlive it."""
    read: int = 0
    """How many of its files are being read."""


_flight: ContextVar[_Flight | None] = ContextVar("flight", default=None)
"""What this context belongs to."""

log = logging.getLogger(__name__)


class Quarantine:
    """Knows what was in flight when processes died, and marks what is in flight now."""

    def __init__(self, file: Path, watchdog: Watchdog | None = None) -> None:
        self._marks = InFlightFile(file)
        self._watchdog = watchdog
        self._deaths: dict[WorkKey, int] = {}
        self._chat_keys: dict[WorkKey, ChatKey] = {}
        self._waiting: dict[WorkKey, int] = {}
        """The slots of suspects that are not in flight."""

    @classmethod
    def beside(cls, database: Path) -> Self:
        """The one of a database: its marks stand in a file beside it."""
        return cls(
            database.with_name(f"{database.name}.inflight"), Watchdog(database.with_name(f"{database.name}.hung"))
        )

    def open(self) -> None:
        """Count the death of the process before this one, if it died, and begin anew."""
        before, seen = self._marks.read(), self._watchdog is not None and self._watchdog.seen()
        running = {one.key for one in before.in_flight}
        if running:
            log.warning("The process before this one died with %s in flight", ", ".join(map(str, sorted(running))))
        for mark in before.marks:
            deaths = mark.deaths + (_weight(mark, seen=seen) if running == {mark.key} else 0)
            if deaths or mark.suspect or mark.key in running:
                self._deaths[mark.key] = max(deaths, self._deaths.get(mark.key, 0))
                self._chat_keys[mark.key] = mark.chat_key
        kept = [WorkRecord(key, self._chat_keys[key], deaths, suspect=True) for key, deaths in self._deaths.items()]
        slots = self._marks.begin(kept)
        self._waiting = {mark.key: slot for mark, slot in zip(kept, slots, strict=True)}
        if self._watchdog is not None:
            self._watchdog.start()

    def end(self) -> None:
        """The process was told to end: how it ends from now on says nothing about what it was at."""
        self._marks.end()

    def close(self) -> None:
        """The process has ended in order."""
        self._marks.end()
        self._marks.close()
        if self._watchdog is not None:
            self._watchdog.stop()

    def suspects(self) -> list[tuple[WorkKey, ChatKey]]:
        """What was in flight when a process died and is not through yet: updates first, in order."""
        return sorted(self._chat_keys.items(), key=lambda one: (one[0].kind is not WorkKind.UPDATE, one[0]))

    def is_suspect(self, key: WorkKey) -> bool:
        """Whether it was in flight when a process died, and is not through yet."""
        return key in self._chat_keys

    def chat_key(self, key: WorkKey) -> ChatKey | None:
        """Where a suspect belongs, if it got so far that this was known."""
        chat_key = self._chat_keys.get(key, NOWHERE)
        return None if chat_key == NOWHERE else chat_key

    def deaths(self, key: WorkKey) -> int:
        """How often the process died of this alone."""
        return self._deaths.get(key, 0) // PER_DEATH

    def is_exhausted(self, key: WorkKey) -> bool:
        """Whether it had all its chances."""
        return self.deaths(key) >= MOST_DEATHS

    def record_deaths(self, key: WorkKey, chat_key: ChatKey, deaths: int) -> None:
        """Hold so many deaths against it, which were held against something it was a part of."""
        if self.deaths(key) < deaths:
            self._forget_mark(key)
            self._deaths[key], self._chat_keys[key] = deaths * PER_DEATH, chat_key
            self._wait(key, chat_key)

    def acquit(self, key: WorkKey) -> None:
        """Forget what is held against it: it is through, was set aside, or is not there any more."""
        self._forget_mark(key)
        self._deaths.pop(key, None)
        self._chat_keys.pop(key, None)

    async def run(self, key: WorkKey, chat_key: ChatKey, work: Coroutine[Any, Any, T]) -> T:
        """Do a piece of work, marked as in flight whenever code of it runs, in this task or in those it starts."""
        flight, through = self._begin(key, chat_key), True
        token = _flight.set(flight)
        try:
            return await _Steps(work, self._marks, flight)
        except asyncio.CancelledError:
            through = False
            raise
        finally:
            _flight.reset(token)
            self._finish(key, chat_key, flight, through=through)

    @contextmanager
    def step(self, key: WorkKey) -> Iterator[None]:
        """Mark code that runs without a wait, of work whose place is not known yet; it clears nobody of anything."""
        deaths = self._deaths.get(key, 0)
        slot = self._marks.add(WorkRecord(key, self._chat_keys.get(key, NOWHERE), deaths, suspect=False))
        before = self._marks.run(slot)
        try:
            yield
        finally:
            self._marks.run(before)
            self._marks.remove(slot)

    def progress(self, key: WorkKey) -> None:
        """Some of it is done for good: what the process died of is not in its way any more."""
        if key in self._deaths:
            self._deaths[key] = 0
            if (flight := _flight.get()) is not None and flight.slot:
                self._marks.clear(flight.slot)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Mark the flight that this belongs to as in flight for the whole block, waits included."""
        flight = _flight.get()
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
        """A task factory: what a flight starts belongs to it."""
        flight = _flight.get()
        return asyncio.Task(work if flight is None else _Steps(work, self._marks, flight), loop=loop, **options)

    def _begin(self, key: WorkKey, chat_key: ChatKey) -> _Flight:
        self._forget_mark(key)
        return _Flight(
            self._marks.add(WorkRecord(key, chat_key, self._deaths.get(key, 0), suspect=key in self._chat_keys))
        )

    def _finish(self, key: WorkKey, chat_key: ChatKey, flight: _Flight, *, through: bool) -> None:
        self._marks.remove(flight.slot)
        flight.slot = 0
        if through:
            self.acquit(key)
        elif key in self._chat_keys:  # it was cut short by the end of the process: what is known of it stays
            self._wait(key, chat_key)

    def _wait(self, key: WorkKey, chat_key: ChatKey) -> None:
        self._waiting[key] = self._marks.add(WorkRecord(key, chat_key, self._deaths.get(key, 0), suspect=True))

    def _forget_mark(self, key: WorkKey) -> None:
        if (slot := self._waiting.pop(key, None)) is not None:
            self._marks.remove(slot)


def _weight(mark: WorkRecord, *, seen: bool) -> int:
    """What a death alone counts, in thirds."""
    return PER_DEATH if seen or mark.key.kind is not WorkKind.ANSWER else 1


class _Steps(Coroutine[Any, Any, T]):
    """A coroutine whose flight is marked as running from each time it is resumed until it waits again."""

    def __init__(self, work: Coroutine[Any, Any, T], marks: InFlightFile, flight: _Flight) -> None:
        self._work = work
        self._marks = marks
        self._flight = flight

    def send(self, value: Any) -> Any:
        """Resume it."""
        return self._marked(self._work.send, value)

    def throw(self, *error: Any) -> Any:
        """Raise in it."""
        return self._marked(self._work.throw, *error)

    def close(self) -> None:
        """End it where it stands."""
        self._work.close()

    def __await__(self) -> Generator[Any, Any, T]:
        resume: Callable[[Any], Any] = self.send
        value: Any = None
        while True:
            try:
                waits_for = resume(value)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            try:
                resume, value = self.send, (yield waits_for)
            except BaseException as exc:  # noqa: BLE001 - whatever it is, it is for the work
                resume, value = self.throw, exc

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)  # cr_running and the like, which libraries look at

    def _marked(self, resume: Callable[..., Any], *values: Any) -> Any:
        before = self._marks.run(self._flight.slot)
        try:
            return resume(*values)
        finally:
            self._marks.run(before)
