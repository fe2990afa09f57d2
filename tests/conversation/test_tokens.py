"""Counting needs no network and is roughly right."""

import pytest

from bot.conversation.tokens import MESSAGE_TOKENS, counter, estimate

ENGLISH = "I went to the market yesterday and bought three apples, a loaf of bread, and some cheese for my grandmother."
CHINESE = "昨天我去市场买了三个苹果、一条面包和一些奶酪,给住在老火车站附近的奶奶。"
RUSSIAN = "Вчера я ходил на рынок и купил три яблока, буханку хлеба и немного сыра для бабушки."


@pytest.mark.parametrize(("text", "tokens"), [("", 0), (ENGLISH, 23), (CHINESE, 21), (RUSSIAN, 36)])
def test_the_estimate_is_within_a_quarter_of_what_qwens_vocabulary_counts(text: str, tokens: int) -> None:
    assert abs(estimate(text) - MESSAGE_TOKENS - tokens) <= tokens / 4


def test_there_is_always_a_counter() -> None:
    assert counter()("hello") > MESSAGE_TOKENS
