"""Ending an answer from outside, while the model writes it."""

import asyncio
from collections.abc import Collection, Coroutine
from enum import Enum, auto

from bot.errors import ModelError


class Ending(Enum):
    """Why an answer was ended from outside."""

    STOPPED = auto()
    """The user has heard enough: what was said stands."""
    MORE_TO_COME = auto()
    """The user's message goes on: the answer is begun again with all of it."""


class Control:
    """A handle on an answer under way, for whoever wants to end it."""

    def __init__(self) -> None:
        self.ending: Ending | None = None
        self.update_ids: Collection[int] = ()
        self._task: asyncio.Task[None] | None = None

    def end(self, ending: Ending, update_ids: Collection[int] = ()) -> bool:
        """End the answer; the updates that asked for it are done together with what they did.

        Returns False when there is nothing to end any more.
        """
        if self._task is not None and self._task.done():
            return False
        if self.ending is Ending.STOPPED:  # stopped is stopped, whatever else is said
            return True
        self.ending, self.update_ids = ending, update_ids
        if self._task is not None:
            self._task.cancel()
        return True

    async def run(self, work: Coroutine[None, None, None]) -> None:
        """Do the work until it is done or ended."""
        self._task = asyncio.create_task(work, name="answer")
        if self.ending is not None:
            self._task.cancel()
        try:
            await self._task
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if self.ending is None or (caller is not None and caller.cancelling()):
                raise
        except ModelError:
            if self.ending is None:  # else it was ended and failed in the same moment: ended is what the user asked for
                raise
