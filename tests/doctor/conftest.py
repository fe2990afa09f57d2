"""The outside world that is examined: both servers, and the settings of a bot between them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bot.llm import embeddings, openai_server, transcription
from bot.settings import Settings, load
from sandbox.botapi import BotApi
from sandbox.model import ChatRequest, ModelServer, Say

TOKEN = "123456:AAE-very_secret_token"
KEY = "sk-0123456789abcdef-secret"


@dataclass
class World:
    telegram: BotApi
    model: ModelServer
    telegram_url: str
    variables: dict[str, str]
    monkeypatch: pytest.MonkeyPatch

    def settings(self, **more: str) -> Settings:
        for name, value in {**self.variables, **more}.items():
            self.monkeypatch.setenv(name, value)
        return load(env_file=None)

    async def call(self, method: str, **params: object) -> None:
        """Call Telegram as another bot with the same token would."""
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{self.telegram_url}/bot{TOKEN}/{method}", json=params)
        assert answer.status_code == 200


def obliging(request: ChatRequest) -> Say:
    return Say("Red." if request.messages[-1].images else "Yes.")


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    for module in (openai_server, embeddings, transcription):
        monkeypatch.setattr(module, "RETRIES", 0)
    monkeypatch.setattr("bot.doctor.model.CACHE_PAUSE_S", 0.0)
    telegram, model = BotApi(token=TOKEN), ModelServer(key=KEY)
    model.answer_with(obliging)
    async with telegram.run() as telegram_url, model.run() as model_url:
        variables = {
            "TELEGRAM_BOT_TOKEN": TOKEN,
            "TELEGRAM_API_URL": telegram_url,
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": model_url,
            "OPENAI_MODEL": "stand-in",
            "DATABASE_URL": f"sqlite:///{tmp_path}/keepsake.db",
        }
        yield World(telegram, model, telegram_url, variables, monkeypatch)
