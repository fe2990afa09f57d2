"""The bot as a process of its own, between a Bot API server and a model server on loopback."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.bot_process import BotProcess
from sandbox.botapi import BotApi, Chat, User
from sandbox.model import ModelServer

TOKEN = "123456:AAE-very_secret_token"
KEY = "sk-0123456789abcdef-secret"
PATIENCE_S = 20.0
"""How long a test waits for what must come; a process takes some seconds to start on a busy machine."""


class Stage:
    """Everything that a test needs of the world, and the bot in it."""

    def __init__(self, telegram: BotApi, model: ModelServer, folder: Path, environment: dict[str, str]) -> None:
        self.telegram = telegram
        self.model = model
        self.folder = folder
        self.environment = environment
        self.ann: User = telegram.user("Ann")
        self.home: Chat = telegram.private(self.ann)
        self.bot = self._process()

    async def start(self, **environment: str) -> None:
        """Start the bot, with more settings if need be."""
        self.environment.update(environment)
        self.bot = self._process()
        await self.bot.start()

    async def kill(self) -> None:
        """End it by SIGKILL."""
        self.bot.kill()
        await self.bot.wait()

    async def ready(self) -> None:
        """Wait until the bot asks for updates for the second time: what it had to take up, it has taken up."""
        calls = len(self.telegram.calls)
        asked = ("deleteWebhook", "setWebhook")
        await self.telegram.changed(
            lambda: any(call.method in asked for call in self.telegram.calls[calls:]), PATIENCE_S
        )

    async def replies(self, count: int, chat: Chat | None = None) -> list[str]:
        """Wait until the bot has so many messages in the chat; returns their texts."""
        return [message.text for message in await (chat or self.home).wait(count, PATIENCE_S)]

    def log(self) -> str:
        """All that the bot has logged."""
        return self.bot.log.read_text(encoding="utf-8")

    def _process(self) -> BotProcess:
        return BotProcess([sys.executable, "-m", "bot"], self.environment, self.folder / "bot.log")


@pytest.fixture
def telegram_version() -> str:
    return "10.1"


@pytest.fixture
async def stage(tmp_path: Path, telegram_version: str) -> AsyncIterator[Stage]:
    telegram, model = BotApi(token=TOKEN, version=telegram_version), ModelServer(key=KEY, words_per_second=1000)
    async with telegram.run() as telegram_url, model.run() as model_url:
        environment = {
            "TELEGRAM_BOT_TOKEN": TOKEN,
            "TELEGRAM_API_URL": telegram_url,
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": model_url,
            "OPENAI_MODEL": "stand-in",
            "ACCESS": "open",
            "DATABASE_URL": f"sqlite:///{tmp_path}/keepsake.db",
        }
        stage = Stage(telegram, model, tmp_path, environment)
        yield stage
        if stage.bot.running:
            await stage.kill()
