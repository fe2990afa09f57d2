"""Converting beside the event loop: dense markup of sixteen thousand signs takes half a second.

One text at a time, since a thread takes the interpreter from the loop for some milliseconds at each turn, and several
would take it that much longer.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

SHORT = 400
"""Characters that are converted at once: the worst of them take twenty milliseconds."""
LONGEST_S = 20.0
"""A text that takes longer has found a hole in a library."""

T = TypeVar("T")
log = logging.getLogger(__name__)


class Conversions:
    """`at_work` surrounds each, so that it can be known afterwards what the process died of."""

    def __init__(self, at_work: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        self._at_work = at_work
        self._one = asyncio.Lock()

    async def do(self, size: int, convert: Callable[[], T], otherwise: Callable[[], T]) -> T:
        """Convert a text of so many characters; `otherwise` is what stands for it when that does not end."""
        if size <= SHORT:
            return convert()
        async with self._one:
            try:
                with self._at_work():
                    async with asyncio.timeout(LONGEST_S):
                        return await asyncio.to_thread(convert)
            except TimeoutError:
                log.error("A text of %d characters took more than %.0f s to convert", size, LONGEST_S)
        return otherwise()
