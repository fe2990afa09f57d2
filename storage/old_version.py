"""Before a database is migrated to a newer schema, a copy is made next to it.

The copy is checked before anything is changed. If it can't be made, nothing is changed.
"""

import logging
import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from storage import inspection
from storage.database import NotCopiedError
from storage.files import make_file

SPARE = 1.1
"""The free disk space required, relative to the size of the database."""

log = logging.getLogger(__name__)


def copies(database: Path) -> list[Path]:
    """The copies of a database made before migrations."""
    found = database.parent.iterdir() if database.parent.is_dir() else ()
    return sorted(path for path in found if path.name.startswith(f"{database.name}.schema-") and path.suffix != ".part")


def keep(database: Path, version: int) -> None:
    """Copy a database with this schema version next to itself, unless there is such a copy. Raises NotCopiedError."""
    try:
        target = _keep(database, version)
    except (OSError, sqlite3.Error) as exc:
        raise NotCopiedError(_told(exc)) from exc
    if target is not None:
        log.warning(
            "Migrating the database to this version's schema. A copy from before is in %s; delete it when all is well",
            target,
        )


def _keep(database: Path, version: int) -> Path | None:
    with closing(_connect(database)) as source:
        before = inspection.contents(source)
        number = 1
        while (target := _target(database, version, number)).exists():
            if _is_copy(target, before):
                return None
            number += 1
        part = target.with_name(f"{target.name}.part")
        part.unlink(missing_ok=True)
        try:
            _copy(source, part)
            if not _is_copy(part, before):
                raise NotCopiedError("the copy made before updating it is not intact")
            part.replace(target)
            sync_folder(target.parent)
        except BaseException:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise
    return target


def _copy(source: sqlite3.Connection, part: Path) -> None:
    size = source.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()[0]
    free = shutil.disk_usage(part.parent).free
    if free < size * SPARE:
        raise NotCopiedError(
            "before updating it, a copy is made next to it, which takes "
            f"{size * SPARE / 1e6:.1f} MB, and only {free / 1e6:.1f} MB are free there"
        )
    make_file(part)
    with closing(sqlite3.connect(part)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")  # the copy is one file, whatever the original was
    sync(part)


def _is_copy(path: Path, contents: inspection.Contents) -> bool:
    """Whether a file has the same contents and no damage."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)) as connection:
            return not inspection.damages(connection).elsewhere and inspection.contents(connection) == contents
    except sqlite3.Error:
        return False


def _connect(database: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(str(database))}?mode=rw", uri=True, isolation_level=None)
    try:
        found = inspection.damages(connection).elsewhere
        if found:
            raise NotCopiedError(f"it is damaged ({'; '.join(found)}), and was not updated in that state")
    except BaseException:
        connection.close()
        raise
    return connection


def _target(database: Path, version: int, number: int) -> Path:
    again = f"-{number}" if number > 1 else ""
    return database.with_name(f"{database.name}.schema-{version}{again}")


def _told(exc: OSError | sqlite3.Error) -> str:
    why = exc.strerror if isinstance(exc, OSError) else str(exc)
    return f"the copy that is made next to it before updating it can't be made: {why}"


def sync(path: Path) -> None:
    """Flush a file to disk. Raises OSError."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, if the system supports that."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
