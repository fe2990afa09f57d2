"""Before a database changes its version there is a copy of it, or it does not change."""

import logging
import shutil
import sqlite3
from collections import namedtuple
from contextlib import closing
from pathlib import Path

import pytest

from storage import NotCopiedError, Storage, old_version, sqlite
from storage.inspection import contents
from tests.conftest import migrate
from tests.storage.test_from_first_version import OLD

pytestmark = pytest.mark.sqlite_only("copies a SQLite file")

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of the first version, with a log that is not written back yet."""
    path = tmp_path / "keepsake.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.executescript(next(sqlite.after(0)).script)
        old.executescript(OLD)
        old.execute("PRAGMA journal_mode = WAL")
    return path


def _read(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def _beside(path: Path) -> list[str]:
    return [one.name for one in path.parent.iterdir()]


def _spoil(path: Path, table: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    data = bytearray(path.read_bytes())
    data[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(data)


async def test_the_old_database_stands_beside_the_new_one(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        before = contents(connection)
    await migrate(path)
    [copy] = old_version.copies(path)
    assert copy.name == "keepsake.db.schema-1"
    with closing(sqlite3.connect(copy)) as connection:
        assert contents(connection) == before
    assert copy.stat().st_mode & 0o777 == 0o600
    assert _read(path, "PRAGMA user_version") == [(sqlite.latest(),)]


async def test_a_good_copy_is_not_made_again(path: Path, tmp_path: Path) -> None:
    shutil.copyfile(path, tmp_path / "spare.db")
    await migrate(path)
    [copy] = old_version.copies(path)
    shutil.copyfile(tmp_path / "spare.db", path)  # as if it had been killed before the first migration
    before = copy.stat().st_mtime_ns
    await migrate(path)
    assert old_version.copies(path) == [copy]
    assert copy.stat().st_mtime_ns == before


@pytest.mark.parametrize("bad", [b"", b"garbage", b"SQLite format 3\0" + b"\1" * 9000])
async def test_damaged_copy_is_replaced_by_new_one(bad: bytes, path: Path, tmp_path: Path) -> None:
    (tmp_path / "keepsake.db.schema-1").write_bytes(bad)
    await migrate(path)
    assert [copy.name for copy in old_version.copies(path)] == ["keepsake.db.schema-1", "keepsake.db.schema-1-2"]
    assert _read(tmp_path / "keepsake.db.schema-1-2", "SELECT count(*) FROM turns") == [(3,)]


async def test_without_room_for_a_copy_nothing_changes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1, 1, 5000))
    with pytest.raises(NotCopiedError, match=r"takes 0\.\d MB, and only 0\.0 MB are free"):
        await migrate(path)
    assert _read(path, "PRAGMA user_version") == [(1,)]
    assert old_version.copies(path) == []


async def test_a_copy_that_fails_half_way_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(old_version, "sync", refuse)
    with pytest.raises(NotCopiedError, match="No space left on device"):
        await migrate(path)
    assert _read(path, "PRAGMA user_version") == [(1,)]
    assert sorted(_beside(path)) == ["keepsake.db"]


async def test_a_damaged_database_is_not_changed(path: Path) -> None:
    _spoil(path, "notices")
    with pytest.raises(NotCopiedError, match="damaged"):
        await migrate(path)


async def test_one_of_this_version_is_not_copied(storage: Storage, tmp_path: Path) -> None:
    assert old_version.copies(tmp_path / "keepsake.db") == []


async def test_the_log_names_the_copy(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await migrate(path)
    assert "keepsake.db.schema-1; delete it when all is well" in caplog.text
