"""Waiting for a database that can't be written just now."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from storage.database import StorageError

T = TypeVar("T")

WRITE_AGAIN_AFTER_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)

log = logging.getLogger(__name__)


async def until_stored(write: Callable[[], Awaitable[T]]) -> T:
    """Repeat a write that the database can't take now (locked by another process, disk full) for about a minute.

    Raises StorageError after that, and at once for what no waiting mends.
    """
    for wait in WRITE_AGAIN_AFTER_S:
        try:
            return await write()
        except StorageError as exc:
            if not exc.may_pass:
                raise
            log.warning("The database can't be written, trying again in %.1f s: %s", wait, exc)
            await asyncio.sleep(wait)
    return await write()
