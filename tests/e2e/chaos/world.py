"""The servers around the bot, which can be gone for a while, and the bot's process with what may befall it."""

import asyncio
import os
import random
import resource
import shutil
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import BinaryIO

from sandbox.botapi import BotApi
from sandbox.model import ModelServer
from tests.e2e.chaos.crowd import Crowd, answer
from tests.e2e.conftest import KEY, TOKEN, Separate
from tests.e2e.programs import Launch, Started, run_program

LOOK_S = 0.2
OPEN = (
    "SELECT (SELECT count(*) FROM inbox WHERE state = 'new') + (SELECT count(*) FROM notices WHERE message_id IS NULL)"
    " + (SELECT count(*) FROM turns WHERE state IN ('waiting', 'streaming', 'complete', 'replaced'))"
)
"""What the bot still has to do, as its database has it."""


class Outage:
    """A server that can be stopped and started again at the same address."""

    def __init__(self, run: Callable[[int], AbstractAsyncContextManager[str]]) -> None:
        self._run = run
        self._port = 0
        self._running = AsyncExitStack()

    async def begin(self) -> None:
        """Stop the server."""
        await self._running.aclose()

    async def end(self) -> str:
        """Start the server; returns its URL."""
        url = await self._running.enter_async_context(self._run(self._port))
        self._port = int(url.split("/")[2].rpartition(":")[2])
        return url


class World:
    """Everything that a round of chaos needs."""

    def __init__(self, folder: Path, launch: Launch, seed: int, patience: float) -> None:
        self.folder = folder
        self.database = folder / "keepsake.db"
        self.random = random.Random(seed)
        self.telegram = BotApi(token=TOKEN)
        model = ModelServer(key=KEY)
        model.answer_with(answer)
        self.bot_api = Outage(self.telegram.run)
        self.model = Outage(model.run)
        self.crowd = Crowd(self.telegram, self.random)
        self.killed_at: list[float] = []
        self.own_ends = 0
        """How often the bot has ended by itself."""
        self.patience = patience
        self.clock = folder.with_name(f"{folder.name}.clock")
        self.environment = {"TELEGRAM_BOT_TOKEN": TOKEN, "OPENAI_API_KEY": KEY, "OPENAI_MODEL": "stand-in"}
        self.environment |= {"EMBEDDING_MODEL": "off", "ACCESS": "open", "MESSAGES_PER_MINUTE": "1000"}
        self.environment["CLOCK"] = str(self.clock)
        self.environment |= {
            "CONTEXT_WINDOW": "8192",
            "RECALL_TOKENS": "0",
            "DATABASE_URL": f"sqlite:///{self.database}",
        }
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

    async def until_quiet(self) -> bool:
        """Wait until the bot has nothing more to do; False if that takes too long."""
        loop = asyncio.get_running_loop()
        deadline, quiet = loop.time() + self.patience, 0
        while quiet < 5 and loop.time() < deadline:
            await asyncio.sleep(LOOK_S)
            quiet = quiet + 1 if self.telegram.pending_updates == 0 and self._open() == 0 else 0
        return quiet > 0

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
async def open_world(folder: Path, launch: Launch, seed: int, patience: float) -> AsyncIterator[World]:
    """Start the servers; the bot is not started yet, and killed at the end."""
    world = World(folder, launch, seed, patience)
    world.environment["TELEGRAM_API_URL"] = await world.bot_api.end()
    world.environment["OPENAI_BASE_URL"] = await world.model.end()
    try:
        yield world
    finally:
        if world.bot.running:
            await world.kill()
        await world.bot_api.begin()
        await world.model.begin()


async def start_unprivileged(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path, out: BinaryIO, err: BinaryIO
) -> Started:
    """Start the bot with a clock of its own (see ``clock``), and so that it can't write what is read-only."""
    program = [sys.executable, "-m", "tests.e2e.chaos.clock", *arguments]
    if os.geteuid() == 0 and (dropper := shutil.which("setpriv")) is not None:
        program = [dropper, "--bounding-set=-dac_override", *program]
    return await run_program(program, environment, folder, out, err)
