"""The worker processes for conversions, and the order in which jobs are served.

A worker is started on demand, kept for the next job, and killed when a job takes too long. If a worker dies, another
one gets the job, once. A chat has one job at a time and chats take turns, so that another chat's photo doesn't wait for
forty files of the first.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.media import media_errors
from bot.media.media_errors import MediaError, SwollenError, TooSlowError, UnreadableError
from bot.workers import process
from bot.workers.process import GoneError, Options, Result

WORKERS = 2
START_S = 60.0
"""The longest start of a worker, on a busy machine."""
TRIES = 2
"""Attempts per job: the first worker may have been killed for the memory that others used."""


class Rounds:
    """A limited number of places, at most one per owner; waiting owners are served round robin."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._served: set[Hashable] = set()
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def reserve(self, owner: Hashable) -> AsyncIterator[None]:
        """Wait for a place and hold it."""
        await self._take(owner)
        try:
            yield
        finally:
            self._leave(owner)

    async def _take(self, owner: Hashable) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(turn)
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it got the place at the same moment
                self._leave(owner)
            raise

    def _leave(self, owner: Hashable) -> None:
        self._served.remove(owner)
        self._free += 1
        self._serve()

    def _serve(self) -> None:
        for owner in [waiting for waiting in self._waiting if waiting not in self._served]:
            if not self._free:
                return
            turns = self._waiting.pop(owner)
            while turns and turns[0].cancelled():
                turns.popleft()
            turn = turns.popleft() if turns else None
            if turns:
                self._waiting[owner] = turns  # after all others
            if turn is not None:
                turn.set_result(None)
                self._served.add(owner)
                self._free -= 1


@dataclass(frozen=True, slots=True)
class Job:
    """A worker's task and time limit."""

    name: str
    data: bytes
    options: Options
    seconds: float


class Pool:
    """A pool of workers."""

    def __init__(self) -> None:
        self._idle: list[asyncio.subprocess.Process] = []
        self._busy: set[asyncio.subprocess.Process] = set()
        self._rounds = Rounds(WORKERS)

    async def do(self, job: Job, owner: Hashable) -> Result:
        """Run a job when it is its owner's turn. Raises MediaError."""
        async with self._rounds.reserve(owner):
            made = await self._done(job)
        if (name := made.fields.get("error")) is not None:
            kind = getattr(media_errors, str(name), UnreadableError)
            raise kind(str(made.fields["reason"])) if issubclass(kind, MediaError) else UnreadableError(str(name))
        return made

    async def close(self) -> None:
        for worker in (*self._idle, *self._busy):
            await process.end(worker)
        self._idle.clear()

    async def _done(self, job: Job) -> Result:
        clock, seconds = asyncio.get_running_loop().time, job.seconds
        for left in reversed(range(TRIES)):
            idle = self._take_idle()
            try:
                async with asyncio.timeout(START_S):
                    worker = idle or await _start()
            except (OSError, TimeoutError) as exc:
                if not left:
                    raise UnreadableError(f"{job.name} got no worker: {exc!r}") from exc
                continue
            begun = clock()
            try:
                return await self._done_by(worker, job, seconds)
            except GoneError as exc:  # on its own, or because of this job
                if not left:
                    raise SwollenError(f"{job.name} ended its worker: {exc!r}") from exc
            seconds -= clock() - begun  # one time limit for all tries
        raise AssertionError("unreachable: the last try raises")

    def _take_idle(self) -> asyncio.subprocess.Process | None:
        while self._idle:
            worker = self._idle.pop()
            if worker.returncode is None:
                return worker
        return None

    async def _done_by(self, worker: asyncio.subprocess.Process, job: Job, seconds: float) -> Result:
        self._busy.add(worker)
        try:
            async with asyncio.timeout(seconds):
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
