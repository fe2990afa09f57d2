"""The database's files: permissions, SQLite's memory limit, and the lock that ensures one bot per database.

Only the owner can read the files and enter the folders, because they contain what people said.

SQLite's memory is limited for all connections of the process together. A bot needs a few megabytes (eleven for the most
expensive query over 200,000 turns), but SQLite trusts lengths in a damaged search index, and would allocate and fill
two gigabytes for one with each statement.

A second bot on the same database waits for the first to end, as in a rolling deploy, and then gives up.
"""

import asyncio
import glob
import logging
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

FILE, FOLDER = 0o600, 0o700
_HAS_MODES = os.name == "posix"
MOST_BYTES = 128 * 1024 * 1024
LIMIT = f"PRAGMA hard_heap_limit = {MOST_BYTES}"
"""To run when a connection is opened. Beyond it, SQLite reports SQLITE_NOMEM, which Python raises as MemoryError."""
WAIT_S = 30.0
"""How long a new instance waits for the old one, in seconds."""
_POLL_S = 0.2

log = logging.getLogger(__name__)


def restrict() -> None:
    """Make this process and its children create files that only their owner can read."""
    if _HAS_MODES:
        os.umask(0o077)


def make_folder(folder: Path) -> None:
    """Create a folder and its missing parents. Raises OSError."""
    if not folder.exists():
        make_folder(folder.parent)
        folder.mkdir(FOLDER, exist_ok=True)


def make_file(path: Path) -> None:
    """Create an empty file, which must not exist yet. Raises OSError."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE))


def of_database(database: Path) -> list[Path]:
    """The files of a database: itself, its log, its lock, and copies of it in the same folder."""
    others = database.parent.glob(f"{glob.escape(database.name)}?*") if database.parent.is_dir() else ()
    return [database, *sorted(path for path in others if path.is_file())]


def tighten(paths: Iterable[Path]) -> None:
    """Make these files accessible only to their owner, and log which ones weren't."""
    for path in paths if _HAS_MODES else ():
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & ~FILE:
                path.chmod(mode & FILE)
                log.warning("%s could be read or written by others (mode %03o); now only its owner can", path, mode)
        except FileNotFoundError:
            continue
        except OSError as exc:
            log.warning("%s may be readable by others, and that can't be changed: %s", path, exc.strerror)


def warn_if_wide(paths: Iterable[Path]) -> None:
    """Log which of these files and folders others can read or enter; their owner may want that, so it stays."""
    for path in paths if _HAS_MODES else ():
        with suppress(OSError):
            if (mode := stat.S_IMODE(path.stat().st_mode)) & ~FOLDER:
                log.warning("%s can be read or written by others (mode %03o): chmod go= %s", path, mode, path)


class DatabaseInUseError(Exception):
    """Another bot is running on this database."""


async def claim(database: Path, wait: float = WAIT_S) -> FileLock:
    """Take the lock next to the database, within `wait` seconds. Release it at the end; it also ends with the process.

    Raises DatabaseInUseError.
    """
    lock = FileLock(f"{database}.lock", mode=FILE)
    if _take(lock):
        return lock
    if wait:
        log.info("Another bot is running on %s; waiting for it to end", database)
    try:
        async with asyncio.timeout(wait):
            while not _take(lock):  # noqa: ASYNC110 - another process's lock sends no event
                await asyncio.sleep(_POLL_S)
    except TimeoutError as exc:
        patience = f" and did not stop within {wait:.0f} s" if wait else ": stop it first"
        raise DatabaseInUseError(f"another bot is running on it{patience}") from exc
    return lock


def is_claimed(database: Path) -> bool:
    """Whether a bot is running on this database. If not, this takes the lock for a moment; a starting bot waits.

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
    """Take the lock if it is free."""
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True
