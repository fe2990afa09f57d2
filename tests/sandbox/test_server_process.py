import asyncio
import os
import signal
import sys
from pathlib import Path

from sandbox.server_process import ProcessState, ServerProcess

SERVER = """
import os, time
print("pid", os.getpid(), flush=True)
time.sleep(float(os.environ.get("LOADING", "0")))
print("serving at http://127.0.0.1:7", flush=True)
time.sleep(30)
"""


def server(folder: Path, script: str = SERVER, **environment: str) -> ServerProcess:
    return ServerProcess([sys.executable, "-c", script], environment, folder / "server.log", "serving at ")


def pid_of(process: ServerProcess) -> int:
    return int(next(line for line in process.last_lines() if line.startswith("pid ")).split()[1])


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_address_is_known_once_it_is_printed(tmp_path: Path) -> None:
    process = server(tmp_path)
    process.start()
    assert process.state.name == "STARTING"
    assert await process.ready() == "http://127.0.0.1:7"
    assert process.state.name == "RUNNING"
    pid = pid_of(process)
    await process.stop()
    assert (process.state, process.address, is_alive(pid)) == (ProcessState.ENDED, "", False)


async def test_dead_server_is_started_once_more(tmp_path: Path) -> None:
    process = server(tmp_path)
    process.start()
    await process.ready()
    first = pid_of(process)
    for state in (ProcessState.STARTING, ProcessState.ENDED):
        os.kill(pid_of(process), signal.SIGKILL)
        async with asyncio.timeout(5):
            while process.state is not state:
                await process.changed()
        await process.ready()
    assert pid_of(process) != first
    assert process.address == ""


async def test_server_that_cannot_start_is_given_up(tmp_path: Path) -> None:
    process = server(tmp_path, "print('no luck'); raise SystemExit(3)")
    process.start()
    assert await process.ready() == ""
    assert process.state is ProcessState.ENDED
    assert process.last_lines() == ["no luck"]
    await process.stop()


async def test_loading_server_can_be_stopped(tmp_path: Path) -> None:
    process = server(tmp_path, LOADING="30")
    process.start()
    async with asyncio.timeout(5):
        while not (tmp_path / "server.log").exists() or not process.last_lines():  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # another process's file has no event
    pid = pid_of(process)
    await process.stop()
    assert not is_alive(pid)
    assert await process.ready() == ""


async def test_stopped_server_can_be_started_again(tmp_path: Path) -> None:
    process = server(tmp_path)
    for _ in range(2):
        process.start()
        assert await process.ready()
        await process.stop()


async def test_server_waits_for_what_it_needs(tmp_path: Path) -> None:
    needed = asyncio.Event()

    async def after() -> None:
        await needed.wait()

    log = tmp_path / "server.log"
    process = ServerProcess([sys.executable, "-c", SERVER], {}, log, "serving at ", after=after)
    process.start()
    await asyncio.sleep(0.05)
    assert (process.state.name, log.exists()) == ("STARTING", False)
    needed.set()
    assert await process.ready()
    await process.stop()
