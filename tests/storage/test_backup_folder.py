"""A scheduled backup counts only once it is checked, and only then do older ones go."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storage import Storage, StorageError, backup_folder
from storage import backup as recovery
from storage.backup_folder import BackupFolder
from storage.records import Chat

pytestmark = pytest.mark.sqlite_only("copies a SQLite file")

DAY_S = 86_400.0


@pytest.fixture
def folder(storage: Storage, tmp_path: Path) -> BackupFolder:
    return BackupFolder(tmp_path / "keepsake.db", tmp_path / "backups", keep=2)


def _names(tmp_path: Path) -> list[str]:
    return sorted(file.name for file in (tmp_path / "backups").iterdir() if file.name != ".keepsake.db.bot")


async def test_a_backup_can_be_restored(folder: BackupFolder, chat: Chat, tmp_path: Path) -> None:
    file = await folder.write(0.0)
    assert file.name == "keepsake-1970-01-01T000000Z.db"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    ready = await recovery.make_ready(tmp_path / "other.db", file)
    assert (await recovery.put_in_place(tmp_path / "other.db", ready)).chats == 1


async def test_the_newest_are_kept(folder: BackupFolder, tmp_path: Path) -> None:
    for day in range(4):
        await folder.write(day * DAY_S)
    assert _names(tmp_path) == ["keepsake-1970-01-03T000000Z.db", "keepsake-1970-01-04T000000Z.db"]
    assert folder.newest(3 * DAY_S) == 3 * DAY_S


async def test_other_files_are_left_alone(folder: BackupFolder, tmp_path: Path) -> None:
    folder.prepare("7")
    others = ["keepsake-notes.db", "other-1970-01-01T000000Z.db", "keepsake-1970-01-01T000000Z.db.gz"]
    for name in others:
        (tmp_path / "backups" / name).write_text("precious")
    for day in range(1, 4):
        await folder.write(day * DAY_S)
    assert set(others) < set(_names(tmp_path))
    assert len(_names(tmp_path)) == len(others) + 2


async def test_a_clock_set_back_loses_no_new_backup(folder: BackupFolder, tmp_path: Path) -> None:
    for day in (5, 6, 1):
        await folder.write(day * DAY_S)
    assert _names(tmp_path) == ["keepsake-1970-01-02T000000Z.db", "keepsake-1970-01-07T000000Z.db"]


async def test_backup_from_the_future_is_not_the_newest(folder: BackupFolder) -> None:
    await folder.write(900 * DAY_S)
    assert folder.newest(DAY_S) is None
    await folder.write(DAY_S)
    assert folder.newest(2 * DAY_S) == DAY_S


async def test_folder_of_another_bot_is_left_alone(folder: BackupFolder) -> None:
    folder.prepare("7")
    folder.prepare("7")
    with pytest.raises(FileExistsError, match="another bot, 7"):
        folder.prepare("8")


async def test_folders_named_like_backups_stop_nothing(folder: BackupFolder, tmp_path: Path) -> None:
    for name in ("keepsake-1970-01-01T000000Z.db", "keepsake-1970-01-01T000000Z.db.part"):
        (tmp_path / "backups" / name).mkdir(parents=True)
    for day in range(1, 5):
        await folder.write(day * DAY_S)
    assert len([file for file in (tmp_path / "backups").iterdir() if file.is_file()]) == 2


async def test_a_backup_that_fails_costs_none(
    folder: BackupFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await folder.write(0.0)
    await folder.write(DAY_S)
    before = _names(tmp_path)

    async def damaged(database: Path, target: Path) -> None:
        await recovery.backup(database, target)
        with closing(sqlite3.connect(target)) as connection:
            connection.execute("PRAGMA user_version = 99999")

    monkeypatch.setattr(backup_folder, "backup", damaged)
    with pytest.raises(StorageError, match="not usable"):
        await folder.write(2 * DAY_S)
    assert _names(tmp_path) == before


async def test_what_a_kill_left_is_removed(folder: BackupFolder, tmp_path: Path) -> None:
    folder.prepare("7")
    for end in ("", "-wal", "-journal"):
        (tmp_path / "backups" / f"keepsake-1970-01-01T000000Z.db.part{end}").write_text("half")
    await folder.write(DAY_S)
    assert _names(tmp_path) == ["keepsake-1970-01-02T000000Z.db"]


async def test_no_backup_has_no_time(folder: BackupFolder) -> None:
    folder.prepare("7")
    assert folder.newest(DAY_S) is None


async def test_a_folder_that_cannot_be_is_reported(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = BackupFolder(tmp_path / "keepsake.db", tmp_path / "file" / "backups", keep=2)
    with pytest.raises(OSError, match="Not a directory"):
        folder.prepare("7")
    with pytest.raises(StorageError, match="can't be written to"):
        await folder.write(0.0)
