"""A copy of the database that is whole at one moment, taken beside a running bot.

What a database still has to do in the world, taken back: a backup that is restored must not do it weeks later.

A backup put in the place of a database: whole or not at all, and with nothing of the old one's log.

The backup is read and never written. It is made ready in a folder beside the database, and takes its place in one step,
so that whatever ends the process leaves the old one or the new one. The old one stays, under another name.
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
from urllib.parse import quote

import aiosqlite

from storage import database as migrations
from storage import inspection
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
    b"{": "it is no database; an export goes back with: python -m bot import FILE",
}
_OURS = {"chats", "turns", "inbox", "notices"}
_LOGS = ("-wal", "-journal")
"""What SQLite keeps beside a database that was not closed: a part of what stands in it."""
_WORKING = "restore-"


async def backup(database: Path, target: Path) -> None:
    """Write a compact copy of `database` to `target`.

    Raises StorageError when there is no database, when `target` exists, or when it can't be written.
    """
    if not await asyncio.to_thread(database.exists):
        raise StorageError(f"there is no database {database}")
    try:
        await asyncio.to_thread(make_file, target)  # readable for its owner alone, from the first byte on
    except OSError as exc:
        raise StorageError(f"{target} can't be written: {exc.strerror}") from exc
    try:
        async with aiosqlite.connect(f"file:{quote(str(database))}?mode=ro", uri=True) as connection:
            await connection.execute("VACUUM INTO ?", (str(target),))
    except BaseException as exc:
        await asyncio.to_thread(target.unlink)
        if not isinstance(exc, sqlite3.Error):
            raise
        raise StorageError(f"{database} could not be copied to {target}: {exc}") from exc


@dataclass(frozen=True, slots=True)
class DroppedWork:
    """How much was not done any more."""

    answers: int
    """Owed, or begun."""
    replies: int
    """Finished and not wholly delivered."""
    notices: int
    updates: int
    """Received and not handled."""
    broadcasts: int


async def drop_pending(tx: Transaction) -> DroppedWork:
    """Mark all that is pending as done: answers, deliveries, notices, updates. What was said stays."""
    answers, replies = await finish_all(tx)
    broadcasts = await tx.execute("UPDATE broadcasts SET state = 'dropped' WHERE state IN ('asked', 'sending')")
    await tx.execute("DELETE FROM broadcast_chats")
    notices = await tx.execute("DELETE FROM notices WHERE message_id IS NULL")
    await tx.execute("DELETE FROM questions")
    updates = await tx.execute("UPDATE inbox SET state = 'done', raw = '{}' WHERE state = 'new'")
    # Not what was confirmed and is still to be taken out.
    await tx.execute("DELETE FROM forgettings WHERE (SELECT thread_id FROM chats WHERE id = chat_id) >= 0")
    await tx.execute("UPDATE chats SET due_at = NULL, compact_failures = 0 WHERE due_at IS NOT NULL")
    return DroppedWork(answers, replies, notices, updates, broadcasts)


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What was done."""

    aside: Path | None
    """Where the old database is now."""
    chats: int
    turns: int
    dropped: DroppedWork


@dataclass(frozen=True, slots=True)
class PreparedBackup:
    """A backup that can take the database's place."""

    folder: Path
    file: Path


async def make_ready(database: Path, backup: Path) -> PreparedBackup:
    """Check a backup, and copy it to where it can take the database's place. Raises StorageError."""
    return await asyncio.to_thread(_make_ready, database, backup)


def drop(ready: PreparedBackup) -> None:
    """Remove what was made ready."""
    shutil.rmtree(ready.folder, ignore_errors=True)


def sweep(database: Path) -> None:
    """Remove what a restoring that was killed has left."""
    for left in database.parent.glob(f".{glob.escape(database.name)}.{_WORKING}*"):
        shutil.rmtree(left, ignore_errors=True)


async def put_in_place(database: Path, ready: PreparedBackup) -> RestoreReport:
    """Bring the copy to this version, take back what it still had to do, and let it take the database's place.

    Raises StorageError, and nothing has changed then.
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
        _check(ready.file)
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
        raise StorageError("it does not exist")
    if not backup.is_file():
        raise StorageError("it is not a file")
    if database.exists() and backup.samefile(database):
        raise StorageError("it is the database itself")
    with backup.open("rb") as file:
        head = file.read(len(HEADER))
    if head != HEADER:
        others = (what for start, what in _OTHERS.items() if head.startswith(start))
        raise StorageError(next(others, "it is empty" if not head else "it is no SQLite database"))


def _copy(backup: Path, target: Path) -> None:
    for end in ("", *_LOGS):
        source = backup.with_name(backup.name + end)
        if not end or source.exists():
            copy = target.with_name(target.name + end)
            make_file(copy)
            shutil.copyfile(source, copy)


def _check(file: Path) -> None:
    with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=rw", uri=True)) as connection:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if version < 1 or not tables >= _OURS:
            raise StorageError("it is a database, but not one of Keepsake")
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
        # Without its log the old one is whole where it was: its log was written back, or both stand aside.
        for end in (*_LOGS, "-shm"):
            database.with_name(database.name + end).unlink(missing_ok=True)
        sync_folder(database.parent)
        new.replace(database)
        sync_folder(database.parent)
    except OSError as exc:
        raise StorageError(f"it can't replace {database}: {exc.strerror}") from exc
    return aside


def _put_aside(database: Path) -> Path:
    """Give the old database a second name, which remains when the new one takes the first."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{quote(str(database))}?mode=rw", uri=True)) as old:
        # Where it is too damaged for that, its log stands aside too.
        busy, _, _ = old.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StorageError(f"another program has {database} open: stop it first")
    stamp = time.strftime("%Y-%m-%dT%H-%M-%S")
    number, aside = 1, database.with_name(f"{database.name}.replaced-{stamp}")
    while aside.exists():
        number += 1
        aside = database.with_name(f"{database.name}.replaced-{stamp}-{number}")
    for end in ("", *_LOGS):
        one, other = database.with_name(database.name + end), aside.with_name(aside.name + end)
        if one.is_file():
            _link(one, other)
    return aside


def _link(file: Path, other: Path) -> None:
    try:
        os.link(file, other)
    except OSError:  # a file system without links
        make_file(other)
        shutil.copyfile(file, other)
        sync(other)
