"""The worker's end of its pipes: jobs in, results out, until there are no more, so that it never outlives the bot."""

import json
import signal
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

MOST_MEMORY = 2 * 1024**3
"""Bytes of address space: libraries take half of it before anything is done."""

Fields = dict[str, str | int | float | bool | None]


def serve(do: Callable[[str, bytes, dict[str, Any]], tuple[Fields, bytes]], idle_s: int = 0) -> None:
    """Do jobs until there are no more, or none comes for so many seconds; `do` gets a name, bytes and options."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the bot, which ends this process in its time
    _limit_memory()
    jobs, results = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # nothing but results goes there
    while line := _next(jobs, idle_s):
        job = json.loads(line)
        data = jobs.read(job.pop("size"))
        _answer(results, *do(job.pop("job"), data, job))


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
