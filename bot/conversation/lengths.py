"""How long a text of so many tokens is in a language, as a model is told it: in words, or in characters."""

import re

from bot.conversation.tokens import MESSAGE_TOKENS, TokenCounter

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
)
"""Thai, Lao, Tibetan, Burmese, Khmer, Japanese and Chinese: nobody counts words in them."""
UNSPACED_SHARE = 0.3
"""Of the letters, from which on a text is measured in characters."""
LEAST_SAMPLE = 200
"""Characters: fewer say little of a language."""
MOST_SAMPLE = 6000
DENSER = 1.25
"""Notes are names, numbers and dates, and take more tokens a word than talk."""
UNKNOWN = 2.0
"""Tokens a word, where there is nothing to measure: generous for English (1.3)."""


def told(most_tokens: int, sample: str, count_tokens: TokenCounter) -> str:
    """So many tokens as a number of words or characters, by how a sample is written."""
    text = sample[-MOST_SAMPLE:]
    letters = sum(map(str.isalpha, text))
    if letters < LEAST_SAMPLE:
        return f"{int(most_tokens / UNKNOWN)} words"
    tokens = count_tokens(text) - MESSAGE_TOKENS
    if len(_UNSPACED.findall(text)) > UNSPACED_SHARE * letters:
        each = tokens / sum(not char.isspace() for char in text)
        return f"{int(most_tokens / max(each * DENSER, 0.1))} characters"
    each = tokens / len(text.split())
    return f"{int(most_tokens / max(each * DENSER, 1.0))} words"
