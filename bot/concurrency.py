"""How long to wait before something that fails is tried again.

How many bytes of one kind are held at a time, over all chats; whoever finds no place for theirs waits for it.

What leaves the event loop its time, where threads and the collector of garbage share the interpreter with it.
"""

import asyncio
import ctypes
import gc
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

_MOST_DOUBLINGS = 60
"""More of them than any bound needs, and fewer than a float can't hold."""
_MALLOPT = {-8: 2, -3: 128 * 1024, -1: 128 * 1024}
"""M_ARENA_MAX, M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of glibc."""
_TURN_S = 0.001
"""As long as a thread keeps the interpreter while the loop waits for it; five times that is usual."""


def backoff(failures: int, first: float, longest: float) -> float:
    """Seconds to wait after so many failures in a row: `first`, twice as long after each more, `longest` at most."""
    return min(first * 2.0 ** min(max(failures - 1, 0), _MOST_DOUBLINGS), longest)


def return_memory() -> None:
    """Have what was large go back to the system once it is let go; on Linux with glibc only.

    Else the heap learns to keep blocks of up to 32 MB, and grows with each chat that has shown pictures.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            mallopt = ctypes.CDLL(None).mallopt
            for parameter, value in _MALLOPT.items():
                mallopt(parameter, value)


class Capacity:
    """So many bytes; who finds no place waits for it, first come, first served."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def reserve(self, size: int) -> AsyncIterator[None]:
        """Keep so many bytes for the block; what would be more than all of them takes all."""
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
            if turn.done() and not turn.cancelled():  # it was given its place in the same moment
                self._give_back(size)
            else:
                with suppress(ValueError):
                    self._waiting.remove((size, turn))
                self._give_back(0)  # those behind it may fit where it did not
            raise

    def _give_back(self, size: int) -> None:
        self._left += size
        while self._waiting and self._waiting[0][0] <= self._left:
            taken, turn = self._waiting.popleft()
            if not turn.done():
                self._left -= taken
                turn.set_result(None)


class Capacities:
    """One for what is small and one for what is not, so that a photo waits for no film."""

    def __init__(self, small: int, *, most: int, most_of_small: int) -> None:
        """`small`: bytes up to which it is."""
        self._small = small
        self._of_all, self._of_small = Capacity(most), Capacity(most_of_small)

    def reserve(self, size: int) -> AbstractAsyncContextManager[None]:
        """See ``Capacity.reserve``."""
        return (self._of_small if size <= self._small else self._of_all).reserve(size)


def yield_often() -> None:
    """Have threads hand the interpreter over after a millisecond: the loop takes it for less than that at a time."""
    sys.setswitchinterval(_TURN_S)


def spare_what_stays() -> None:
    """Have the collector pass over all that there is by now: modules and patterns, which took it up to 0.1 s."""
    gc.collect()
    gc.freeze()
