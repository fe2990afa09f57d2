"""System prompts that a chat can choose: the texts in ``prompts/personas/``."""

from functools import cache
from importlib.resources import files

NAMES = ("brief", "teacher", "engineer", "translator")


@cache
def persona(name: str) -> str:
    """The system prompt of this name."""
    file = files("bot.conversation").joinpath("prompts", "personas", f"{name}.md")
    return " ".join(file.read_text(encoding="utf-8").split())


def name_of(prompt: str | None) -> str | None:
    """The name of a system prompt that is one of these."""
    return next((name for name in NAMES if persona(name) == prompt), None)
