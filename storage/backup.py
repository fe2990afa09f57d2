"""Backup of the database while the bot runs, and restoring one.

Restoring is all or nothing: the backup, which is only read, is copied and checked in a folder next to the database, and
then replaces it in one step, so that whenever the process ends, either the old database or the new one is in place. The
old one is kept under another name, with its own log, which must never be applied to the new one.

Anything that was pending when the backup was made is dropped: it must not be sent weeks later.
"""

import asyncio
import glob
import os
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from storage import inspection
from storage import sqlite as migrations
from storage.connecting import read_only
from storage.database import StorageError, Transaction, complete
from storage.files import FILE, make_file
from storage.old_version import sync, sync_folder
from storage.store import Storage
from storage.transcript import finish_all

HEADER = b"SQLite format 3\0"
_OTHERS = {
    b"\x1f\x8b": "it is compressed (gzip): unpack it first",
    b"PK\x03\x04": "it is a zip archive: unpack it first",
    b"BZh": "it is compressed (bzip2): unpack it first",
    b"\xfd7zXZ": "it is compressed (xz): unpack it first",
    b"\x28\xb5\x2f\xfd": "it is compressed (zstd): unpack it first",
    b"{": "it is not a database; to restore an export, use: python -m bot import FILE",
}
_OURS = {"chats", "turns", "inbox", "notices"}
_LOGS = ("-wal", "-journal")
"""Files that SQLite keeps next to a database that wasn't closed, with a part of its data."""
_WORKING = "restore-"


async def backup(database: Path, target: Path) -> None:
    """Write a compact copy of `database` to `target`.

    Raises StorageError if there is no database, or if `target` exists or can't be written.
    """
    if not await asyncio.to_thread(database.exists):
        raise StorageError(f"there is no database {database}")
    try:
        await asyncio.to_thread(make_file, target)  # readable only by its owner, from the first byte on
    except OSError as exc:
        raise StorageError(f"{target} can't be written: {exc.strerror}") from exc
    try:
        async with read_only(database) as connection:
            await connection.execute("VACUUM INTO ?", (str(target),))
    except BaseException as exc:
        await asyncio.to_thread(target.unlink)
        if not isinstance(exc, sqlite3.Error):
            raise
        raise StorageError(f"{database} could not be copied to {target}: {exc}") from exc


async def verify(file: Path) -> None:
    """Check all pages of a backup, and that this version could restore it. Raises StorageError."""
    try:
        await asyncio.to_thread(check, file)
    except (StorageError, sqlite3.Error) as exc:
        raise StorageError(f"the new backup {file} is not usable: {exc}") from exc


@dataclass(frozen=True, slots=True)
class DroppedWork:
    """The number of pending items that were dropped."""

    answers: int
    """Pending, or begun."""
    replies: int
    """Finished, but not completely delivered."""
    notices: int
    updates: int
    """Received, but not handled."""
    broadcasts: int


async def drop_pending(tx: Transaction) -> DroppedWork:
    """Mark everything pending as done: answers, deliveries, notices, updates. The transcript is kept."""
    answers, replies = await finish_all(tx)
    broadcasts = await tx.execute("UPDATE broadcasts SET state = 'dropped' WHERE state IN ('asked', 'sending')")
    await tx.execute("DELETE FROM broadcast_chats")
    notices = await tx.execute("DELETE FROM notices WHERE message_id IS NULL")
    await tx.execute("DELETE FROM questions")
    updates = await tx.execute("UPDATE inbox SET state = 'done', raw = '{}' WHERE state = 'new'")
    # Confirmed deletions that are still in progress are kept.
    await tx.execute("DELETE FROM forgettings WHERE (SELECT thread_id FROM chats WHERE id = chat_id) >= 0")
    await tx.execute("UPDATE chats SET due_at = NULL, compact_failures = 0 WHERE due_at IS NOT NULL")
    return DroppedWork(answers, replies, notices, updates, broadcasts)


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """The result of a restore."""

    aside: Path | None
    """The new path of the old database, if there was one."""
    chats: int
    turns: int
    dropped: DroppedWork


@dataclass(frozen=True, slots=True)
class PreparedBackup:
    """A checked copy of a backup, ready to replace the database."""

    folder: Path
    file: Path


async def make_ready(database: Path, backup: Path) -> PreparedBackup:
    """Check a backup, and copy it next to the database that it is to replace. Raises StorageError."""
    return await asyncio.to_thread(_make_ready, database, backup)


def drop(ready: PreparedBackup) -> None:
    """Remove a prepared backup."""
    shutil.rmtree(ready.folder, ignore_errors=True)


def sweep(database: Path) -> None:
    """Remove what a killed restore left behind."""
    for left in database.parent.glob(f".{glob.escape(database.name)}.{_WORKING}*"):
        shutil.rmtree(left, ignore_errors=True)


async def put_in_place(database: Path, ready: PreparedBackup) -> RestoreReport:
    """Migrate the copy to this version, drop its pending work, and replace the database with it.

    Raises StorageError, after which nothing has changed.
    """
    storage = await Storage.open(ready.file, keeps_old=False)
    try:
        async with storage.transaction() as tx:
            dropped = await drop_pending(tx)
            rows = await tx.rows("SELECT (SELECT count(*) FROM chats) AS chats, (SELECT count(*) FROM turns) AS turns")
    finally:
        await storage.close()
    if await asyncio.to_thread(ready.file.with_name(f"{ready.file.name}-wal").exists):
        raise StorageError("its write-ahead log could not be written back")
    aside = await complete(asyncio.to_thread(_exchange, database, ready.file))
    return RestoreReport(aside, rows[0]["chats"], rows[0]["turns"], dropped)


def _make_ready(database: Path, backup: Path) -> PreparedBackup:
    try:
        _look_at(database, backup)
        sweep(database)
        size, free = backup.stat().st_size, shutil.disk_usage(database.parent).free
        if free < 2 * size:
            raise StorageError(
                f"it takes {2 * size / 1e6:.1f} MB next to the database, and only {free / 1e6:.1f} MB are free there"
            )
        folder = Path(tempfile.mkdtemp(prefix=f".{database.name}.{_WORKING}", dir=database.parent))
    except OSError as exc:
        raise StorageError(f"it can't be read, or copied to {database.parent}: {exc.strerror}") from exc
    ready = PreparedBackup(folder, folder / database.name)
    try:
        _copy(backup, ready.file)
        check(ready.file)
    except BaseException as exc:
        drop(ready)
        if isinstance(exc, OSError):
            raise StorageError(f"it can't be copied to {database.parent}: {exc.strerror}") from exc
        if isinstance(exc, sqlite3.Error):
            raise StorageError(f"it can't be read: {exc}") from exc
        raise
    return ready


def _look_at(database: Path, backup: Path) -> None:
    if not backup.exists():
        raise StorageError("it doesn't exist")
    if not backup.is_file():
        raise StorageError("it is not a file")
    if database.exists() and backup.samefile(database):
        raise StorageError("it is the database itself")
    with backup.open("rb") as file:
        head = file.read(len(HEADER))
    if head != HEADER:
        others = (what for start, what in _OTHERS.items() if head.startswith(start))
        raise StorageError(next(others, "it is empty" if not head else "it is not an SQLite database"))


def _copy(backup: Path, target: Path) -> None:
    for end in ("", *_LOGS):
        source = backup.with_name(backup.name + end)
        if not end or source.exists():
            copy = target.with_name(target.name + end)
            make_file(copy)
            shutil.copyfile(source, copy)


def check(file: Path, mode: Literal["rw", "ro"] = "rw") -> None:
    """Check all pages of a file, and that this version can read it. Raises StorageError and sqlite3.Error.

    `mode`: "ro" leaves its log as it is.
    """
    with closing(sqlite3.connect(f"file:{quote(str(file))}?mode={mode}", uri=True)) as connection:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if version < 1 or not tables >= _OURS:
            raise StorageError("it is a database, but not one of Keepsake's")
        if version > migrations.latest():
            known = migrations.latest()
            raise StorageError(
                f"it was written by a newer version: its schema is {version}, and this one knows schemas up to {known}"
            )
        if found := inspection.damages(connection).elsewhere:
            raise StorageError(f"it is damaged: {'; '.join(found)}")


def _exchange(database: Path, new: Path) -> Path | None:
    try:
        sync(new)
        new.chmod(FILE)
        aside = _put_aside(database) if database.exists() else None
        # The old log is no longer needed: it was written back, or it is kept with the old database.
        for end in (*_LOGS, "-shm"):
            database.with_name(database.name + end).unlink(missing_ok=True)
        sync_folder(database.parent)
        new.replace(database)
        sync_folder(database.parent)
    except OSError as exc:
        raise StorageError(f"it can't replace {database}: {exc.strerror}") from exc
    return aside


def _put_aside(database: Path) -> Path:
    """Link the old database under a second name, which remains when the new one takes the first."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{quote(str(database))}?mode=rw", uri=True)) as old:
        # If it is too damaged for that, its log is kept too.
        busy, _, _ = old.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StorageError(f"another program has {database} open: stop it first")
    stamp = time.strftime("%Y-%m-%dT%H-%M-%S")
    number, aside = 1, database.with_name(f"{database.name}.replaced-{stamp}")
    while aside.exists():
        number += 1
        aside = database.with_name(f"{database.name}.replaced-{stamp}-{number}")
    for end in ("", *_LOGS):
        current, linked = database.with_name(database.name + end), aside.with_name(aside.name + end)
        if current.is_file():
            _link(current, linked)
    return aside


def _link(file: Path, other: Path) -> None:
    try:
        os.link(file, other)
    except OSError:  # a file system without links
        make_file(other)
        shutil.copyfile(file, other)
        sync(other)
