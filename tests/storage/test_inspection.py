"""A look at a database changes nothing, and sees what would stop a bot."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storage import NewerDatabaseError, Storage, StorageError, sqlite
from storage.files import claim, is_claimed
from storage.inspection import can_be_made, inspect, room
from storage.records import ChatKey

pytestmark = pytest.mark.sqlite_only("inspects a SQLite file")


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_sound_database_is_inspected_beside_its_bot(storage: Storage, tmp_path: Path) -> None:
    found = await inspect(tmp_path / "keepsake.db")
    assert (found.version, found.latest, found.damages) == (sqlite.latest(), sqlite.latest(), ())
    assert found.size > 0
    async with storage.transaction() as tx:  # the look has given the lock back
        await storage.chats.ensure(tx, ChatKey(1), private=True, now=0.0)


async def test_inspecting_older_database_does_not_migrate_it(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(next(sqlite.after(0)).script)
    before = path.read_bytes()
    assert (await inspect(path)).version == 1
    assert path.read_bytes() == before
    assert _names(tmp_path) == ["old.db"]


async def test_newer_database_is_distinguished_from_damaged(tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {sqlite.latest() + 1}")
    with pytest.raises(NewerDatabaseError):
        await inspect(path)


async def test_a_damaged_page_is_found(storage: Storage, tmp_path: Path) -> None:
    await storage.close()
    path = tmp_path / "keepsake.db"
    data = bytearray(path.read_bytes())
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'chats'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    data[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(data)
    assert (await inspect(path)).damages


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("this is not a database, but a longer text than a header")
    with pytest.raises(StorageError, match="not a database"):
        await inspect(path)


async def test_a_look_that_takes_too_long_is_ended(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n --"
    monkeypatch.setattr("storage.inspection.CHECK", endless)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await inspect(tmp_path / "keepsake.db")


def test_missing_database_has_room_and_leaves_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "keepsake.db"
    can_be_made(path)
    assert room(path) > 0
    assert _names(tmp_path) == []


async def test_what_may_not_be_written_is_not_opened(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await storage.close()
    before = _names(tmp_path)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(StorageError, match="can't write to it"):
        await inspect(tmp_path / "keepsake.db")
    assert _names(tmp_path) == before


def test_impossible_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="can't be written"):
        can_be_made(tmp_path / "file" / "keepsake.db")


async def test_running_bot_is_detected_without_leaving_traces(tmp_path: Path) -> None:
    path = tmp_path / "keepsake.db"
    assert not is_claimed(path)
    assert _names(tmp_path) == []
    lock = await claim(path)
    assert is_claimed(path)
    lock.release()
    assert not is_claimed(path)
