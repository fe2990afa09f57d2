"""Words that are known by heart, in ``words/``: how questions begin, and the stop words of each language.

A stop word of one language is a word of another ("son", "war", "die", "man"), so a text loses only those of its own.
"""

from collections.abc import Collection
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

GERMAN = "de"
LEAST_WORDS = 2
"""Distinct stop words that tell a text's language; one alone may be a word of another."""
ALONE = frozenset({"ru"})
"""Languages that share their alphabet with no other list: one word tells them."""


def language_of(words: Collection[str]) -> str | None:
    """The language whose stop words a text has the most of; None where two have as many, or there are too few."""
    found = {language: len(own.intersection(words)) for language, own in _stop_words().items()}
    most = max(found.values())
    best = [language for language, count in found.items() if count == most]
    certain = len(best) == 1 and (most >= LEAST_WORDS or (most and best[0] in ALONE))
    return best[0] if certain else None


def stop_words(language: str | None) -> frozenset[str]:
    """Words of questions and small talk that say nothing about what is asked for; empty for an unknown language."""
    return _stop_words().get(language or "", frozenset())


@cache
def openings() -> frozenset[str]:
    """How a question begins that nobody cared to end with its mark."""
    return _read(_folder() / "openings.txt")


@cache
def _stop_words() -> dict[str, frozenset[str]]:
    """By language (ISO 639-1)."""
    return {file.name.removesuffix(".txt"): _read(file) for file in (_folder() / "stop_words").iterdir()}


def _folder() -> Traversable:
    return files("bot.conversation") / "words"


def _read(file: Traversable) -> frozenset[str]:
    return frozenset(file.read_text(encoding="utf-8").split())
