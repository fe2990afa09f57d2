"""Tasks of a replica for its chats. Nothing waits for them, and what fails is left to the next check."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from storage.claims import ClaimLostError
from storage.database import StorageError

log = logging.getLogger(__name__)


class ChatTasks:
    """Starts them. `check_soon` is called when the database could not be read or written."""

    def __init__(self, check_soon: Callable[[], None]) -> None:
        self._check_soon = check_soon
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Callable[[], Awaitable[None]]) -> None:
        """Start one."""
        task = asyncio.create_task(self._attempt(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def cancel(self) -> None:
        """Cancel those that are running."""
        for task in self._running:
            task.cancel()

    async def close(self) -> None:
        """The same, and wait for their end."""
        self.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _attempt(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except ClaimLostError as exc:
            log.info("%s", exc)
        except StorageError as exc:
            log.warning("Something in the chats was left to the next check: %s", exc)
            self._check_soon()
        except Exception:
            log.exception("Work for the chats of this process failed")
