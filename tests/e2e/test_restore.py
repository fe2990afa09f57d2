"""``restore`` puts a backup in the database's place, and nothing of then is sent again."""

import asyncio
import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.model import HoldStream, Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.programs import whole
from tests.selection import first

pytestmark = pytest.mark.sqlite_only("replaces its file")


async def test_a_running_bot_keeps_its_database(process: Stage) -> None:
    await process.start()
    await process.ann.say(process.home, "hello")
    await process.replies(1)
    assert (await process.shell("backup", "copy.db")).code == 0
    ran = await process.shell("restore", "copy.db")
    assert ran.code == 1
    assert "another bot is running on it: stop it first" in ran.complained
    await process.ann.say(process.home, "still there?")
    await process.replies(2)


async def test_pending_replies_of_the_backup_are_not_sent(process: Stage) -> None:
    hold = HoldStream(2)
    process.model.script(Say("I know it", hold=hold))
    process.model.always(Say("as you like"))
    await process.start()
    await process.ann.say(process.home, "an old question")
    await hold.reached(PATIENCE_S)
    assert (await process.shell("backup", "copy.db")).code == 0
    hold.release()
    await process.replies(1)
    await process.kill()
    ran = await process.shell("restore", "copy.db")
    assert (ran.code, ran.complained) == (0, "")
    assert "unanswered messages 1" in ran.written
    assert "keepsake.db.replaced-" in ran.written
    await process.start()
    await process.ann.say(process.home, "a new question")
    await process.replies(2)
    await process.end()
    assert len(process.home.replies) == 2


async def test_a_file_that_is_no_backup_is_refused(process: Stage, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    ran = await process.shell("restore", "text", DATABASE_URL=f"sqlite:///{tmp_path}/new/keepsake.db")
    assert ran.code == 1
    assert ran.complained == "text was not restored, and nothing was changed: it is not an SQLite database\n"


@pytest.mark.parametrize(("answer", "code"), first([(b"y\n", 0), (b"\n", 1), (b"n\n", 1)]))
async def test_a_terminal_is_asked(answer: bytes, code: int, process: Stage) -> None:
    await process.start()
    await process.ann.say(process.home, "hello")
    await process.replies(1)
    assert (await process.shell("backup", "copy.db")).code == 0
    await process.end()
    ours, theirs = pty.openpty()
    os.write(ours, answer)
    ran = subprocess.run(  # noqa: ASYNC221 - nothing else happens meanwhile
        [sys.executable, "-m", "bot", "restore", "copy.db"],
        stdin=theirs,
        capture_output=True,
        env=whole(process.environment),
        cwd=process.folder,
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    assert ran.returncode == code
    assert b"[y/N]" in ran.stdout
    assert (b"Restored" in ran.stdout) is (code == 0)


@pytest.mark.long
@pytest.mark.parametrize(("number", "code"), first([(signal.SIGINT, 130), (signal.SIGTERM, 0)]))
async def test_a_question_can_be_broken_off(
    number: signal.Signals, code: int, process: Stage, first_database: Path
) -> None:
    for name in ("keepsake.db", "copy.db"):
        shutil.copyfile(first_database, process.folder / name)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "bot", "restore", "copy.db"]
    asked = await asyncio.create_subprocess_exec(
        *command,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=whole(process.environment),
        cwd=process.folder,
    )
    assert asked.stdout is not None
    await asyncio.wait_for(asked.stdout.readuntil(b"[y/N] "), PATIENCE_S)
    asked.send_signal(number)
    _, complained = await asyncio.wait_for(asked.communicate(), PATIENCE_S)
    os.close(ours)
    os.close(theirs)
    assert asked.returncode == code
    assert complained == b""
    assert not [path.name for path in process.folder.iterdir() if "restore-" in path.name]


async def test_a_database_behind_a_link_stays_there(process: Stage, tmp_path: Path, first_database: Path) -> None:
    (tmp_path / "volume").mkdir(mode=0o755)
    (tmp_path / "keepsake.db").unlink()
    (tmp_path / "keepsake.db").symlink_to("volume/real.db")
    for name in ("volume/real.db", "copy.db"):
        shutil.copyfile(first_database, tmp_path / name)
        (tmp_path / name).chmod(0o644)
    ran = await process.shell("restore", "copy.db")
    assert (ran.code, ran.complained.count("\n")) == (0, 1)
    assert "now only its owner can" in ran.complained
    assert (tmp_path / "keepsake.db").readlink() == Path("volume/real.db")
    aside = [path for path in (tmp_path / "volume").iterdir() if ".replaced-" in path.name]
    assert len(aside) == 1
    assert (aside[0].stat().st_mode & 0o777, aside[0].is_symlink()) == (0o600, False)
