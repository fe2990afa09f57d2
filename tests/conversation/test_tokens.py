"""Counting needs no network and is roughly right."""

import pytest

from bot.conversation.tokens import MESSAGE_TOKENS, counter, estimate


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("The quick brown fox jumps over the lazy dog.", 10), ("今天天气怎么样", 5), ("Как дела сегодня", 6)],
)
def test_the_estimate_is_near_the_count_of_a_real_vocabulary(text: str, tokens: int) -> None:
    assert abs(estimate(text) - MESSAGE_TOKENS - tokens) <= 2


def test_there_is_always_a_counter() -> None:
    assert counter()("hello") > MESSAGE_TOKENS
