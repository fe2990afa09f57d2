"""A backup is whole, and overwrites nothing.

A backup takes the database's place as a whole, or nothing changes.
"""

import asyncio
import gzip
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from storage import Storage, StorageError
from storage import backup as recovery
from storage import sqlite as migrations
from storage.backup import DroppedWork, backup
from storage.inbox import RawUpdate
from storage.records import Chat, ChatKey, NewReply, NewTurn, Notice
from tests.selection import some

pytestmark = pytest.mark.sqlite_only("copies a SQLite file")

SAID = "SELECT content FROM turns ORDER BY id"
WRONG = {
    "gzip": "it is compressed",
    "empty": "is empty",
    "text": "not an SQLite database",
    "export": "bot import",
    "cut": "damaged|malformed",
    "spoilt": "damaged",
    "newer": "newer version",
    "foreign": "not one of Keepsake",
    "missing": "doesn't exist",
    "folder": "not a file",
    "itself": "database itself",
}


async def test_backup_of_open_database_has_committed_data(storage: Storage, chat: Chat, tmp_path: Path) -> None:
    async with storage.transaction():
        await backup(tmp_path / "keepsake.db", tmp_path / "copy.db")
    copy = await Storage.open(tmp_path / "copy.db")
    assert await copy.chats.find(chat.key) == chat
    await copy.close()


async def test_a_backup_overwrites_nothing(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(StorageError, match=r"copy\.db"):
        await backup(tmp_path / "keepsake.db", tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "precious"


async def test_backup_of_missing_database_fails(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"none\.db"):
        await backup(tmp_path / "none.db", tmp_path / "copy.db")


def _read(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.glob("**/*") if path.is_file()}


async def _say(storage: Storage, chat: Chat, text: str, message_id: int = 1) -> None:
    async with storage.transaction() as tx:
        await storage.transcript.append(tx, chat.id, [NewTurn(text, "\n", 5, message_id, 5)], 0.0)


async def _restore(database: Path, file: Path) -> recovery.RestoreReport:
    ready = await recovery.make_ready(database, file)
    try:
        return await recovery.put_in_place(database, ready)
    finally:
        recovery.drop(ready)


@pytest.fixture
async def copy(storage: Storage, chat: Chat, tmp_path: Path) -> Path:
    """A backup with one message, beside a database with two and a log that was not written back, as after a kill."""
    await _say(storage, chat, "in the backup")
    copy = tmp_path / "elsewhere" / "copy.db"
    copy.parent.mkdir()
    await backup(tmp_path / "keepsake.db", copy)
    await _say(storage, chat, "after the backup", 2)
    left = tmp_path / "left"
    left.mkdir()
    for end in ("", "-wal", "-shm"):
        shutil.copyfile(f"{tmp_path / 'keepsake.db'}{end}", f"{left / 'keepsake.db'}{end}")
    return copy


@pytest.fixture
def database(copy: Path, tmp_path: Path) -> Path:
    return tmp_path / "left" / "keepsake.db"


async def test_leftover_log_does_not_affect_restored_database(database: Path, copy: Path) -> None:
    restored = await _restore(database, copy)
    assert (restored.chats, restored.turns) == (1, 1)
    assert _read(database, SAID) == [("in the backup",)]
    assert _read(database, "PRAGMA integrity_check") == [("ok",)]
    assert restored.aside is not None
    assert _read(restored.aside, SAID) == [("in the backup",), ("after the backup",)]
    assert os.stat(database).st_mode & 0o777 == 0o600  # noqa: PTH116


async def test_the_backup_is_never_written(database: Path, copy: Path) -> None:
    before = _tree(copy.parent)
    await _restore(database, copy)
    assert _tree(copy.parent) == before


async def test_backup_with_its_log_is_whole(database: Path, tmp_path: Path) -> None:
    target = tmp_path / "fresh" / "keepsake.db"
    target.parent.mkdir()
    restored = await _restore(target, database)
    assert _read(target, SAID) == [("in the backup",), ("after the backup",)]
    assert restored.aside is None


@pytest.mark.parametrize("damage", [b"", b"garbage" * 999, b"SQLite format 3\0" + b"\xff" * 9000])
async def test_damaged_database_is_kept_aside_unchanged(damage: bytes, database: Path, copy: Path) -> None:
    await asyncio.to_thread(database.write_bytes, damage)
    restored = await _restore(database, copy)
    assert _read(database, SAID) == [("in the backup",)]
    assert restored.aside is not None
    assert _tree(database.parent)[restored.aside.name] == damage


def _spoilt(copy: Path) -> bytes:
    (root,) = _read(copy, "SELECT rootpage FROM sqlite_schema WHERE name = 'turns'")[0]
    assert isinstance(root, int)
    data = bytearray(copy.read_bytes())
    data[(root - 1) * 4096 : root * 4096] = b"\xff" * 4096
    return bytes(data)


def _wrong(kind: str, copy: Path, database: Path) -> Path:
    file = copy.parent / kind
    data = copy.read_bytes()
    contents = {"empty": b"", "text": b"hello", "export": b'{"format": "keepsake"}', "newer": data}
    contents |= {"gzip": gzip.compress(data), "cut": data[: len(data) // 2], "spoilt": _spoilt(copy)}
    if kind in contents:
        file.write_bytes(contents[kind])
    if kind in ("newer", "foreign"):
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(f"PRAGMA user_version = {migrations.latest() + 1 if kind == 'newer' else 3}")
            connection.execute("CREATE TABLE something (else_ TEXT)")
    if kind == "folder":
        file.mkdir()
    if kind == "itself":
        file.symlink_to(database)
    return file


@pytest.mark.parametrize("kind", some(WRONG, 3))
async def test_a_wrong_file_changes_nothing(kind: str, database: Path, copy: Path) -> None:
    file = await asyncio.to_thread(_wrong, kind, copy, database)
    before = _tree(database.parent)
    with pytest.raises(StorageError, match=WRONG[kind]):
        await _restore(database, file)
    assert _tree(database.parent) == before
    assert [path.name for path in database.parent.iterdir() if path.is_dir()] == []


async def test_without_room_nothing_changes(database: Path, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _tree(database.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5000))
    with pytest.raises(StorageError, match=r"only 0\.0 MB are free"):
        await _restore(database, copy)
    assert _tree(database.parent) == before


class Died(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("at", ["fsync", "link", "unlink", "replace", "chmod"])
async def test_kill_during_restore_leaves_one_database_whole(
    at: str, database: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = await recovery.make_ready(database, copy)

    def die(*_: object, **__: object) -> None:
        raise Died

    with monkeypatch.context() as patched:
        if at in ("unlink", "replace", "chmod"):
            patched.setattr(Path, at, die)
        else:
            patched.setattr(os, at, die)
        with pytest.raises(Died):
            await recovery.put_in_place(database, ready)
    assert _read(database, SAID) == [("in the backup",), ("after the backup",)]
    assert (await _restore(database, copy)).turns == 1
    assert [path.name for path in database.parent.iterdir() if path.is_dir()] == []


async def test_what_was_on_its_way_is_settled(storage: Storage, chat: Chat, tmp_path: Path) -> None:
    async with storage.transaction() as tx:
        other = await storage.chats.ensure(tx, ChatKey(2002), private=True, now=0.0)
        await storage.inbox.add(tx, [RawUpdate(1, '{"message": 1}')], 0.0)
        await storage.outbox.add(tx, Notice(ChatKey(1001), True, "told weeks ago"))
        await tx.execute("UPDATE chats SET due_at = 1.0")
        await tx.execute("INSERT INTO broadcasts (owner_id, text, state, made_at) VALUES (1, 'hi', 'sending', 0.0)")
        await tx.execute("INSERT INTO broadcast_chats VALUES (1, 2002)")
    await _say(storage, chat, "owed")
    await _say(storage, other, "answered")
    async with storage.transaction() as tx:
        await storage.transcript.begin_reply(tx, chat.id, 0.0, reply_to=None)
        reply_id = await storage.transcript.begin_reply(tx, other.id, 0.0, reply_to=None)
        await storage.transcript.finish_reply(tx, other.id, reply_id, NewReply("finished", 1), None)
    copy = tmp_path / "copy.db"
    await backup(tmp_path / "keepsake.db", copy)
    target = tmp_path / "target.db"
    assert (await _restore(target, copy)).dropped == DroppedWork(1, 1, 1, 1, 1)
    restored = await Storage.open(target)
    assert await restored.chats.with_open_work() == []
    assert await restored.inbox.unhandled() == []
    assert await restored.broadcasts.sending() == []
    assert await restored.chats.due(10.0**12) == []
    await restored.close()
    assert _read(target, SAID) == [("owed",), ("answered",), ("finished",)]


async def test_backup_of_older_version_is_migrated(database: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    with closing(sqlite3.connect(old, isolation_level=None)) as connection:
        connection.executescript(next(migrations.after(0)).script)
    await _restore(database, old)
    assert _read(database, "PRAGMA user_version") == [(migrations.latest(),)]
    assert _read(old, "PRAGMA user_version") == [(1,)]
