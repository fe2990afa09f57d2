"""A key in the file of profiles goes only to the provider that gave it out, as those in the settings do."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.errors import SettingError
from bot.settings import load
from bot.wiring.servers import open_servers


@pytest.mark.parametrize(
    ("key", "url", "wrong"),
    [
        ("sk-ant-api03-x", "https://api.deepseek.com/v1", True),
        ("gsk_x", "https://dashscope.aliyuncs.com/compatible-mode/v1", True),
        ("sk-or-v1-x", "https://api.groq.com/openai/v1", True),
        ("sk-or-v1-x", "https://openrouter.ai/api/v1", False),
        ("gsk_x", "https://gateway.example.net/v1", False),
    ],
)
def test_a_fallbacks_key_goes_only_to_its_provider(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str, url: str, *, wrong: bool
) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text(f'[fallbacks."other"]\nbase_url = "{url}"\napi_key = "{key}"\n')
    for name, value in {"TELEGRAM_BOT_TOKEN": "1:abc", "OPENAI_API_KEY": "any", "MODEL_PROFILES": str(path)}.items():
        monkeypatch.setenv(name, value)
    if not wrong:
        open_servers(load(env_file=None), AsyncExitStack())
        return
    with pytest.raises(
        SettingError, match=r'^MODEL_PROFILES: fallbacks\."other"\.base_url: this is a key from'
    ) as told:
        open_servers(load(env_file=None), AsyncExitStack())
    assert key not in str(told.value)


@pytest.mark.parametrize("key", ["ключ", "two words", "two\\nlines"])
def test_fallback_key_invalid_in_header_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text(f'[fallbacks.other]\nbase_url = "https://models.example.net/v1"\napi_key = "{key}"\n', "utf-8")
    for name, value in {"TELEGRAM_BOT_TOKEN": "1:abc", "OPENAI_API_KEY": "any", "MODEL_PROFILES": str(path)}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(
        SettingError, match=r'^MODEL_PROFILES: fallbacks\."other"\.api_key: a key must not have'
    ) as told:
        open_servers(load(env_file=None), AsyncExitStack())
    assert key not in str(told.value)
