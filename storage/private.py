"""What people said is its owner's to read: files that nobody else can open, and folders that nobody else can enter."""

import glob
import logging
import os
import stat
from collections.abc import Iterable
from pathlib import Path

FILE, FOLDER = 0o600, 0o700
_HAS_MODES = os.name == "posix"

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
