"""As much of the text of a file as there is room for."""

from bot.conversation.tokens import TokenCounter


def fitting(text: str, most_tokens: int, count_tokens: TokenCounter) -> str:
    """The beginning of a text that has at most so many tokens."""
    while (tokens := count_tokens(text)) > most_tokens:
        text = text[: min(len(text) - 1, int(len(text) * most_tokens / tokens))]
    return text
