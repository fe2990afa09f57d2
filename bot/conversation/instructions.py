"""What the model is asked besides answering: the texts in ``prompts/``."""

from importlib.resources import files

TOKENS_PER_WORD = 2.0
"""Generous for English (1.3) so that other languages, which take more, stay within the limit as well."""


def instruction(name: str, *, most_tokens: int = 0) -> str:
    """The text in ``prompts/{name}.md``; `most_tokens` is told as a number of words."""
    text = files("bot.conversation").joinpath("prompts", f"{name}.md").read_text(encoding="utf-8")
    return text.strip().replace("{words}", str(int(most_tokens / TOKENS_PER_WORD)))
