"""What people said is its owner's to read: files that nobody else can open, and folders that nobody else can enter.

How much memory SQLite may take in this process, for all connections together.

A bot needs some megabytes: eleven for the costliest query over 200,000 turns. But a length that stands in a damaged
search index is believed: SQLite would take and fill two gigabytes for it, with each statement.

One bot per database: a second one waits for the first to end, as in a rolling deploy, and then is refused.
"""

import asyncio
import glob
import logging
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from filelock import FileLock, Timeout

FILE, FOLDER = 0o600, 0o700
_HAS_MODES = os.name == "posix"
MOST_BYTES = 128 * 1024 * 1024
LIMIT = f"PRAGMA hard_heap_limit = {MOST_BYTES}"
"""For a connection's beginning. What would take more fails: SQLITE_NOMEM, which Python raises as MemoryError."""
WAIT_S = 30.0
"""How long a new instance waits for the old one."""
_POLL_S = 0.2

log = logging.getLogger(__name__)


def restrict() -> None:
    """Have this process, and all that it starts, make files that only their owner can read."""
    if _HAS_MODES:
        os.umask(0o077)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are not there. Raises OSError."""
    if not folder.exists():
        make_folder(folder.parent)
        folder.mkdir(FOLDER, exist_ok=True)


def make_file(path: Path) -> None:
    """Make an empty file that must not be there yet. Raises OSError."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE))


def of_database(database: Path) -> list[Path]:
    """A database with its log, its lock, and the copies of it that were put beside it."""
    beside = database.parent.glob(f"{glob.escape(database.name)}?*") if database.parent.is_dir() else ()
    return [database, *sorted(path for path in beside if path.is_file())]


def tighten(paths: Iterable[Path]) -> None:
    """Let nobody but their owner read these files, and say so where it was otherwise."""
    for path in paths if _HAS_MODES else ():
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & ~FILE:
                path.chmod(mode & FILE)
                log.warning(
                    "%s could be read or written by others (mode %03o), and is its owner's alone now", path, mode
                )
        except FileNotFoundError:
            continue
        except OSError as exc:
            log.warning("%s may be readable by others, and that can't be changed: %s", path, exc.strerror)


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
