"""The bot's end of a worker's pipes. A worker gets only a few variables of the bot's environment, and no secrets."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "SYSTEMROOT", "VIRTUAL_ENV")
"""The environment variables that a worker gets; others contain the bot's secrets."""

Options = dict[str, str | int | float | None]


class GoneError(Exception):
    """A worker died, or sent an invalid result."""


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a job: its fields, and bytes."""

    fields: dict[str, object]
    data: bytes

    def integer(self, name: str) -> int:
        """The value of an integer field."""
        value = self.fields[name]
        assert isinstance(value, int)
        return value


async def start(module: str, *arguments: str, **variables: str) -> asyncio.subprocess.Process:
    """Start a module as a worker. Raises OSError."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", module, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # libraries' warnings about untrusted input
        env={name: os.environ[name] for name in KEPT if name in os.environ} | variables,
    )


async def ask(worker: asyncio.subprocess.Process, job: str, data: bytes, options: Mapping[str, object]) -> Result:
    """Have a worker do a job. Raises GoneError."""
    assert worker.stdin is not None, "started with pipes"
    assert worker.stdout is not None, "started with pipes"
    try:
        worker.stdin.write(json.dumps({"job": job, "size": len(data), **options}).encode() + b"\n" + data)
        await worker.stdin.drain()
        fields = json.loads(await worker.stdout.readline() or "null")
        if not isinstance(fields, dict):
            raise EOFError("no result")
        return Result(fields, await worker.stdout.readexactly(int(fields.pop("size"))))
    except (OSError, EOFError, ValueError, KeyError, TypeError) as exc:
        raise GoneError(repr(exc)) from exc


async def end(worker: asyncio.subprocess.Process) -> None:
    """Kill a worker if it is still running."""
    if worker.returncode is None:
        worker.kill()
    await worker.wait()
