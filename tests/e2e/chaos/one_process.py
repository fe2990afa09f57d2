"""The bot as the only process on an SQLite database, with what may befall it."""

import os
import resource
import shutil
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import BinaryIO

from tests.e2e.chaos.world import OPEN, Query, World
from tests.e2e.conftest import Separate
from tests.e2e.programs import Launch, Started, run_program


class OneProcess(World):
    """A world with one process of the bot."""

    def __init__(self, folder: Path, launch: Launch, seed: int, patience: float) -> None:
        super().__init__(folder, seed, patience)
        self.database = folder / "keepsake.db"
        self.clock = folder.with_name(f"{folder.name}.clock")
        self.environment |= {"CLOCK": str(self.clock), "DATABASE_URL": f"sqlite:///{self.database}"}
        self.bot = Separate(launch, self.environment, folder / "bot.log")

    async def kill(self) -> None:
        """End the bot by SIGKILL."""
        self.killed_at.append(time.time())
        self.bot.kill()
        await self.bot.wait()

    async def ready(self) -> None:
        """Wait until the bot is about to ask for updates, or has ended by itself."""
        calls = len(self.telegram.calls)

        def happened() -> bool:
            return not self.bot.running or any(call.method == "deleteWebhook" for call in self.telegram.calls[calls:])

        await self.telegram.changed(happened, self.patience)

    @contextmanager
    def querying(self) -> Iterator[Query]:
        with closing(sqlite3.connect(self.database)) as connection:
            yield lambda sql, values: connection.execute(sql, values).fetchall()

    def _open(self) -> int:
        try:
            with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
                return int(connection.execute(OPEN).fetchone()[0])
        except sqlite3.Error:
            return -1

    def fill_disk(self) -> None:
        """Let every write to a file fail."""
        self._limit_files(0)

    def free_disk(self) -> None:
        self._limit_files(resource.RLIM_INFINITY)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock that every writer needs."""
        with closing(sqlite3.connect(self.database, isolation_level=None, timeout=30.0)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield

    def shift_clock(self, seconds: float) -> None:
        """Let the bot's clock be off by so many seconds, if it was started with a clock of its own."""
        self.clock.write_text(str(seconds))

    def _limit_files(self, size: int) -> None:
        resource.prlimit(self.bot.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def protect(self, *, protected: bool) -> None:
        """Make the database read-only, or not, for whoever is no administrator of this machine."""
        for file in self.folder.glob("keepsake.db*"):
            file.chmod(0o444 if protected else 0o600)
        self.folder.chmod(0o555 if protected else 0o700)


@asynccontextmanager
async def open_world(folder: Path, launch: Launch, seed: int, patience: float) -> AsyncIterator[OneProcess]:
    """Start the servers; the bot is not started yet, and killed at the end."""
    world = OneProcess(folder, launch, seed, patience)
    await world.begin()
    try:
        yield world
    finally:
        if world.bot.running:
            await world.kill()
        await world.end()


async def start_unprivileged(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path, out: BinaryIO, err: BinaryIO
) -> Started:
    """Start the bot with a clock of its own (see ``clock``), and so that it can't write what is read-only."""
    program = [sys.executable, "-m", "tests.e2e.chaos.clock", *arguments]
    if os.geteuid() == 0 and (dropper := shutil.which("setpriv")) is not None:
        program = [dropper, "--bounding-set=-dac_override", *program]
    return await run_program(program, environment, folder, out, err)
