"""Which key the settings give to which address."""

import pytest

from bot.errors import SettingError
from bot.settings import load
from tests.test_settings import only_what_a_test_sets as only_what_a_test_sets


@pytest.mark.parametrize(
    "url",
    [
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        "https://DashScope-US.aliyuncs.com:443/compatible-mode/v1",
        "https://cn-hongkong.dashscope.aliyuncs.com/compatible-mode/v1",
        "https://ep-2ze.dashscope.cn-beijing.privatelink.aliyuncs.com/compatible-mode/v1",
        "https://llm-abc.ap-southeast-1.maas.aliyuncs.com/compatible-mode/v1",
    ],
)
def test_dashscopes_key_goes_to_dashscopes_hosts(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-dash")
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    assert load().model_key == "sk-dash"


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "http://127.0.0.1:8000/v1",
        "https://dashscope.aliyuncs.com.evil.example/v1",
        "https://evil.example/dashscope.aliyuncs.com/v1",
        "https://notdashscope.aliyuncs.com/v1",
        "https://dashscope.oss-cn-beijing.aliyuncs.com/v1",
        "https://mymaas.aliyuncs.com/v1",
    ],
)
def test_dashscopes_key_goes_nowhere_else(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-dash")
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    with pytest.raises(SettingError, match=r"^OPENAI_API_KEY is missing: DASHSCOPE_API_KEY is only for DashScope"):
        load()


@pytest.mark.parametrize(
    ("url", "native", "shared"),
    [
        (None, None, True),
        (None, "http://127.0.0.1:8000/api/v1", False),
        (None, "https://dashscope.aliyuncs.com/api/v1", True),
        ("https://dashscope.aliyuncs.com/compatible-mode/v1", None, True),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/api/v1", True),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8001/api/v1", False),
        ("https://api.openai.com/v1", None, False),
    ],
)
def test_the_native_interface_gets_dashscopes_key(
    url: str | None, native: str | None, shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"OPENAI_API_KEY": "sk-main", "DASHSCOPE_API_KEY": "sk-dash", "LLM_API": "dashscope"}
    for name, value in {**given, "OPENAI_BASE_URL": url, "DASHSCOPE_BASE_URL": native}.items():
        monkeypatch.setenv(name, value or "")
    assert load().model_key == "sk-dash"
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    if shared:
        assert load().model_key == "sk-main"
    else:
        with pytest.raises(SettingError, match=r"^DASHSCOPE_API_KEY is missing: "):
            load()


@pytest.mark.parametrize(
    ("url", "native"),
    [
        (None, "https://dashscope-intl.aliyuncs.com/api/v1"),
        ("https://dashscope.aliyuncs.com/compatible-mode/v1", "https://dashscope.aliyuncs.com/api/v1"),
        ("https://dashscope-us.aliyuncs.com/compatible-mode/v1/", "https://dashscope-us.aliyuncs.com/api/v1"),
        (
            "https://ws1.ap-southeast-1.maas.aliyuncs.com/compatible-mode/v1",
            "https://ws1.ap-southeast-1.maas.aliyuncs.com/api/v1",
        ),
        ("https://api.openai.com/v1", "https://dashscope-intl.aliyuncs.com/api/v1"),
    ],
)
def test_the_native_interface_is_in_the_same_region(
    url: str | None, native: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url or "")
    assert load().dashscope_url == native
    monkeypatch.setenv("DASHSCOPE_BASE_URL", "https://dashscope-us.aliyuncs.com/api/v1")
    assert load().dashscope_url == "https://dashscope-us.aliyuncs.com/api/v1"


KEYS = {
    "sk-ant-api03-x": "https://api.anthropic.com/v1",
    "sk-or-v1-x": "https://openrouter.ai/api/v1",
    "gsk_x": "https://api.groq.com/openai/v1",
    "AIzaSyX": "https://generativelanguage.googleapis.com/v1beta/openai",
    "xai-x": "https://api.x.ai/v1",
    "sk-proj-x": "https://api.openai.com/v1",
    "sk-xT3BlbkFJx": "https://api.openai.com/v1",
    "pplx-x": "https://api.perplexity.ai",
    "nvapi-x": "https://integrate.api.nvidia.com/v1",
}


@pytest.mark.parametrize(("key", "home"), KEYS.items())
def test_a_key_goes_to_no_other_provider(key: str, home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    elsewhere = "https://api.deepseek.com/v1", "https://dashscope.aliyuncs.com/compatible-mode/v1", *KEYS.values()
    for url in ("", *(one for one in elsewhere if one != home)):
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        with pytest.raises(SettingError, match=rf"^OPENAI_BASE_URL: .*set it to {home}, ") as caught:
            load()
        assert key not in str(caught.value)
    for url in (home, "https://gateway.example/v1", "http://127.0.0.1:4000", "https://notopenai.com/v1"):
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        assert load().model_key == key


@pytest.mark.parametrize("what", ["EMBEDDING", "TRANSCRIPTION", "FALLBACK", "DASHSCOPE"])
def test_other_keys_go_to_their_providers_too(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"MODEL": "m", "API_KEY": "gsk_x", "BASE_URL": "https://dashscope.aliyuncs.com/v1"}.items():
        monkeypatch.setenv(f"{what}_{name}", value)
    with pytest.raises(SettingError, match=f"^{what}_BASE_URL: this is a key from Groq"):
        load()
    monkeypatch.setenv(f"{what}_BASE_URL", "https://api.groq.com/openai/v1")
    load()


MODELS_URLS = ("OPENAI_BASE_URL", "EMBEDDING_BASE_URL", "TRANSCRIPTION_BASE_URL", "FALLBACK_BASE_URL")


@pytest.mark.parametrize("name", [*MODELS_URLS, "DASHSCOPE_BASE_URL", "TELEGRAM_API_URL", "WEBHOOK_URL"])
@pytest.mark.parametrize(
    "url", ["https://ann:very_secret@h.example/v1", "https://very_secret@h.example", "https://:@h.example"]
)
def test_no_address_holds_a_password(name: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, url)
    with pytest.raises(SettingError, match=rf"^{name}: an address must not have a name or password") as caught:
        load()
    assert "very_secret" not in str(caught.value)


def test_a_query_goes_with_a_models_address_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://h.example/v1/?api-version=2024-10-21&key=very_secret"
    for name, value in {**dict.fromkeys(MODELS_URLS, url), "FALLBACK_MODEL": "f", "FALLBACK_API_KEY": "k"}.items():
        monkeypatch.setenv(name, value)
    settings = load()
    assert settings.openai_base_url == "https://h.example/v1?api-version=2024-10-21&key=very_secret"
    assert "very_secret" in settings.secrets
    assert "2024-10-21" not in settings.secrets
    for name in ("DASHSCOPE_BASE_URL", "TELEGRAM_API_URL"):
        monkeypatch.setenv(name, url)
        with pytest.raises(SettingError, match=rf"^{name}: "):
            load()
        monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("url", "beside", "key"),
    [
        ("https://a.example/v1", "", "sk-main"),
        ("https://a.example/v1", "https://A.example:443/embed", "sk-main"),
        ("https://a.example/v1", "http://a.example/v1", None),
        ("https://a.example/v1", "https://a.example:8443/v1", None),
        ("https://a.example/v1", "https://b.a.example/v1", None),
        ("http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1", None),
        ("http://127.0.0.1:1/v1", "http://localhost:1/v1", None),
        ("https://a.example/v1", "https://dashscope.aliyuncs.com/compatible-mode/v1", "sk-dash"),
    ],
)
@pytest.mark.parametrize("what", ["EMBEDDING", "TRANSCRIPTION"])
def test_the_main_key_stays_on_its_origin(
    url: str, beside: str, key: str | None, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"OPENAI_API_KEY": "sk-main", "DASHSCOPE_API_KEY": "sk-dash", "OPENAI_BASE_URL": url}
    for name, value in {**given, f"{what}_BASE_URL": beside}.items():
        monkeypatch.setenv(name, value)
    assert getattr(load(), f"{what.lower()}_key") == key
    monkeypatch.setenv(f"{what}_API_KEY", "sk-own")
    assert getattr(load(), f"{what.lower()}_key") == "sk-own"


def test_quotes_around_key_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", '"sk-any"')
    assert load().model_key == "sk-any"
    monkeypatch.setenv("OPENAI_API_KEY", "'sk-ant-any'")
    with pytest.raises(SettingError, match=r"^OPENAI_BASE_URL: this is a key from Anthropic"):
        load()


def test_fallback_key_without_address_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALLBACK_MODEL", "other")
    monkeypatch.setenv("FALLBACK_API_KEY", "gsk_any")
    with pytest.raises(SettingError, match=r"^FALLBACK_BASE_URL: this is a key from Groq"):
        load()
