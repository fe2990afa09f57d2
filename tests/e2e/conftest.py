"""The bot between a Bot API server and a model server on loopback.

``process`` runs it as a process of its own, which can be killed. ``stage`` runs the same composition root inside the
test, which saves two seconds of imports a start.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Protocol

import pytest

from bot import app
from bot.conversation import tokens
from bot.settings import load
from sandbox.bot_process import BotProcess
from sandbox.botapi import BotApi, Chat, User
from sandbox.model import ModelServer

TOKEN = "123456:AAE-very_secret_token"
KEY = "sk-0123456789abcdef-secret"
PATIENCE_S = 20.0
"""How long a test waits for what must come; a process takes some seconds to start on a busy machine."""


vocabulary = cache(tokens.qwen_encoding)
"""Read once for all bots of a test run: each would take a quarter of a second for it."""

Variables = dict[str, str]


class Bot(Protocol):
    """A bot that runs somewhere."""

    @property
    def running(self) -> bool: ...

    async def start(self) -> None: ...

    def kill(self) -> None: ...

    def terminate(self) -> None: ...

    async def wait(self) -> int: ...


class Resident:
    """The bot as a task of the test's own event loop; it can't be killed, only ended quickly."""

    def __init__(self, environment: Variables, monkeypatch: pytest.MonkeyPatch) -> None:
        self._environment = environment
        self._monkeypatch = monkeypatch
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done()

    async def start(self) -> None:
        for name, value in self._environment.items():
            self._monkeypatch.setenv(name, value)
        self._task = asyncio.create_task(app.live(load(env_file=None)))

    def terminate(self) -> None:
        assert self._task is not None
        self._task.cancel()

    def kill(self) -> None:
        self._monkeypatch.setattr(app, "DRAIN_S", 0.0)
        self.terminate()

    async def wait(self) -> int:
        assert self._task is not None
        (ended,) = await asyncio.gather(self._task, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError), ended
        return 0


class Stage:
    """The world around a bot, and the bot in it."""

    def __init__(
        self, telegram: BotApi, model: ModelServer, folder: Path, make_bot: Callable[[Variables], Bot]
    ) -> None:
        self.telegram = telegram
        self.model = model
        self.folder = folder
        self.environment: Variables = {}
        self.ann: User = telegram.user("Ann")
        self.home: Chat = telegram.private(self.ann)
        self.bot: Bot | None = None
        self._make_bot = make_bot

    async def start(self, **variables: str) -> None:
        """Start the bot, with more settings if need be."""
        self.environment.update(variables)
        self.bot = self._make_bot(self.environment)
        await self.bot.start()

    async def kill(self) -> None:
        """End the bot by SIGKILL."""
        assert self.bot is not None
        self.bot.kill()
        await self.bot.wait()

    async def end(self) -> int:
        """End the bot by SIGTERM; returns its exit code."""
        assert self.bot is not None
        self.bot.terminate()
        return await self.bot.wait()

    async def ready(self) -> None:
        """Wait until the bot is about to ask for updates."""
        calls, asked = len(self.telegram.calls), ("deleteWebhook", "setWebhook")
        await self.telegram.changed(
            lambda: any(call.method in asked for call in self.telegram.calls[calls:]), PATIENCE_S
        )

    async def replies(self, count: int, chat: Chat | None = None) -> list[str]:
        """Wait until the bot has so many messages in the chat; returns their texts."""
        return [message.text for message in await (chat or self.home).wait(count, PATIENCE_S)]

    def log(self) -> str:
        """All that a bot with a process of its own has logged."""
        return (self.folder / "bot.log").read_text(encoding="utf-8")


@pytest.fixture
def telegram_version() -> str:
    return "10.1"


@pytest.fixture
async def stage(tmp_path: Path, telegram_version: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """A stage whose bot is a task of the test."""
    monkeypatch.setattr(tokens, "qwen_encoding", vocabulary)
    async with open_stage(tmp_path, telegram_version, lambda variables: Resident(variables, monkeypatch)) as stage:
        yield stage


@pytest.fixture
async def process(tmp_path: Path, telegram_version: str) -> AsyncIterator[Stage]:
    """A stage whose bot is a process."""

    def make(variables: Variables) -> BotProcess:
        return BotProcess([sys.executable, "-m", "bot"], variables, tmp_path / "bot.log")

    async with open_stage(tmp_path, telegram_version, make) as stage:
        yield stage


@asynccontextmanager
async def open_stage(folder: Path, version: str, make_bot: Callable[[Variables], Bot]) -> AsyncIterator[Stage]:
    """A Bot API server, a model server, and the settings of a bot between them."""
    telegram, model = BotApi(token=TOKEN, version=version), ModelServer(key=KEY, words_per_second=1000)
    async with telegram.run() as telegram_url, model.run() as model_url:
        stage = Stage(telegram, model, folder, make_bot)
        stage.environment = {
            "TELEGRAM_BOT_TOKEN": TOKEN,
            "TELEGRAM_API_URL": telegram_url,
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": model_url,
            "DASHSCOPE_BASE_URL": model.dashscope_url,
            "OPENAI_MODEL": "stand-in",
            "ACCESS": "open",
            "DATABASE_URL": f"sqlite:///{folder}/keepsake.db",
        }
        yield stage
        if stage.bot is not None and stage.bot.running:
            await stage.kill()
