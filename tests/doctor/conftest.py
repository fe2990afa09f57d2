"""The outside world that is examined: both servers, and the settings of a bot between them."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import PIL.Image
import pytest

from bot.doctor.media_checks import COLOURS
from bot.llm.chat_completions import ChatCompletions
from bot.llm.known import KNOWN
from bot.llm.openai_server import OpenAIServer
from bot.llm.profiles import ModelProfile, Profiles
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

    @asynccontextmanager
    async def models(self, settings: Settings, known: ModelProfile | None = None) -> AsyncIterator[OpenAIServer]:
        """The server's; `known` says more of "stand-in"."""
        profiles = Profiles((*KNOWN.models, {"stand-in": known or ModelProfile()}), KNOWN.servers)
        models = OpenAIServer(
            ChatCompletions,
            base_url=settings.openai_base_url,
            api_key=settings.model_key,
            extra_body={},
            timeout=settings.model_timeout,
            profiles=profiles,
        )
        try:
            yield models
        finally:
            await models.close()

    async def call(self, method: str, **params: object) -> None:
        """Call Telegram as another bot with the same token would."""
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{self.telegram_url}/bot{TOKEN}/{method}", json=params)
        assert answer.status_code == 200


def look(picture: bytes) -> str:
    """The colours on its left and on its right, by who really looks."""
    with PIL.Image.open(io.BytesIO(picture)) as image:
        image.load()
        sides = (image.getpixel((8, image.height // 2)), image.getpixel((image.width - 8, image.height // 2)))
    names = {tuple(value): name for name, value in COLOURS.items()}
    return " and ".join(names[side] for side in sides if isinstance(side, tuple))


def obliging(request: ChatRequest) -> Say:
    images = request.messages[-1].images
    return Say(f"{look(images[0])}." if images else "Yes.")


@pytest.fixture
async def world(tmp_path: Path, no_retries: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr("bot.doctor.main_model.PAUSE_S", 0.0)
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
