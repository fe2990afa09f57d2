"""Backoff, tasks apart from turns, signs of life, limits on the memory of concurrent work, and tuning of Python."""

import asyncio
import ctypes
import gc
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

from storage.claims import disclaim

T = TypeVar("T")

_MOST_DOUBLINGS = 60
"""More than any limit needs, and few enough for a float."""
_MALLOPT = {-8: 2, -3: 128 * 1024, -1: 128 * 1024}
"""glibc's M_ARENA_MAX, M_MMAP_THRESHOLD and M_TRIM_THRESHOLD."""
_SWITCH_INTERVAL_S = 0.001
"""How long a thread may hold the interpreter while the event loop waits for it; Python's default is 5 ms."""


turn_in_progress: ContextVar[object] = ContextVar("turn", default=None)
"""What the current task's log lines are about (``bot.logs``), or None."""


def start_apart(work: Coroutine[Any, Any, T], name: str) -> "asyncio.Task[T]":
    """Start a task that belongs to no turn and to no chat, even if a turn starts it.

    Its log lines are not about that turn. What it writes about a chat doesn't prove the chat's claim
    (``storage.claims``), so its transactions lock the chat.
    """
    context = copy_context()
    context.run(turn_in_progress.set, None)
    context.run(disclaim)
    return asyncio.get_running_loop().create_task(work, name=name, context=context)


async def run_together(*works: Coroutine[Any, Any, None]) -> None:
    """Run them concurrently; when one fails, cancel the others and raise its exception."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for work in works:
                tasks.create_task(work)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def repeat(work: Callable[[], Awaitable[None]], every: float, early: asyncio.Event) -> None:
    """Do something at intervals of some seconds until cancelled, and at once when `early` is set."""
    while True:
        early.clear()
        await work()
        with suppress(TimeoutError):
            async with asyncio.timeout(every):
                await early.wait()


class Pulse:
    """When a piece of work last gave a sign of life, in monotonic seconds; in the future during an expected wait."""

    def __init__(self) -> None:
        self.beat_at = time.monotonic()


_pulse: ContextVar[Pulse | None] = ContextVar("pulse", default=None)


@contextmanager
def watched(pulse: Pulse) -> Iterator[None]:
    """The block, and the tasks it starts, keep this pulse going by `still_alive`."""
    token = _pulse.set(pulse)
    try:
        yield
    finally:
        _pulse.reset(token)


def still_alive(wait: float = 0.0) -> None:
    """Give a sign of life; `wait`: seconds until the next one, because something else is waited for."""
    pulse = _pulse.get()
    if pulse is not None:
        pulse.beat_at = max(pulse.beat_at, time.monotonic() + wait)


def backoff(failures: int, first: float, longest: float) -> float:
    """Seconds to wait after this many failures in a row: `first`, doubled with each further one, `longest` at most."""
    return min(first * 2.0 ** min(max(failures - 1, 0), _MOST_DOUBLINGS), longest)


def tune_malloc() -> None:
    """Have malloc return large blocks to the system as soon as they are freed; only on Linux with glibc.

    Otherwise glibc raises its threshold and keeps blocks of up to 32 MB, so that pictures make the process grow.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            mallopt = ctypes.CDLL(None).mallopt
            for parameter, value in _MALLOPT.items():
                mallopt(parameter, value)


class Capacity:
    """A limited number of bytes to reserve from; those who have to wait are served in order."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def reserve(self, size: int) -> AsyncIterator[None]:
        """Reserve this many bytes for the block, once they are free; a size above the limit takes all of them."""
        size = min(size, self._most)
        if size:
            await self._take(size)
        try:
            yield
        finally:
            if size:
                self._give_back(size)

    async def _take(self, size: int) -> None:
        if not self._waiting and size <= self._left:
            self._left -= size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # its bytes were granted at the same moment
                self._give_back(size)
            else:
                with suppress(ValueError):
                    self._waiting.remove((size, turn))
                self._give_back(0)  # those waiting after it may fit where it did not
            raise

    def _give_back(self, size: int) -> None:
        self._left += size
        while self._waiting and self._waiting[0][0] <= self._left:
            taken, turn = self._waiting.popleft()
            if not turn.done():
                self._left -= taken
                turn.set_result(None)


class Capacities:
    """Separate limits for small and large items, so that a photo doesn't wait for a video."""

    def __init__(self, small: int, *, most: int, most_of_small: int) -> None:
        """`small`: the size in bytes up to which an item is small; `most`: the limit for all others together."""
        self._small = small
        self._of_all, self._of_small = Capacity(most), Capacity(most_of_small)

    def reserve(self, size: int) -> AbstractAsyncContextManager[None]:
        """See ``Capacity.reserve``."""
        return (self._of_small if size <= self._small else self._of_all).reserve(size)


def shorten_switch_interval() -> None:
    """Have threads yield to the event loop after a millisecond; the loop itself runs for less than that at a time."""
    sys.setswitchinterval(_SWITCH_INTERVAL_S)


def freeze_loaded_objects() -> None:
    """Exempt everything loaded so far, modules and patterns, from garbage collection, where it cost up to 0.1 s."""
    gc.collect()
    gc.freeze()
