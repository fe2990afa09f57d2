"""A server in a process of its own, which prints its address when it is ready and is started again when it dies."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum, auto
from pathlib import Path

from sandbox.bot_process import BotProcess

PATIENCE_S = 120.0
"""How long a start may take."""
PAUSE_S = 0.05
"""How often the log of a starting server is read."""
RESTART_S = 0.5
"""The pause before another start."""
MOST_LINES = 1000


class ProcessState(Enum):
    """The states of a server process; from RUNNING it returns to STARTING when it dies."""

    STARTING = auto()
    RUNNING = auto()
    ENDED = auto()
    """It was stopped, or has died as often as it may."""


class ServerProcess:
    """Runs `argv`, once `after` has been awaited, until it is stopped or has ended `starts` times.

    It is ready when it has printed a line that consists of `before_address` and its URL. Its output is appended to
    `log`. It runs like the bot: apart from the terminal's signals, and never twice.
    """

    def __init__(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        before_address: str = "",
        starts: int = 2,
        after: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.state = ProcessState.ENDED
        self.address = ""
        self._process = BotProcess(argv, environment, log)
        self._before_address = before_address
        self._starts = starts
        self._after = after
        self._changed = asyncio.Event()
        self._supervising: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to start it; `ready` waits for the end of that."""
        self._become(ProcessState.STARTING)
        self._supervising = asyncio.create_task(self._supervise(), name="server process")

    async def ready(self) -> str:
        """Wait until it runs; returns its URL, or "" if it has ended."""
        while self.state is ProcessState.STARTING:
            await self._changed.wait()
        return self.address

    async def changed(self) -> None:
        """Wait for the next change of state."""
        await self._changed.wait()

    async def stop(self) -> None:
        """End it at once: it stores nothing."""
        if self._supervising is not None:
            self._supervising.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._supervising
        self._become(ProcessState.ENDED)

    def last_lines(self) -> list[str]:
        """The end of what it has logged since its last start."""
        return self._process.last_lines()

    async def _supervise(self) -> None:
        try:
            if self._after is not None:
                await self._after()
            for number in range(self._starts):
                self._become(ProcessState.STARTING)
                await asyncio.sleep(RESTART_S if number else 0)
                await self._process.start()
                if address := await self._printed_address():
                    self._become(ProcessState.RUNNING, address)
                    await self._process.wait()
            self._become(ProcessState.ENDED)
        finally:
            if self._process.running:
                self._process.kill()
                await self._process.wait()

    async def _printed_address(self) -> str:
        """Wait for the line with the address; "" if it ends before, or takes too long and is ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while self._process.running:
                    for line in self._process.last_lines(MOST_LINES):
                        if line.startswith(f"{self._before_address}http://"):
                            return line.removeprefix(self._before_address).strip()
                    await asyncio.sleep(PAUSE_S)
        self._process.kill()
        await self._process.wait()
        return ""

    def _become(self, state: ProcessState, address: str = "") -> None:
        self.state, self.address = state, address
        self._changed.set()
        self._changed = asyncio.Event()
