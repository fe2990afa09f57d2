"""The doctor says when nobody could be asked about newcomers.

A clock that is more than a minute off is a note.

A database that stops answers is a cross; a bot at work on it is none.
"""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from bot.doctor import environment
from bot.doctor.report import Finding, Severity
from sandbox.botapi import BotApi
from storage import Storage
from storage import sqlite as migrations
from storage.access_list import SHELL, AccessStatus, Applicant
from storage.backup_folder import BackupFolder
from storage.files import claim
from storage.inbox import RawUpdate
from storage.records import ChatKey, Notice
from tests.doctor.conftest import World


async def test_approval_without_an_owner_is_worth_a_note(world: World) -> None:
    settings = world.settings()
    assert (await environment.check_access(settings)).mark is Severity.NOTE
    storage = await Storage.open(settings.database_path)
    try:
        found = await environment.check_access(settings)
        assert found.mark is Severity.NOTE
        assert "its log has a link" in found.advice
        async with storage.transaction() as tx:
            await storage.access.put(tx, Applicant(5, "Ann"), AccessStatus.OWNER, SHELL, 0.0)
        assert (await environment.check_access(settings)).mark is Severity.FINE
    finally:
        await storage.close()


async def test_owners_in_settings_and_other_modes_are_fine(world: World) -> None:
    assert (await environment.check_access(world.settings(OWNER_IDS="5,6"))).found.endswith(
        "one of 2 owners lets them in"
    )
    for mode in ("open", "list"):
        found = await environment.check_access(world.settings(ACCESS=mode))
        assert (found.mark, found.found.partition(":")[0]) == (Severity.FINE, mode)


@pytest.mark.parametrize(
    ("off", "mark", "told"),
    [
        (0, Severity.FINE, "agrees"),
        (-30, Severity.FINE, "agrees"),
        (120, Severity.NOTE, "ahead"),
        (-7200, Severity.NOTE, "behind"),
    ],
)
async def test_the_clock_is_compared_with_a_servers(world: World, off: int, mark: Severity, told: str) -> None:
    found = await environment.check_clock([world.telegram_url], lambda: time.time() + off)
    assert found.mark is mark
    assert told in found.found


async def test_unreachable_clock_server_is_replaced_by_next(world: World) -> None:
    async with BotApi().run() as away:
        pass
    assert (await environment.check_clock([away, world.telegram_url], time.time)).mark is Severity.FINE
    assert "not compared" in (await environment.check_clock([away], time.time)).found


async def _check(world: World) -> dict[str, Finding]:
    return {finding.what: finding for finding in await environment.check_database(world.settings())}


@pytest.fixture
def path(database_file: Path) -> Path:
    return database_file


def _spoil(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + b"\xff" * (len(data) - len(data) // 2))


async def test_a_sound_database_is_fine(world: World, path: Path) -> None:
    found = await _check(world)
    assert found["Database"].mark is Severity.FINE
    assert "Running" not in found


async def test_missing_database_is_fine_and_not_created(world: World, tmp_path: Path) -> None:
    assert "does not exist yet" in (await _check(world))["Database"].found
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []


async def test_unwritable_folder_is_a_cross(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    world.variables["DATABASE_URL"] = f"sqlite:///{tmp_path}/file/keepsake.db"
    assert (await _check(world))["Database"].mark is Severity.CROSS


async def test_file_that_is_no_database_is_cross(world: World, tmp_path: Path) -> None:
    (tmp_path / "keepsake.db").write_text("this is not a database, but a longer text than a header")
    found = (await _check(world))["Database"]
    assert found.mark is Severity.CROSS
    assert "not a database" in found.found


async def test_a_newer_database_is_a_cross(world: World, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {migrations.latest() + 1}")
    found = (await _check(world))["Database"]
    assert found.mark is Severity.CROSS
    assert "newer version" in found.found


async def test_a_damaged_database_is_a_cross(world: World, path: Path) -> None:
    _spoil(path)
    found = (await _check(world))["Database"]
    assert found.mark is Severity.CROSS


async def test_an_older_database_is_fine_and_says_so(world: World, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {migrations.latest() - 1}")
    found = (await _check(world))["Database"]
    assert found.mark is Severity.FINE
    assert "older version" in found.found


async def test_running_bot_is_reported_and_fine(world: World, path: Path) -> None:
    lock = await claim(path)
    found = (await _check(world))["Running"]
    lock.release()
    assert found.mark is Severity.NOTE
    assert "which is fine" in found.found


async def test_inaccessible_folder_is_a_cross(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    assert [finding.mark for finding in (await _check(world)).values()] == [Severity.CROSS]


async def test_unwritable_lock_is_a_cross(world: World, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(environment, "is_claimed", refuse)
    assert Severity.CROSS in {finding.mark for finding in await environment.check_database(world.settings())}


async def test_nearly_full_disk_is_a_note(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "room", lambda _: 1_000_000)
    found = (await _check(world))["Disk"]
    assert (found.mark, found.found) == (Severity.NOTE, "only 1.0 MB free")


@pytest.mark.parametrize(
    ("damage", "mark"), [("header", Severity.CROSS), ("cut", Severity.CROSS), ("empty", Severity.NOTE)]
)
async def test_damaged_file_is_reported_with_recovery(damage: str, mark: Severity, world: World, path: Path) -> None:
    data = await asyncio.to_thread(path.read_bytes)
    damaged = {"header": b"\xff" * 100 + data[100:], "cut": data[:5000], "empty": b""}
    await asyncio.to_thread(path.write_bytes, damaged[damage])
    found = (await _check(world))["Database"]
    assert found.mark is mark
    assert "bot restore BACKUP" in found.advice


async def test_a_folder_in_its_place_is_a_cross(world: World, tmp_path: Path) -> None:
    await asyncio.to_thread((tmp_path / "keepsake.db").mkdir)
    assert (await _check(world))["Database"].mark is Severity.CROSS


async def test_a_damaged_search_index_is_a_note(world: World, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP TABLE turn_keys_config")
    found = (await _check(world))["Database"]
    assert found.mark is Severity.NOTE
    assert "intact except for the search index" in found.found


async def test_the_age_of_the_newest_backup_is_reported(world: World, tmp_path: Path) -> None:
    settings = world.settings(BACKUP_DIR=str(tmp_path / "backups"))
    assert "none yet" in (await environment.check_backups(settings)).found
    await (await Storage.open(settings.database_path)).close()
    folder = BackupFolder(settings.database_path, tmp_path / "backups", keep=2)
    await folder.write(time.time() - 3 * 86_400)
    late = await environment.check_backups(settings)
    assert (late.mark, late.found.partition(" is ")[2]) == (Severity.NOTE, "3.0 days old")
    await folder.write(time.time())
    assert (await environment.check_backups(settings)).mark is Severity.FINE


async def test_a_backup_folder_no_one_can_make(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = await environment.check_backups(world.settings(BACKUP_DIR=str(tmp_path / "file" / "backups")))
    assert (found.mark, "can't be used" in found.found) == (Severity.NOTE, True)


async def test_set_aside_updates_and_notices_are_listed(world: World) -> None:
    settings = world.settings()
    storage = await Storage.open(settings.database_path)
    try:
        assert "Set aside" not in [finding.what for finding in await environment.check_database(settings)]
        async with storage.transaction() as tx:
            await storage.inbox.add(tx, [RawUpdate(17, '{"update_id": 17, "message": {"chat": {"id": 5}}}')], 0.0)
            await storage.inbox.quarantine(tx, [17])
            await storage.outbox.set_aside(tx, await storage.outbox.add(tx, Notice(ChatKey(6), True, "words")), 9.0)
        (found,) = [one for one in await environment.check_database(settings) if one.what == "Set aside"]
    finally:
        await storage.close()
    assert found.mark is Severity.NOTE
    assert found.found.startswith("update 17 of chat 5, notice 1 to chat 6: the bot crashed three times")
