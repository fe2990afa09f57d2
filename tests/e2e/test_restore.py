"""``restore`` puts a backup in the database's place, and nothing of then is sent again."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.model import Hold, Say
from tests.e2e.conftest import PATIENCE_S, Stage
from tests.e2e.programs import whole


async def test_a_running_bot_keeps_its_database(process: Stage) -> None:
    await process.start()
    await process.ann.say(process.home, "hello")
    await process.replies(1)
    assert (await process.shell("backup", "copy.db")).code == 0
    ran = await process.shell("restore", "copy.db")
    assert ran.code == 1
    assert "another bot runs on it: end it first" in ran.complained
    await process.ann.say(process.home, "still there?")
    await process.replies(2)


async def test_pending_replies_of_the_backup_are_not_sent(process: Stage) -> None:
    hold = Hold(2)
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
    assert "answers owed 1" in ran.written
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
    assert ran.complained == "text was not restored, and nothing was changed: it is no SQLite database\n"


@pytest.mark.parametrize(("answer", "code"), [(b"n\n", 1), (b"\n", 1), (b"y\n", 0)])
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
