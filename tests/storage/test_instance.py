"""One bot per database, by a lock that dies with its process."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from storage.files import DatabaseInUseError, claim

HOLDER = """
import sys
from filelock import FileLock

lock = FileLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
input()
"""


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
