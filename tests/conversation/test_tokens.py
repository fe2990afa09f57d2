"""Counting needs no network and is close to what the vocabularies say."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import tiktoken

from bot.conversation import tokens
from bot.conversation.tokens import MESSAGE_TOKENS, audio_tokens, estimate, image_tokens, make_counter, qwen_encoding
from bot.conversation.usage_recorder import token_ratio

SAMPLES = {
    "english": "I went to the market yesterday and bought three apples, a loaf of bread, and some cheese for my aunt.",
    "chinese": "昨天我去市场买了三个苹果、一条面包和一些奶酪,给住在老火车站附近的奶奶。她很高兴,还请我喝了茶。",
    "russian": "Вчера я ходил на рынок и купил три яблока, буханку хлеба и сыр. Бабушка была очень рада и налила чаю.",
    "german": "Gestern war ich auf dem Markt und habe drei Äpfel, ein Brot und etwas Käse für meine Tante gekauft.",
    "code": "def add(first: int, second: int) -> int:\n    return first + second\n\nfor n in range(10):\n    print(n)",
    "digits": "555-0142, 2026-11-23, 3.14159 and 1,000,000",
}


RUNS = [chr(code) for code in range(0x3001) if chr(code).isspace()]
RUNS += [
    "a",
    "\u00e9",
    "\u044f",
    "\u7684",
    "1",
    "_",
    ".",
    "~",
    "\U0001f600",
    "\u0301",
    "\0",
    "\u200b",
    " \u00a0",
    "\t\u2028",
]
RUNS += ["  \u3000", " \n\u00a0", "x\u00a0", "a\u00e9", "a1", " .", "'s", "\r\n"]
"""What a text may go on with without an end: each blank there is, and one of every other class of signs."""


def _seconds(count: Callable[[str], int], text: str) -> float:
    times = []
    for _ in range(3):
        begun = time.thread_time()
        count(text)
        times.append(time.thread_time() - begun)
    return min(times)


@pytest.fixture(scope="module")
def encoding() -> tiktoken.Encoding:
    """Read once: it takes a third of a second."""
    read = qwen_encoding()
    if read is None:
        pytest.skip("dashscope, which brings Qwen's vocabulary, is not installed")
    return read


@pytest.mark.parametrize("language", SAMPLES)
def test_estimate_is_close_to_qwens_token_count(language: str, encoding: tiktoken.Encoding) -> None:
    text = SAMPLES[language]
    counted = len(encoding.encode_ordinary(text))
    assert abs(estimate(text) - MESSAGE_TOKENS - counted) <= 0.2 * counted


def test_an_empty_text_costs_its_message_only() -> None:
    assert estimate("") == MESSAGE_TOKENS


@pytest.mark.parametrize("model", ["qwen-plus", "gpt-4o", "anything"])
def test_counter_is_always_available_without_download(
    model: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("tiktoken.load.read_file", lambda _: pytest.fail("this would be a download"))
    assert make_counter(model)("hello") > MESSAGE_TOKENS


def test_without_the_vocabulary_it_is_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "find_spec", lambda _: None)
    assert make_counter("qwen-plus")("hello there") == estimate("hello there")


def test_image_costs_its_patches_plus_two() -> None:
    assert image_tokens(640, 480) == 20 * 15 + 2
    assert image_tokens(641, 480) == 21 * 15 + 2
    assert image_tokens(560, 280, patch=28) == 20 * 10 + 2


def test_audio_costs_by_second_and_at_least_one() -> None:
    assert audio_tokens(10) == 250
    assert audio_tokens(0.2) == 25
    assert audio_tokens(10.02, per_second=12.5) == 126


@pytest.mark.parametrize(("reported", "counted", "ratio"), [(110, 100, 1.1), (0, 100, None), (100, 0, None)])
def test_ratio_is_learned_from_reported_usage(reported: int, counted: int, ratio: float | None) -> None:
    assert token_ratio(reported, counted) == ratio


def test_implausible_usage_report_teaches_nothing() -> None:
    assert token_ratio(1, 100) is None
    assert token_ratio(1000, 100) is None


@pytest.mark.parametrize("run", RUNS, ids=ascii)
def test_a_longer_run_takes_longer_in_proportion(run: str) -> None:
    length = 2000 // len(run)
    assert _seconds(estimate, run * 4 * length + "x") < 8 * _seconds(estimate, run * length + "x") + 0.02


@pytest.fixture
def count(encoding: tiktoken.Encoding, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    monkeypatch.setattr(tokens, "qwen_encoding", lambda: encoding)
    return make_counter("qwen-plus")


@pytest.mark.parametrize("run", [" ", "\u00a0", " \u3000"], ids=ascii)
def test_a_million_blanks_are_counted_as_well(run: str, count: Callable[[str], int]) -> None:
    assert count(run * 500_000) > 9 * count(run * 50_000)


def test_long_text_counts_like_its_pages(encoding: tiktoken.Encoding, count: Callable[[str], int]) -> None:
    text = (" ".join(SAMPLES.values()) + "\n\n") * 200
    assert abs(count(text) - MESSAGE_TOKENS - len(encoding.encode_ordinary(text))) <= 5


@pytest.mark.parametrize("blanks", [" ", "\u00a0", "\n\t"], ids=ascii)
def test_estimated_blanks_count_as_they_did(blanks: str) -> None:
    expected = {" ": 1, "\u00a0": 0, "\n\t": 1}[blanks]
    assert estimate(blanks * 50) - MESSAGE_TOKENS == expected
