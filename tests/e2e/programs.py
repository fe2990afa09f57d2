"""Programs that a test starts, ends and kills: the bot with all its commands."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

Variables = dict[str, str]


class Program(Protocol):
    """One that was started."""

    @property
    def pid(self) -> int: ...

    @property
    def running(self) -> bool: ...

    def send(self, number: signal.Signals) -> None: ...

    async def wait(self) -> int: ...


Launch = Callable[[Sequence[str], Mapping[str, str], Path, BinaryIO, BinaryIO], Awaitable[Program]]
"""Start the bot: its arguments, its whole environment, its folder, its standard output and its error output."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    code: int
    written: str
    complained: str


class Started:
    """A program as a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    def send(self, number: signal.Signals) -> None:
        if self.running:
            self._process.send_signal(number)

    async def wait(self) -> int:
        return await self._process.wait()


async def start(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path, out: BinaryIO, err: BinaryIO
) -> Started:
    """Start ``python -m bot`` from nothing."""
    return await run_program([sys.executable, "-m", "bot", *arguments], environment, folder, out, err)


async def run_program(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, out: BinaryIO, err: BinaryIO
) -> Started:
    """Start any program, in a session of its own."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        start_new_session=True,
    )
    return Started(process)


def whole(environment: Variables) -> Variables:
    """With what any program has; nothing else of this process's own, which may be set up for a real bot."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return {**kept, "PYTHONPATH": str(Path.cwd()), **environment}
