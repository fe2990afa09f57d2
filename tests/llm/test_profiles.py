"""What is known of servers by their address and of models by their name."""

import pytest

from bot.llm.profiles import UNKNOWN_WINDOW, cache_of, context_window


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
        ("qwen-plus", 1_000_000),
        ("qwen-plus-latest", 1_000_000),
        ("qwen-plus-2025-01-25", 131_072),
        ("qwen-max", 32_768),
        ("qwen3-max-preview", 262_144),
        ("Qwen/Qwen3-8B", 32_768),
        ("openai/gpt-4o-mini", 128_000),
        ("gpt-4", 8_192),
        ("gpt-4.1-nano", 1_047_576),
        ("gpt-5-mini", 272_000),
        ("deepseek-chat", 128_000),
        ("deepseek-v4-flash", 1_000_000),
        ("some-model-of-mine", UNKNOWN_WINDOW),
        ("", UNKNOWN_WINDOW),
    ],
)
def test_the_longest_beginning_of_a_name_that_is_known_gives_the_window(model: str, window: int) -> None:
    assert context_window(model) == window
