"""A worker ends with the bot, with a job that takes too much, and when a job swelled it."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

JOB = b'{"job": "x", "size": 0}\n'

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="others have no such signal and no /proc")


def _program(work: str, cpu_s: int = 20) -> list[str]:
    lines = (
        "import os, time",
        "from bot.workers.serving import serve",
        "def do(name, data, options):",
        f"    {work}",
        "    return {}, b'done'",
        f"serve(do, cpu_s={cpu_s})",
    )
    return [sys.executable, "-c", "\n".join(lines)]


def _served(work: str, cpu_s: int = 20) -> tuple[int, int]:
    """The exit code, and how many of two jobs were done."""
    done = subprocess.run(_program(work, cpu_s), input=JOB * 2, stdout=subprocess.PIPE, check=False)
    return done.returncode, done.stdout.count(b"done")


def test_oversized_worker_ends_after_its_job() -> None:
    assert _served("pass") == (0, 2)
    assert _served("len(b'x' * 450_000_000)") == (0, 1)


@pytest.mark.long
def test_a_job_has_so_much_of_the_processor() -> None:
    code, done = _served("while True: pass", cpu_s=1)
    assert (code, done) == (-signal.SIGXCPU, 0)


def test_a_busy_worker_dies_with_its_parent(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    work = f"open({str(told)!r}, 'w').write(str(os.getpid())); time.sleep(50)"
    parent = f"import subprocess; subprocess.run({_program(work)!r}, input={JOB!r})"
    bot = subprocess.Popen([sys.executable, "-c", parent])
    _until(lambda: told.exists() and told.read_text() != "")
    bot.kill()
    bot.wait()
    stat = Path("/proc") / told.read_text() / "stat"
    _until(lambda: not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] in "ZX")


def _until(true: Callable[[], bool]) -> None:
    for _ in range(2000):
        if true():
            return
        time.sleep(0.01)
    pytest.fail("it did not come to pass")
