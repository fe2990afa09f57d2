"""The worker's end of its pipes: it does jobs until the pipe is closed, so that it never outlives the bot."""

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
"""The most bytes of address space: libraries take half of it before any job."""
SWOLLEN = 150 * 1024
"""The peak memory in kilobytes after which a worker exits, so that an idle one is small."""
_DEATH_SIGNAL_OF_PARENT = 1
"""Linux's PR_SET_PDEATHSIG."""

Fields = dict[str, str | int | float | bool | None]


def serve(
    do: Callable[[str, bytes, dict[str, Any]], tuple[Fields, bytes]],
    idle_s: int = 0,
    cpu_s: int | None = None,
    most_data: int = MOST_MEMORY,
) -> None:
    """Do jobs until there are no more, or none arrives for `idle_s` seconds; `do` gets a name, bytes and options.

    With `cpu_s`, a job that takes more CPU seconds kills the process, and the process exits after one that took much
    memory. `most_data` is the most memory in bytes that it may use itself, apart from libraries' code.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the bot handles Ctrl-C, and ends this process
    _die_with_parent()
    _limit_memory(most_data)
    jobs, results = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # standard output is for results only
    while line := _next(jobs, idle_s):
        job = json.loads(line)
        data = jobs.read(job.pop("size"))
        if cpu_s is not None:
            _limit_processor(cpu_s)
        _answer(results, *do(job.pop("job"), data, job))
        if cpu_s is not None and peak_memory() > SWOLLEN:
            return


def _next(jobs: BinaryIO, idle_s: int) -> bytes:
    if not idle_s or not hasattr(signal, "alarm"):
        return jobs.readline()
    signal.alarm(idle_s)  # the signal ends the process
    line = jobs.readline()
    signal.alarm(0)
    return line


def _answer(results: BinaryIO, fields: Fields, data: bytes) -> None:
    results.write(json.dumps(fields | {"size": len(data)}).encode() + b"\n" + data)
    results.flush()


def _limit_memory(most_data: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows, where the time limit has to be enough
        return
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_DATA, (most_data, most_data))


def _limit_processor(seconds: int) -> None:
    try:
        import resource
    except ImportError:  # see above
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(time.process_time()) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _die_with_parent() -> None:
    """Also in the middle of a job, when a closed pipe would not be noticed; only on Linux."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_DEATH_SIGNAL_OF_PARENT, signal.SIGKILL)


def peak_memory() -> int:
    """The most memory that this process has had, in kilobytes; 0 if that isn't known.

    getrusage can't be used, because it starts with the parent's peak.
    """
    with suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0
