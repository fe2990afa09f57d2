"""What the model is asked besides answering: the texts in ``prompts/``."""

from importlib.resources import files

TOKENS_PER_WORD = 2.0
"""Generous for English (1.3) so that other languages, which take more, stay within the limit as well."""


def instruction(name: str, *, most_tokens: int = 0, **numbers: int) -> str:
    """The text in ``prompts/{name}.md``; `most_tokens` is told as a number of words, `numbers` as they are called."""
    text = files("bot.conversation").joinpath("prompts", f"{name}.md").read_text(encoding="utf-8").strip()
    for key, number in {"words": int(most_tokens / TOKENS_PER_WORD), **numbers}.items():
        text = text.replace(f"{{{key}}}", str(number))
    return text
