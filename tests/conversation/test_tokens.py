"""Counting needs no network and is close to what the vocabularies say."""

from pathlib import Path

import pytest
import tiktoken

from bot.conversation import tokens
from bot.conversation.calibration import learned
from bot.conversation.tokens import MESSAGE_TOKENS, audio_tokens, counter, estimate, image_tokens, qwen_encoding

SAMPLES = {
    "english": "I went to the market yesterday and bought three apples, a loaf of bread, and some cheese for my aunt.",
    "chinese": "昨天我去市场买了三个苹果、一条面包和一些奶酪,给住在老火车站附近的奶奶。她很高兴,还请我喝了茶。",
    "russian": "Вчера я ходил на рынок и купил три яблока, буханку хлеба и сыр. Бабушка была очень рада и налила чаю.",
    "german": "Gestern war ich auf dem Markt und habe drei Äpfel, ein Brot und etwas Käse für meine Tante gekauft.",
    "code": "def add(first: int, second: int) -> int:\n    return first + second\n\nfor n in range(10):\n    print(n)",
    "digits": "555-0142, 2026-11-23, 3.14159 and 1,000,000",
}


@pytest.fixture(scope="module")
def encoding() -> tiktoken.Encoding:
    """Read once: it takes a third of a second."""
    read = qwen_encoding()
    if read is None:
        pytest.skip("dashscope, which brings Qwen's vocabulary, is not installed")
    return read


@pytest.mark.parametrize("language", SAMPLES)
def test_the_estimate_is_close_to_what_qwens_vocabulary_counts(language: str, encoding: tiktoken.Encoding) -> None:
    text = SAMPLES[language]
    counted = len(encoding.encode_ordinary(text))
    assert abs(estimate(text) - MESSAGE_TOKENS - counted) <= 0.2 * counted


def test_an_empty_text_costs_its_message_only() -> None:
    assert estimate("") == MESSAGE_TOKENS


@pytest.mark.parametrize("model", ["qwen-plus", "gpt-4o", "anything"])
def test_there_is_always_a_counter_and_never_a_download(
    model: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("tiktoken.load.read_file", lambda _: pytest.fail("this would be a download"))
    assert counter(model)("hello") > MESSAGE_TOKENS


def test_without_the_vocabulary_it_is_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "find_spec", lambda _: None)
    assert counter("qwen-plus")("hello there") == estimate("hello there")


def test_an_image_costs_a_token_for_each_patch_and_two_more() -> None:
    assert image_tokens(640, 480) == 20 * 15 + 2
    assert image_tokens(641, 480) == 21 * 15 + 2
    assert image_tokens(560, 280, patch=28) == 20 * 10 + 2


def test_a_sound_costs_by_the_second_and_at_least_one() -> None:
    assert audio_tokens(10) == 250
    assert audio_tokens(0.2) == 25
    assert audio_tokens(10.02, per_second=12.5) == 126


@pytest.mark.parametrize(("reported", "counted", "ratio"), [(110, 100, 1.1), (0, 100, None), (100, 0, None)])
def test_a_ratio_is_learned_from_what_the_server_reports(reported: int, counted: int, ratio: float | None) -> None:
    assert learned(reported, counted) == ratio


def test_a_report_that_can_not_be_about_this_prompt_teaches_nothing() -> None:
    assert learned(1, 100) is None
    assert learned(1000, 100) is None
