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

from tests.e2e.forkserver import SIZE_BYTES, Order


class Forks:
    """The fork server of a test run; it is started with the first bot."""

    def __init__(self) -> None:
        self._orders: socket.socket | None = None
        self._server: subprocess.Popen[bytes] | None = None

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
        orders = self._open()
        socket.send_fds(orders, [len(words).to_bytes(SIZE_BYTES)], [tells, nothing, out.fileno(), err.fileno()])
        orders.sendall(words)
        os.close(tells)
        os.close(nothing)
        report = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(report), os.fdopen(hears, "rb")
        )
        return Forked(int(await report.readline()), report)

    def close(self) -> None:
        """End the server; bots that still run go on."""
        if self._orders is not None and self._server is not None:
            self._orders.close()
            self._server.wait()

    def _open(self) -> socket.socket:
        if self._orders is None:
            self._orders, theirs = socket.socketpair()
            with theirs:
                self._server = subprocess.Popen(
                    [sys.executable, "-m", "tests.e2e.forkserver", str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
        return self._orders


class Forked:
    """A bot that runs in a process of its own."""

    def __init__(self, pid: int, report: asyncio.StreamReader) -> None:
        self._pid = pid
        self._ended = asyncio.create_task(_exit_code(report), name="forked bot")

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return not self._ended.done()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.running:
            os.kill(self._pid, number)

    async def wait(self) -> int:
        """Wait for its end; returns the exit code (negative: the signal)."""
        return await asyncio.shield(self._ended)


async def _exit_code(report: asyncio.StreamReader) -> int:
    return int(await report.read())
