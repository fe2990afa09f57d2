"""Words that are known by heart: in ``words/``, in English, German, Spanish, French and Russian."""

from functools import cache
from importlib.resources import files


@cache
def stop_words() -> frozenset[str]:
    """Words of questions and small talk that say nothing about what is asked for."""
    return _read("stop_words")


@cache
def openings() -> frozenset[str]:
    """How a question begins that nobody cared to end with its mark."""
    return _read("openings")


def _read(name: str) -> frozenset[str]:
    return frozenset(files("bot.conversation").joinpath("words", f"{name}.txt").read_text(encoding="utf-8").split())
