"""One bot per database, by a lock that dies with its process.

Nobody but their owner can read what is kept.
"""

import asyncio
import logging
import os
import signal
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import Storage
from storage import files as private
from storage.backup import backup
from storage.files import DatabaseInUseError, claim

pytestmark = pytest.mark.sqlite_only("opens a SQLite file")

HOLDER = """
import sys
from filelock import FileLock

lock = FileLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
input()
"""
pytestmark = pytest.mark.skipif(os.name != "posix", reason="this system has no file modes")


async def _holder(path: Path) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, f"{path}.lock", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"held\n"
    return process


async def test_second_bot_is_refused_while_first_runs(tmp_path: Path) -> None:
    holder = await _holder(tmp_path / "keepsake.db")
    with pytest.raises(DatabaseInUseError, match="another bot is running"):
        await claim(tmp_path / "keepsake.db", wait=0.3)
    holder.kill()
    await holder.communicate()


async def test_second_bot_starts_once_first_is_killed(tmp_path: Path) -> None:
    holder = await _holder(tmp_path / "keepsake.db")
    claiming = asyncio.create_task(claim(tmp_path / "keepsake.db", wait=10.0))
    await asyncio.sleep(0.1)
    assert not claiming.done()
    holder.send_signal(signal.SIGKILL)
    await holder.communicate()
    (await claiming).release()


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def wide() -> Iterator[None]:
    """Nothing here depends on what a command of the shell has set."""
    before = os.umask(0o022)
    yield
    os.umask(before)


async def test_all_files_of_a_database_are_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "keepsake.db"
    private.make_folder(path.parent)
    lock = await claim(path)
    storage = await Storage.open(path)
    await backup(path, tmp_path / "copy.db")
    files = [*private.of_database(path), tmp_path / "copy.db"]
    assert {file.name for file in files} >= {"keepsake.db", "keepsake.db-wal", "keepsake.db-shm", "copy.db"}
    assert {file.name: _mode(file) for file in files} == dict.fromkeys([file.name for file in files], 0o600)
    assert (_mode(tmp_path / "new"), _mode(path.parent)) == (0o700, 0o700)
    await storage.close()
    lock.release()


def test_wider_ones_are_tightened_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = [tmp_path / name for name in ("a.db", "a.db-wal", "a.db-shm", "a.db.lock", "a.db.schema-8")]
    for file in (*files, tmp_path / "b.db"):
        file.write_text("x")
        file.chmod(0o664)
    with caplog.at_level(logging.WARNING):
        private.tighten(private.of_database(tmp_path / "a.db"))
    assert [_mode(file) for file in files] == [0o600] * 5
    assert _mode(tmp_path / "b.db") == 0o664
    assert caplog.text.count("now only its owner can") == 5
    caplog.clear()
    private.tighten(private.of_database(tmp_path / "a.db"))
    assert caplog.text == ""


def test_what_belongs_to_somebody_else_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    (tmp_path / "a.db").write_text("x")
    (tmp_path / "a.db").chmod(0o644)
    monkeypatch.setattr(Path, "chmod", refuse)
    private.tighten([tmp_path / "a.db", tmp_path / "not there.db"])
    assert "can't be changed: Operation not permitted" in caplog.text


async def test_a_backup_that_fails_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is not a database, but a longer text than a header")
    with pytest.raises(Exception, match="could not be copied"):
        await backup(tmp_path / "text.db", tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()
