"""One bot per database: a second one waits for the first to end, as in a rolling deploy, and then is refused."""

import asyncio
from pathlib import Path

from filelock import FileLock, Timeout

WAIT_S = 30.0
"""How long a new instance waits for the old one."""


class DatabaseInUseError(Exception):
    """Another bot runs on this database."""


async def claim(database: Path, wait: float = WAIT_S) -> FileLock:
    """Take the lock beside the database, within `wait` seconds. It dies with the process; release it at the end.

    Raises DatabaseInUseError.
    """
    lock = FileLock(f"{database}.lock", thread_local=False)
    try:
        await asyncio.to_thread(lock.acquire, timeout=wait, poll_interval=0.1)
    except Timeout as exc:
        raise DatabaseInUseError(f"another bot is running on {database} and did not end within {wait:.0f} s") from exc
    return lock
