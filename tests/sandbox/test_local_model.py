"""The real model on this machine, where it is installed."""

import asyncio
import fcntl
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from openai import AsyncOpenAI

from sandbox.answering import ModelKind
from sandbox.local_model import LOCAL_MODEL, LocalModel, local_model, missing
from sandbox.world import World
from tests.sandbox.test_model_server import HELLO

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"the local model is {missing()}")


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[LocalModel]:
    async with local_model(tmp_path / "local-model.log", window=512) as model:
        yield model


async def test_it_answers_and_reports_its_cache(running: LocalModel) -> None:
    async with AsyncOpenAI(base_url=f"{running.process.address}/v1", api_key=running.key) as client:
        for _ in range(2):
            answer = await client.chat.completions.create(model=LOCAL_MODEL, messages=HELLO, max_tokens=8)
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == answer.usage.prompt_tokens - 1


async def test_it_answers_nobody_without_its_key(running: LocalModel, tmp_path: Path) -> None:
    request = {"model": LOCAL_MODEL, "messages": HELLO}
    async with httpx.AsyncClient(base_url=running.process.address) as client:
        assert (await client.post("/v1/chat/completions", json=request)).status_code == 401
    pid = (tmp_path / "local-model.pid").read_text()
    command = await asyncio.to_thread(Path(f"/proc/{pid}/cmdline").read_text)
    assert "sandbox.local_model" in command
    assert running.key not in command


async def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """The parent here starts it as the sandbox does, and is then killed."""
    script = (
        "import asyncio, pathlib, sys; from sandbox.local_model import LocalModel\n"
        "async def main():\n"
        "    model = LocalModel(pathlib.Path(sys.argv[1]), window=512)\n"
        "    model.process.start(); print(await model.process.ready(), flush=True); await asyncio.Event().wait()\n"
        "asyncio.run(main())"
    )
    log = tmp_path / "local-model.log"
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(log), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    assert (await parent.stdout.readline()).startswith(b"http://127.0.0.1:")
    parent.kill()
    await parent.wait()
    with log.with_suffix(".pid").open() as pid_file:
        async with asyncio.timeout(5):
            await asyncio.to_thread(fcntl.flock, pid_file, fcntl.LOCK_EX)  # its holder has ended


async def test_stand_in_takes_over_from_dead_model(tmp_path: Path) -> None:
    async with World(tmp_path, local_model=True) as world:
        assert not world.model_in_use.ready
        for _ in range(2):
            await world.answering.ready()
            os.kill(int((tmp_path / "local-model.pid").read_text()), signal.SIGKILL)
            await world.answering.changed()
        await world.answering.ready()
        assert world.model_in_use.kind is ModelKind.STAND_IN
        assert "has ended" in world.model_in_use.note
        url, key = (world.environment[name] for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"))
        async with AsyncOpenAI(base_url=url, api_key=key) as client:
            answer = await client.chat.completions.create(model=LOCAL_MODEL, messages=HELLO)
    assert "stand-in" in str(answer.choices[0].message.content)
