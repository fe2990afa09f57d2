"""The worker's end of its pipes: jobs in, results out, until there are no more, so that it never outlives the bot."""

import ctypes
import json
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

MOST_MEMORY = 2 * 1024**3
"""Bytes of address space: libraries take half of it before anything is done."""
SWOLLEN = 400 * 1024
"""Kilobytes in memory, after which a worker ends: the next one begins small."""
_DEATH_SIGNAL_OF_PARENT = 1
"""PR_SET_PDEATHSIG of Linux."""

Fields = dict[str, str | int | float | bool | None]


def serve(
    do: Callable[[str, bytes, dict[str, Any]], tuple[Fields, bytes]], idle_s: int = 0, cpu_s: int | None = None
) -> None:
    """Do jobs until there are no more, or none comes for so many seconds; `do` gets a name, bytes and options.

    With `cpu_s`, a job that takes more seconds of the processor ends the process, and so does one that swelled it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the bot, which ends this process in its time
    _die_with_parent()
    _limit_memory()
    jobs, results = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # nothing but results goes there
    while line := _next(jobs, idle_s):
        job = json.loads(line)
        data = jobs.read(job.pop("size"))
        if cpu_s is not None:
            _limit_processor(cpu_s)
        _answer(results, *do(job.pop("job"), data, job))
        if cpu_s is not None and _swelled():
            return


def _next(jobs: BinaryIO, idle_s: int) -> bytes:
    if not idle_s or not hasattr(signal, "alarm"):
        return jobs.readline()
    signal.alarm(idle_s)  # which ends the process
    line = jobs.readline()
    signal.alarm(0)
    return line


def _answer(results: BinaryIO, fields: Fields, data: bytes) -> None:
    results.write(json.dumps(fields | {"size": len(data)}).encode() + b"\n" + data)
    results.flush()


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # not on Windows, where the limit of time has to do
        return
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


def _limit_processor(seconds: int) -> None:
    try:
        import resource
    except ImportError:  # see above
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(time.process_time()) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _die_with_parent() -> None:
    """Also in the middle of a job, where the end of the pipe is not seen; on Linux only."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_DEATH_SIGNAL_OF_PARENT, signal.SIGKILL)


def _swelled() -> bool:
    """By the most memory that it ever had; what a process may tell of itself starts with what its parent had."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) > SWOLLEN
    return False
