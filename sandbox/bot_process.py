"""The bot as a separate process, which can be killed at any moment and restarted.

On Linux it ends in order when the sandbox is killed. A bot that outlives its sandbox elsewhere, or is slow to end,
would keep the database locked. So it is ended before a new one starts: each bot holds a lock on its pid file, and the
pid in a locked file is certainly its own.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

STOP_GRACE_S = 25.0
"""A bot lets running replies finish for up to 20 s."""
_DEATH_SIGNAL_OF_PARENT = 1
"""Linux's PR_SET_PDEATHSIG."""


WITHHELD = frozenset({"PORT", "WEBHOOK_SECRET", "WEBHOOK_URL"})
"""Variables of a real bot that the sandbox's bot must not inherit."""


class BotProcess:
    """Starts `argv` with `environment` on top of this process's own; output is appended to `log`.

    It runs in the log's folder, because a ``.env`` in the current one is for the real bot. `on_death` is called with
    the exit code of a bot that ended unexpectedly.
    """

    def __init__(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        on_death: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.log = log
        self._argv = argv
        self._environment = environment
        self.on_death = on_death
        self._pid_file = log.with_suffix(".pid")
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[int] | None = None
        self._told_to_end = False
        self._log_start = 0

    @property
    def running(self) -> bool:
        """Whether the process is running."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the bot unless it is running; one that is ending is awaited first."""
        if self.running:
            if not self._told_to_end:
                return
            await self.wait()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self._pid_file.open("a+") as pid_file, self.log.open("ab") as log:
            _end_holder(pid_file.fileno())
            self._log_start = log.tell()
            self._process = await asyncio.create_subprocess_exec(
                *self._argv,
                env=self._full_environment(),
                cwd=self.log.parent,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                pass_fds=[pid_file.fileno()],  # the lock lives as long as the bot
                preexec_fn=_end_with_parent,
                start_new_session=True,  # Ctrl-C in the terminal is for the sandbox, which then stops the bot
            )
            pid_file.truncate(0)
            pid_file.write(str(self._process.pid))
        self._told_to_end = False
        self._watching = asyncio.create_task(self._watch(self._process), name="bot process")

    def kill(self) -> None:
        """SIGKILL: no time for cleanup."""
        self._send(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM: a graceful end."""
        self._send(signal.SIGTERM)

    async def wait(self) -> int:
        """Wait for the end; returns the exit code (negative: the signal)."""
        if self._watching is None:
            raise RuntimeError("the bot was never started")
        return await asyncio.shield(self._watching)

    async def stop(self, grace: float = STOP_GRACE_S) -> None:
        """Stop the bot gracefully, or by force after `grace` seconds."""
        if not self.running:
            return
        self.terminate()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await self.wait()
        finally:  # even if the waiting task is cancelled: no bot is left running
            self.kill()
        await self.wait()

    def last_lines(self, count: int = 10) -> list[str]:
        """The end of what this bot has logged since its start."""
        written = self.log.read_bytes()[self._log_start :]
        return written.decode(errors="replace").splitlines()[-count:]

    async def _watch(self, process: asyncio.subprocess.Process) -> int:
        code = await process.wait()
        if not self._told_to_end:
            self.on_death(code)
        return code

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None and self.running:
            self._told_to_end = True
            self._process.send_signal(number)

    def _full_environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in WITHHELD}
        # The bot's package may be importable from the current folder only, which isn't the bot's.
        path = os.pathsep.join(filter(None, [str(Path.cwd()), inherited.get("PYTHONPATH")]))
        unbuffered = {"PYTHONUNBUFFERED": "1"}  # what it prints is in its log at once
        return {**inherited, "PYTHONPATH": path, **unbuffered, **self._environment}


def _end_with_parent() -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_DEATH_SIGNAL_OF_PARENT, signal.SIGTERM)


def _end_holder(descriptor: int) -> None:
    """Lock the pid file; a bot that still holds the lock was left over and is killed."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.kill(int(os.pread(descriptor, 32, 0)), signal.SIGKILL)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
