"""What is known of servers by their address and of models by their name."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.errors import SettingError
from bot.llm.interface import CacheProfile, Capabilities
from bot.llm.known import KNOWN
from bot.llm.profiles import ModelProfile, Profiles
from bot.settings import load
from bot.wiring.servers import open_servers

UNKNOWN_WINDOW = ModelProfile().context_window


def cache_of(url: str, model: str = "qwen-plus", profiles: Profiles = KNOWN) -> CacheProfile:
    return profiles.server(url).cache(model, profiles.model(model))


@pytest.mark.parametrize(
    "url",
    [
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        "https://llm-abc.ap-southeast-1.maas.aliyuncs.com/compatible-mode/v1",
    ],
)
def test_model_studio_takes_markers(url: str) -> None:
    assert cache_of(url).explicit
    assert cache_of(url).minimum == 1024
    assert cache_of(url).lifetime_s == 300


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "http://127.0.0.1:8000/v1",
        "https://notaliyuncs.com/v1",
        "https://aliyuncs.com.example.org/v1",
        "nonsense",
    ],
)
def test_other_servers_are_not_known_to(url: str) -> None:
    assert not cache_of(url).explicit


@pytest.mark.parametrize(
    ("model", "window"),
    [
        ("qwen-plus", 995_904),
        ("qwen-plus-latest", 995_904),
        ("qwen-plus-2025-01-25", 131_072),
        ("qwen-max", 32_768),
        ("qwen3-max-preview", 258_048),
        ("Qwen/Qwen3-8B", 32_768),
        ("openai/gpt-4o-mini", 128_000),
        ("gpt-4.1-mini", 1_047_576),
        ("gpt-5-mini", 272_000),
        ("deepseek-v3.2", 128_000),
        ("deepseek-v4-flash", 1_000_000),
        ("some-model-of-mine", UNKNOWN_WINDOW),
        ("", UNKNOWN_WINDOW),
    ],
)
def test_window_comes_from_longest_known_name_prefix(model: str, window: int) -> None:
    assert KNOWN.model(model).context_window == window


SEES, READS = Capabilities(sees=True), Capabilities()


@pytest.mark.parametrize(
    ("model", "capabilities"),
    [
        ("qwen-plus-latest", Capabilities(thinks=True)),
        ("qwen-max", READS),
        ("qwen3-max", READS),
        ("Qwen/Qwen3-8B", Capabilities(thinks=True)),
        ("qwen3-30b-a3b-instruct-2507", READS),
        ("qwen3-235b-a22b-thinking-2507", READS),
        ("qwen3-coder-plus", READS),
        ("qwen3-vl-plus", Capabilities(sees=True, thinks=True)),
        ("qwen3-vl-8b-instruct", SEES),
        ("qwen3.5-plus", Capabilities(sees=True, thinks=True)),
        ("qwen2.5-7b-instruct", READS),
        ("qwen2.5-vl-7b-instruct", SEES),
        ("qwen3-omni-flash", Capabilities(sees=True, hears=True, speaks=True)),
        ("qwen3.5-omni-plus", Capabilities(sees=True, hears=True, speaks=True)),
        ("qwen3-omni-30b-a3b-captioner", Capabilities(hears=True)),
        ("deepseek-v3.2", READS),
        ("openai/gpt-4o", SEES),
        ("some-model-of-mine", SEES),
    ],
)
def test_senses_are_known_by_model_name(model: str, capabilities: Capabilities) -> None:
    assert KNOWN.model(model).capabilities == capabilities


def test_models_that_take_one_message_are_known() -> None:
    alone = [name for name in ("qwen-vl-ocr-latest", "qwen3-omni-30b-a3b-captioner") if KNOWN.model(name).single_turn]
    assert len(alone) == 2
    assert not KNOWN.model("qwen3-omni-flash").single_turn


def test_profile_file_overrides_only_what_it_names(tmp_path: Path) -> None:
    file = tmp_path / "profiles.toml"
    file.write_text(
        """
        [models."Qwen-Plus*"]
        context_window = 65536
        [models."my-*"]
        hears = true
        sees = false
        [models."my-eye"]
        sees = true
        [servers."*.example.org"]
        cache_markers = true
        vision_model = "my-eye"
        """
    )
    profiles = KNOWN.with_file(file)
    assert profiles.model("qwen-plus-latest").context_window == 65_536
    assert profiles.model("qwen-plus-latest").capabilities == Capabilities(thinks=True)
    assert profiles.model("maker/my-eye").capabilities == Capabilities(sees=True, hears=True)
    assert profiles.model("my-ear").capabilities == Capabilities(hears=True)
    assert cache_of("https://llm.example.org/v1", profiles=profiles).explicit
    assert profiles.server("https://llm.example.org/v1").vision_model == "my-eye"
    assert not cache_of("https://example.org/v1", profiles=profiles).explicit
    assert profiles.server("https://dashscope.aliyuncs.com/v1") == KNOWN.server("https://dashscope.aliyuncs.com/v1")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[models", "is not TOML"),
        ("[models.x]\nsmells = true", "models.x.smells"),
        ("[models.x]\nsees = 'yes'", "models.x.sees"),
        ("[models.x]\ncontext_window = 12", "models.x.context_window"),
        ("[model.x]\nsees = true", "model"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "profiles.toml"
    file.write_text(text)
    with pytest.raises(SettingError, match=rf"^MODEL_PROFILES: .*{reason}"):
        KNOWN.with_file(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"^MODEL_PROFILES: .*none\.toml can.t be read: No such file"):
        KNOWN.with_file(tmp_path / "none.toml")


@pytest.mark.parametrize(
    "wrong",
    [
        'base_url = "https://models.example.net/v1"',
        'api_key = "any"',
        'base_url = "models.example.net"\napi_key = "any"',
        'base_url = "https://me:word@models.example.net/v1"\napi_key = "any"',
        'base_url = "https://models.example.net/v1"\napi_key = ""',
    ],
)
def test_a_fallback_has_its_server_and_its_key(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text(f'[fallbacks."other"]\n{wrong}\n')
    with pytest.raises(SettingError, match=r"fallbacks\.other"):
        KNOWN.with_file(path)


@pytest.mark.parametrize(
    ("model", "window", "sees", "tools"),
    [
        ("qwen3.7-plus", 983_616, True, True),
        ("qwen3.7-max", 983_616, False, True),
        ("qwen3.8-27b", UNKNOWN_WINDOW, True, True),
        ("openai/gpt-6-astra", 922_000, True, True),
        ("gpt-6.2-sol", 922_000, True, True),
        ("anthropic/claude-opus-5.5", 1_000_000, True, True),
        ("claude-sonnet-5", 1_000_000, True, True),
        ("claude-sonnet-4-5-20250929", 200_000, True, True),
        ("claude-opus-4-1-20250805", 200_000, True, True),
        ("claude-opus-4.6", 1_000_000, True, True),
        ("claude-haiku-4-5", 200_000, True, True),
        ("gemini-3.1-pro-preview", 1_048_576, True, True),
        ("kimi-k3", 1_048_576, True, True),
        ("kimi-k2-0905-preview", 131_072, False, True),
        ("kimi-k2.6", 262_144, True, True),
        ("glm-4.6", 200_000, False, True),
        ("glm-4.5v", 65_536, True, True),
        ("grok-4.5", 500_000, True, True),
        ("mistral-large-latest", 131_072, True, True),
        ("deepseek-v4-pro", 1_000_000, False, True),
        ("llama3.2:3b", UNKNOWN_WINDOW, False, False),
        ("qwen3:8b", UNKNOWN_WINDOW, False, True),
        ("gemma3:4b", UNKNOWN_WINDOW, True, False),
    ],
)
def test_current_models_are_known(model: str, window: int, *, sees: bool, tools: bool) -> None:
    found = KNOWN.model(model)
    assert (found.context_window, found.sees, found.tools) == (window, sees, tools)


def test_a_new_omni_model_hears_and_speaks() -> None:
    found = KNOWN.model("qwen3.7-omni-flash")
    assert (found.hears, found.speaks, found.thinks) == (True, True, False)


def test_what_is_ours_is_in_no_extra_body(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text('[models."other"]\nextra_body = { messages = [] }\n')
    for name, value in {"TELEGRAM_BOT_TOKEN": "1:abc", "OPENAI_API_KEY": "any", "MODEL_PROFILES": str(path)}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match="'messages' is set by the bot itself"):
        open_servers(load(env_file=None), AsyncExitStack())


OPENAI, AZURE, OPENROUTER = (
    "https://api.openai.com/v1",
    "https://a.openai.azure.com/openai/v1",
    "https://openrouter.ai/api/v1",
)


@pytest.mark.parametrize(
    ("url", "model", "explicit", "exact"),
    [
        (OPENAI, "gpt-5.6", True, True),
        (OPENAI, "gpt-5.7-mini-2026-10-01", True, True),
        (AZURE, "gpt-6-sol", True, True),
        (OPENROUTER, "openai/gpt-5.6-terra", True, True),
        (OPENAI, "gpt-5.5", False, False),
        (OPENAI, "gpt-4o", False, False),
        ("https://llm.example.org/v1", "gpt-5.6", False, False),
        (OPENROUTER, "anthropic/claude-sonnet-5", True, False),
        (OPENROUTER, "qwen/qwen3.7-plus:floor", True, False),
        (OPENROUTER, "deepseek/deepseek-v4", False, False),
        ("http://litellm:4000/v1", "bedrock/claude-opus-5", True, False),
        ("http://litellm:4000/v1", "qwen3-32b", False, False),
        ("https://api.anthropic.com/v1", "claude-opus-5", False, False),
    ],
)
def test_who_is_sent_which_markers(url: str, model: str, explicit: bool, exact: bool) -> None:
    cache = cache_of(url, model)
    assert (cache.explicit, cache.exact) == (explicit, exact)
    assert cache.lifetime_s == (1800 if exact else 300)


def test_a_file_says_who_knows_breakpoints(tmp_path: Path) -> None:
    file = tmp_path / "profiles.toml"
    file.write_text(
        """
        [models."my-deployment"]
        cache_breakpoints = true
        [servers."*.example.org"]
        cache_breakpoints = true
        cache_key = true
        cache_seconds = 600
        [servers."proxy.example.net"]
        cache_markers = false
        """
    )
    profiles = KNOWN.with_file(file)
    assert cache_of("https://llm.example.org/v1", "my-deployment", profiles).exact
    assert cache_of("https://llm.example.org/v1", "my-deployment", profiles).lifetime_s == 600
    assert profiles.server("https://llm.example.org/v1").cache_key
    assert not cache_of("https://proxy.example.net/v1", "claude-opus-5", profiles).explicit


@pytest.mark.parametrize(
    ("url", "known"),
    [(OPENAI, True), (AZURE, True), ("https://api.x.ai/v1", True), (OPENROUTER, False), ("http://vllm:8000/v1", False)],
)
def test_who_is_sent_a_cache_key(url: str, known: bool) -> None:
    assert KNOWN.server(url).cache_key is known
