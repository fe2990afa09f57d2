"""The servers around the bot, which can be gone for a while, and who writes to it."""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack
from pathlib import Path
from typing import Any

from sandbox.botapi import BotApi
from sandbox.model import ModelServer
from tests.e2e.chaos.crowd import Crowd, answer
from tests.e2e.conftest import KEY, TOKEN

LOOK_S = 0.2
OPEN = (
    "SELECT (SELECT count(*) FROM inbox WHERE state = 'new') + (SELECT count(*) FROM notices WHERE message_id IS NULL)"
    " + (SELECT count(*) FROM turns WHERE state IN ('waiting', 'streaming', 'complete', 'replaced'))"
)
"""What the bot still has to do, as its database has it."""

Query = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]
"""Runs a statement with ``?`` for its values; returns its rows."""


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


class World(ABC):
    """Everything that a round of chaos needs but the bot itself."""

    def __init__(self, folder: Path, seed: int, patience: float) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.telegram = BotApi(token=TOKEN)
        self.models = ModelServer(key=KEY)
        self.models.answer_with(answer)
        self.bot_api = Outage(self.telegram.run)
        self.model = Outage(self.models.run)
        self.crowd = Crowd(self.telegram, self.random)
        self.killed_at: list[float] = []
        self.own_ends = 0
        """How often the bot has ended by itself."""
        self.patience = patience
        self.environment = {"TELEGRAM_BOT_TOKEN": TOKEN, "OPENAI_API_KEY": KEY, "OPENAI_MODEL": "stand-in"}
        self.environment |= {"EMBEDDING_MODEL": "off", "ACCESS": "open", "MESSAGES_PER_MINUTE": "1000"}
        self.environment |= {"CONTEXT_WINDOW": "8192", "RECALL_TOKENS": "0"}

    @abstractmethod
    def querying(self) -> AbstractContextManager[Query]:
        """A connection to the bot's database while the block runs."""

    @abstractmethod
    def _open(self) -> int:
        """The number of things that the bot still has to do; -1 if the database can't be read."""

    async def begin(self) -> None:
        """Start the servers."""
        self.environment["TELEGRAM_API_URL"] = await self.bot_api.end()
        self.environment["OPENAI_BASE_URL"] = await self.model.end()

    async def end(self) -> None:
        """Stop the servers."""
        await self.bot_api.begin()
        await self.model.begin()

    async def until_quiet(self) -> bool:
        """Wait until the bot has nothing more to do; False if that takes too long."""
        loop = asyncio.get_running_loop()
        deadline, quiet = loop.time() + self.patience, 0
        while quiet < 5 and loop.time() < deadline:
            await asyncio.sleep(LOOK_S)
            quiet = quiet + 1 if self.telegram.pending_updates == 0 and self._open() == 0 else 0
        return quiet > 0
