"""One bot per database: a second one waits for the first to end, as in a rolling deploy, and then is refused."""

import asyncio
import logging
from pathlib import Path

from filelock import FileLock, Timeout

from storage.private import FILE

WAIT_S = 30.0
"""How long a new instance waits for the old one."""
_POLL_S = 0.2

log = logging.getLogger(__name__)


class DatabaseInUseError(Exception):
    """Another bot runs on this database."""


async def claim(database: Path, wait: float = WAIT_S) -> FileLock:
    """Take the lock beside the database, within `wait` seconds. It dies with the process; release it at the end.

    Raises DatabaseInUseError.
    """
    lock = FileLock(f"{database}.lock", mode=FILE)
    if _take(lock):
        return lock
    if wait:
        log.info("Another bot runs on %s; waiting for it to end", database)
    try:
        async with asyncio.timeout(wait):
            while not _take(lock):  # noqa: ASYNC110 - a lock of another process wakes nobody
                await asyncio.sleep(_POLL_S)
    except TimeoutError as exc:
        patience = f" and did not stop within {wait:.0f} s" if wait else ": stop it first"
        raise DatabaseInUseError(f"another bot is running on it{patience}") from exc
    return lock


def is_claimed(database: Path) -> bool:
    """Whether a bot runs on this database. Where none does, the lock is held for an instant, which a start waits out.

    Raises OSError.
    """
    lock = FileLock(f"{database}.lock", mode=FILE)
    if not Path(lock.lock_file).exists():
        return False
    if not _take(lock):
        return True
    lock.release()
    return False


def _take(lock: FileLock) -> bool:
    """Take the lock, if that is possible right now."""
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True
