"""The processes that conversions run in, so that a bomb costs neither the bot's time nor its memory.

A worker is started when there is something to do, kept for the next job, and killed when a job takes too long. One that
died while it was idle costs no job: a fresh one takes it. A chat has one job at a time, and the chats take turns, so
that forty files of one are behind a photo of another.
"""

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass

from bot.media import errors
from bot.media.errors import MediaError, TooSlowError, UnreadableError
from bot.media.rounds import Rounds
from bot.workers import process
from bot.workers.process import GoneError, Options, Result

WORKERS = 2
START_S = 60.0
"""The longest time that a worker takes to start, on a machine that has other things to do."""

TRIES = 2
"""Of a job by workers of its own: one may have been killed for the memory that others took."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is to do, and within how many seconds."""

    name: str
    data: bytes
    options: Options
    seconds: float


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
            await process.end(worker)
        self._idle.clear()

    async def _done(self, job: Job) -> Result:
        while self._idle:
            worker = self._idle.pop()
            if worker.returncode is not None:
                continue
            try:
                return await self._done_by(worker, job)
            except GoneError:  # of itself, or by this job
                break
        for left in reversed(range(TRIES)):
            try:
                async with asyncio.timeout(START_S):
                    worker = await _start()
                return await self._done_by(worker, job)
            except (OSError, TimeoutError, GoneError) as exc:
                if not left:
                    raise UnreadableError(f"{job.name} ended its worker: {exc!r}") from exc
        raise AssertionError("unreachable: the last try raises")

    async def _done_by(self, worker: asyncio.subprocess.Process, job: Job) -> Result:
        self._busy.add(worker)
        try:
            async with asyncio.timeout(job.seconds):
                made = await _ask(worker, job)
        except TimeoutError as exc:
            raise TooSlowError(f"{job.name} took more than {job.seconds:.0f} s") from exc
        else:
            self._idle.append(worker)
            return made
        finally:
            self._busy.discard(worker)
            if worker not in self._idle:
                await process.end(worker)


async def _start() -> asyncio.subprocess.Process:
    return await process.start("bot.media.worker")


async def _ask(worker: asyncio.subprocess.Process, job: Job) -> Result:
    return await process.ask(worker, job.name, job.data, job.options)
