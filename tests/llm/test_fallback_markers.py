"""A model that answers in the place of another one is sent the markers that it knows, and no others."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.conversation.cache_markers import mark_stable_messages
from bot.llm.interface import Message
from bot.llm.stream_events import Received
from bot.settings import load
from bot.wiring.servers import open_servers
from sandbox.model import Fail, ModelServer, Say

PROFILES = """
[servers."127.*"]
cache_breakpoints = true
[models."new*"]
cache_breakpoints = true
[fallbacks."theirs"]
base_url = "URL"
api_key = "sk"
"""
ASKED = mark_stable_messages([Message("system", "be kind"), Message("user", "hello")])


@pytest.mark.parametrize(
    ("setting", "fallback", "sent"),
    [
        ("auto", "new-small", "prompt_cache_breakpoint"),
        ("auto", "old", ""),
        ("auto", "theirs", ""),
        ("auto", "claude-haiku-5", "cache_control"),
        ("on", "old", "cache_control"),
        ("on", "theirs", "cache_control"),
    ],
)
async def test_a_fallback_is_sent_the_markers_it_knows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str, fallback: str, sent: str
) -> None:
    server = ModelServer()
    server.answer_with(lambda request: Fail(503) if request.model == "new" else Say("hello"))
    async with server.run() as url, AsyncExitStack() as stack:
        (tmp_path / "profiles.toml").write_text(PROFILES.replace("URL", url.replace("127.0.0.1", "localhost")))
        environment = {
            "TELEGRAM_BOT_TOKEN": "123456:" + "a" * 35,
            "OPENAI_API_KEY": "sk",
            "OPENAI_BASE_URL": url,
            "OPENAI_MODEL": "new",
            "FALLBACK_MODELS": fallback,
            "CACHE_MARKERS": setting,
            "MODEL_PROFILES": str(tmp_path / "profiles.toml"),
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        model = open_servers(load(env_file=None), stack).models.of("new")
        assert Received.of([event async for event in model.stream(ASKED)]).text == "hello"
    body = server.requests[-1].body.decode()
    assert [name for name in ("cache_control", "prompt_cache_breakpoint") if name in body] == [sent] * bool(sent)
