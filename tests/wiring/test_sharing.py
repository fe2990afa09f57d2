"""Joining the processes on one PostgreSQL database."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from bot.outbound.reach import TelegramReach
from bot.settings import load
from bot.wiring import sharing
from storage.postgres.claim import DatabaseClaim


async def test_start_waits_for_a_command_to_end(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(sharing, "AGAIN_S", 0.01)
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "123456:AAE-token")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-key")
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    command = await DatabaseClaim.take(postgres_url, "the database", 0.0)
    async with AsyncExitStack() as stack:
        joining = asyncio.create_task(sharing.join_database(load(env_file=None), stack, 1 << 61, TelegramReach()))
        while "Waiting" not in caplog.text and not joining.done():  # noqa: ASYNC110 - only the log shows it
            await asyncio.sleep(0.01)
        await command.release()
        assert isinstance(await joining, sharing.Shared)
