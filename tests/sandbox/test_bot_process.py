import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from sandbox.bot_process import BotProcess

ORDERLY = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("ended in order", flush=True), sys.exit(0)))
os.write(1, os.environ["GREETING"].encode() + b"\\n")  # at once: the signal may come behind a line and before its end
time.sleep(30)
"""


def bot(folder: Path, script: str = ORDERLY) -> BotProcess:
    return BotProcess([sys.executable, "-c", script], {"GREETING": "hello"}, folder / "bot.log")


async def logged(process: BotProcess, line: str) -> None:
    async with asyncio.timeout(5):
        while line not in process.last_lines():  # noqa: ASYNC110 - another process's file has no event
            await asyncio.sleep(0.01)


async def test_stopping_lets_bot_end_in_order(tmp_path: Path) -> None:
    process = bot(tmp_path)
    await process.start()
    await logged(process, "hello")
    await process.stop()
    assert process.last_lines() == ["hello", "ended in order"]
    assert await process.wait() == 0


async def test_killing_leaves_it_no_time(tmp_path: Path) -> None:
    process = bot(tmp_path)
    await process.start()
    await logged(process, "hello")
    process.kill()
    assert await process.wait() == -signal.SIGKILL
    assert process.last_lines() == ["hello"]


async def test_a_killed_bot_can_be_started_at_once(tmp_path: Path) -> None:
    process = bot(tmp_path)
    await process.start()
    process.kill()
    await process.start()
    await logged(process, "hello")
    await process.stop()


async def test_a_bot_that_runs_is_not_started_again(tmp_path: Path) -> None:
    process = bot(tmp_path)
    await process.start()
    await logged(process, "hello")
    await process.start()
    await process.stop()
    assert process.last_lines() == ["hello", "ended in order"]


async def test_a_bot_that_does_not_end_is_killed(tmp_path: Path) -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(30)"
    )
    process = bot(tmp_path, deaf)
    await process.start()
    await logged(process, "deaf")
    await process.stop(grace=0.1)
    assert await process.wait() == -signal.SIGKILL


async def test_the_last_lines_are_those_of_this_start(tmp_path: Path) -> None:
    process = bot(tmp_path, "import os; print(os.getpid()); raise SystemExit(2)")
    await process.start()
    assert await process.wait() == 2
    first = process.last_lines()
    await process.start()
    await process.wait()
    assert len(process.last_lines()) == 1
    assert process.last_lines() != first


async def test_orphaned_bot_of_killed_sandbox_ends_first(tmp_path: Path) -> None:
    left_behind = bot(tmp_path)
    await left_behind.start()
    await logged(left_behind, "hello")
    successor = bot(tmp_path)
    await successor.start()
    assert await left_behind.wait() == -signal.SIGKILL
    await logged(successor, "hello")
    await successor.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells children that their parent was killed")
async def test_bot_ends_in_order_with_killed_sandbox(tmp_path: Path) -> None:
    script = """
import asyncio, sys
from tests.sandbox.test_bot_process import Path, bot, logged

async def main():
    process = bot(Path(sys.argv[1]))
    await process.start()
    await logged(process, "hello")
    print("started", flush=True)
    await asyncio.sleep(30)

asyncio.run(main())
"""
    pipe = asyncio.subprocess.PIPE
    sandbox = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(tmp_path), stdout=pipe)
    assert sandbox.stdout is not None
    assert await sandbox.stdout.readline() == b"started\n"
    sandbox.kill()
    await sandbox.wait()
    async with asyncio.timeout(5):
        while b"ended in order" not in (tmp_path / "bot.log").read_bytes():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


async def test_a_stale_pid_file_harms_nobody(tmp_path: Path) -> None:
    (tmp_path / "bot.pid").write_text(str(os.getpid()))
    process = bot(tmp_path)
    await process.start()
    await process.stop()


async def test_a_death_that_nobody_asked_for_is_reported(tmp_path: Path) -> None:
    deaths: list[int] = []
    script = "raise SystemExit(2)"
    process = BotProcess([sys.executable, "-c", script], {}, tmp_path / "bot.log", on_death=deaths.append)
    await process.start()
    assert await process.wait() == 2
    assert deaths == [2]


async def test_requested_death_is_not_reported(tmp_path: Path) -> None:
    deaths: list[int] = []
    process = BotProcess(
        [sys.executable, "-c", "import time; time.sleep(30)"], {}, tmp_path / "bot.log", on_death=deaths.append
    )
    await process.start()
    process.kill()
    await process.wait()
    assert deaths == []


async def test_real_bots_settings_do_not_reach_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_URL", "https://example.org/hook")
    script = "import os; print(os.environ.get('WEBHOOK_URL'), os.getcwd())"
    process = BotProcess([sys.executable, "-c", script], {}, tmp_path / "bot.log")
    await process.start()
    await process.wait()
    assert process.last_lines() == [f"None {tmp_path}"]


async def test_waiting_for_unstarted_bot_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="never started"):
        await bot(tmp_path).wait()
