"""Which work the current code belongs to: recorded as running from each time it is resumed until it waits again."""

from collections.abc import Callable, Coroutine, Generator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.updates.in_flight import InFlightMarks

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Flight:
    """A piece of work in progress."""

    slot: int
    """Its line in the file; 0 once it has ended, for tasks it started that outlive it."""
    read: int = 0
    """How many of its files are being read now."""
    alone: bool = False
    """Whether other work waits for it."""


current_flight: ContextVar[Flight | None] = ContextVar("flight", default=None)
"""The work that the current context belongs to."""


class Steps(Coroutine[Any, Any, T]):
    """A coroutine that is recorded as running from each time it is resumed until it waits again."""

    def __init__(self, work: Coroutine[Any, Any, T], marks: InFlightMarks, flight: Flight) -> None:
        self._work = work
        self._marks = marks
        self._flight = flight

    def send(self, value: Any) -> Any:
        return self._marked(self._work.send, value)

    def throw(self, *error: Any) -> Any:
        return self._marked(self._work.throw, *error)

    def close(self) -> None:
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
            except BaseException as exc:  # noqa: BLE001 - every exception is passed on to the work
                resume, value = self.throw, exc

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)  # cr_running and the like, which libraries inspect

    def _marked(self, resume: Callable[..., Any], *values: Any) -> Any:
        before = self._marks.run(self._flight.slot)
        try:
            return resume(*values)
        finally:
            self._marks.run(before)
