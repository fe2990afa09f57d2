"""Bots that are forked and not started (see ``forkserver``), as the tests hold them."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock

from tests.e2e.forkserver import SIZE_BYTES, Order


class Forks:
    """The fork server of a test run, in this folder; whoever wants the first bot starts it."""

    def __init__(self, folder: Path, run: int) -> None:
        self._address = folder / "forks"
        self._run = run

    async def bot(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        out: BinaryIO,
        err: BinaryIO,
    ) -> "Forked":
        """Fork ``python -m bot`` with these arguments, in this folder and with nothing but this environment."""
        words = json.dumps(asdict(Order(arguments, environment, str(folder)))).encode()
        hears, tells = os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY)
        with await asyncio.to_thread(self._connect) as orders:
            socket.send_fds(orders, [len(words).to_bytes(SIZE_BYTES)], [tells, nothing, out.fileno(), err.fileno()])
            orders.sendall(words)
        os.close(tells)
        os.close(nothing)
        report = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(report), os.fdopen(hears, "rb")
        )
        return Forked(int(await report.readline()), report)

    def _connect(self) -> socket.socket:
        with FileLock(f"{self._address}.lock"):
            if not self._address.exists():
                self._start()
        orders = socket.socket(socket.AF_UNIX)
        orders.connect(str(self._address))
        return orders

    def _start(self) -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self._address))
            listener.listen()
            subprocess.run(
                [sys.executable, "-m", "tests.e2e.forkserver", str(listener.fileno()), str(self._run)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[listener.fileno()],
                start_new_session=True,
                check=True,
            )


class Forked:
    """A bot that runs in a process of its own."""

    def __init__(self, pid: int, report: asyncio.StreamReader) -> None:
        self.pid = pid
        self._ended = asyncio.create_task(_exit_code(report), name="forked bot")

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return not self._ended.done()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.running:
            os.kill(self.pid, number)

    async def wait(self) -> int:
        """Wait for its end; returns the exit code (negative: the signal)."""
        return await asyncio.shield(self._ended)


async def _exit_code(report: asyncio.StreamReader) -> int:
    return int(await report.read())
