"""The processes that conversions run in, so that a bomb costs neither the bot's time nor its memory.

A worker is started when there is something to do, kept for the next job, and killed when a job takes too long; it gets
nothing of the bot's environment but where programs are. One that died while it was idle costs no job: a fresh one takes
it. A chat has one job at a time, and the chats take turns, so that forty files of one are behind a photo of another.
"""

import asyncio
import json
import os
import sys
from collections.abc import Hashable
from dataclasses import dataclass

from bot.media import errors
from bot.media.errors import MediaError, TooSlowError, UnreadableError
from bot.media.rounds import Rounds

WORKERS = 2
START_S = 60.0
"""The longest time that a worker takes to start, on a machine that has other things to do."""
KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "SYSTEMROOT", "VIRTUAL_ENV")
"""Variables that a worker gets; the bot's own hold its secrets."""

Options = dict[str, str | int | float | None]


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is to do, and within how many seconds."""

    name: str
    data: bytes
    options: Options
    seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """What a worker made: its fields, and bytes."""

    fields: dict[str, object]
    data: bytes

    def integer(self, name: str) -> int:
        """A field that is a whole number."""
        value = self.fields[name]
        assert isinstance(value, int)
        return value


class Pool:
    """Some workers."""

    def __init__(self) -> None:
        self._idle: list[asyncio.subprocess.Process] = []
        self._busy: set[asyncio.subprocess.Process] = set()
        self._rounds = Rounds(WORKERS)

    async def do(self, job: Job, owner: Hashable) -> Result:
        """Have a job done when it is its owner's turn. Raises MediaError."""
        async with self._rounds.place(owner):
            made = await self._done(job)
        if (name := made.fields.get("error")) is not None:
            kind = getattr(errors, str(name), UnreadableError)
            raise kind(str(made.fields["reason"])) if issubclass(kind, MediaError) else UnreadableError(str(name))
        return made

    async def close(self) -> None:
        """End the workers."""
        for worker in (*self._idle, *self._busy):
            await _end(worker)
        self._idle.clear()

    async def _done(self, job: Job) -> Result:
        while self._idle:
            worker = self._idle.pop()
            if worker.returncode is not None:
                continue
            try:
                return await self._done_by(worker, job)
            except _GoneError:  # of itself, or by this job: then the next one dies too
                break
        try:
            async with asyncio.timeout(START_S):
                worker = await _start()
            return await self._done_by(worker, job)
        except (OSError, TimeoutError, _GoneError) as exc:
            raise UnreadableError(f"{job.name} ended its worker: {exc!r}") from exc

    async def _done_by(self, worker: asyncio.subprocess.Process, job: Job) -> Result:
        self._busy.add(worker)
        try:
            async with asyncio.timeout(job.seconds):
                made = await _ask(worker, job)
        except TimeoutError as exc:
            raise TooSlowError(f"{job.name} took more than {job.seconds:.0f} s") from exc
        except (OSError, EOFError, ValueError, KeyError, TypeError) as exc:
            raise _GoneError(repr(exc)) from exc
        else:
            self._idle.append(worker)
            return made
        finally:
            self._busy.discard(worker)
            if worker not in self._idle:
                await _end(worker)


class _GoneError(Exception):
    """A worker died, or said what no worker says."""


async def _start() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.media.worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # what codecs mutter about strangers' files
        env={name: os.environ[name] for name in KEPT if name in os.environ},
    )


async def _ask(worker: asyncio.subprocess.Process, job: Job) -> Result:
    assert worker.stdin is not None, "started with pipes"
    assert worker.stdout is not None, "started with pipes"
    worker.stdin.write(json.dumps({"job": job.name, "size": len(job.data), **job.options}).encode() + b"\n" + job.data)
    await worker.stdin.drain()
    fields = json.loads(await worker.stdout.readline() or "null")
    if not isinstance(fields, dict):
        raise EOFError("no result")
    return Result(fields, await worker.stdout.readexactly(int(fields.pop("size"))))


async def _end(worker: asyncio.subprocess.Process) -> None:
    if worker.returncode is None:
        worker.kill()
    await worker.wait()
