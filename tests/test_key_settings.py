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
        "https://dashscope.aliyuncs.com@evil.example/v1",
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
    with pytest.raises(SettingError, match=r"^OPENAI_API_KEY is missing: DASHSCOPE_API_KEY goes to DashScope alone"):
        load()


@pytest.mark.parametrize(
    ("url", "native", "key"),
    [
        (None, None, "sk-main"),
        (None, "http://127.0.0.1:8000/api/v1", "sk-main"),
        ("https://dashscope.aliyuncs.com/compatible-mode/v1", None, "sk-main"),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/api/v1", "sk-main"),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8001/api/v1", "sk-dash"),
        ("https://api.openai.com/v1", None, "sk-dash"),
    ],
)
def test_the_native_interface_gets_dashscopes_key(
    url: str | None, native: str | None, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"OPENAI_API_KEY": "sk-main", "DASHSCOPE_API_KEY": "sk-dash", "LLM_API": "dashscope"}
    for name, value in {**given, "OPENAI_BASE_URL": url, "DASHSCOPE_BASE_URL": native}.items():
        monkeypatch.setenv(name, value or "")
    assert load().model_key == key
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    if key == "sk-dash":
        with pytest.raises(SettingError, match=r"^DASHSCOPE_API_KEY is missing: "):
            load()
    else:
        assert load().model_key == key


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
