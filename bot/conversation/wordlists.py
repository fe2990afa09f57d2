"""Word lists in ``words/``: the stop words of each language, and its question words.

A stop word of one language is a word of another ("son", "war", "die", "man"), so only a text's own are removed.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from bot.conversation.stemming import USUAL, Script, script_for, script_of

GERMAN = "de"
LEAST_WORDS = 2
"""Distinct stop words that identify a language; a single one may be a word of another."""
ALSO_NAMES = {"en": ("may", "might", "mine", "will"), "es": ("sobre",)}
"""Stop words for identification that are searched for anyway, because they are also names or things."""
_LETTERS = {
    "de": "ß",
    "es": "ñ¿¡",
    "pt": "ãõ",
    "pl": "łąęśźż",
    "tr": "ğış",
    "hu": "őű",
    "ro": "țşșă",
    "cs": "ěřů",
    "uk": "іїєґ",
    "sr": "ђјљњћџ",
    "ru": "ыэё",
    "fa": "پچژگ",
    "ur": "ٹڈڑںےہھ",
}
"""Letters that hardly any other language of the script has; a word with one counts as a stop word."""
_TELLING = re.compile(f"[{''.join(_LETTERS.values())}]")
_LANGUAGES_OF_LETTER = {
    letter: tuple(language for language, own in _LETTERS.items() if letter in own)
    for letter in "".join(_LETTERS.values())
}


def votes(words: Collection[str]) -> Counter[str]:
    """For each language, how many of these words are its stop words."""
    found: Counter[str] = Counter()
    for word in words:
        for language in _speak_for(word):
            found[language] += 1
    return found


@lru_cache(maxsize=20_000)
def _speak_for(word: str) -> tuple[str, ...]:
    letters = {language for letter in _TELLING.findall(word) for language in _LANGUAGES_OF_LETTER[letter]}
    return (*_speakers().get(word, ()), *sorted(letters))


def languages_of(words: Collection[str], home: Sequence[str] = ()) -> dict[Script, str]:
    """The language of a text in each script, if it can be told; `home`: the chat's languages, most used first.

    The stop words decide, unless two languages tie or there are too few; a single one is enough for a language of the
    chat, and outside the Latin script.
    """
    recognized = {}
    counted = votes(words)
    for script in {script for word in words if (script := script_of(word)) is not None}:
        found = {language: count for language, count in counted.items() if script_for(language) is script}
        most = max(found.values(), default=0)
        best = [language for language, count in found.items() if count == most]
        at_home = next((language for language in home if language in best), None)
        usual = USUAL[script] if script is not Script.LATIN and USUAL[script] in best else None
        if at_home or usual or (len(best) == 1 and (most >= LEAST_WORDS or script is not Script.LATIN)):
            recognized[script] = at_home or usual or best[0]
    return recognized


def stop_words(language: str | None) -> frozenset[str]:
    """Words of questions and small talk that don't say what is asked about; empty for an unknown language."""
    return _stop_words().get(language or "", frozenset())


@dataclass(frozen=True, slots=True)
class QuestionWords:
    """How a language asks without a question mark: by a first word, a word or part of one anywhere, or an ending."""

    before: frozenset[str]
    """Words that may precede the question word."""
    first: frozenset[str]
    anywhere: frozenset[str]
    parts: frozenset[str]
    ends: frozenset[str]
    indefinite: frozenset[str]
    """Non-questions that contain a question word; in scripts with spaces, the endings of such words."""
    latin: bool
    """Whether it is written in Latin letters, so that a single question word may be another language's."""


@cache
def asking() -> Mapping[str, QuestionWords]:
    """The question words by language (ISO 639-1)."""
    tables = tomllib.loads((_folder() / "questions.toml").read_text(encoding="utf-8"))
    return {language: _asking(table) for language, table in tables.items()}


@cache
def indefinite_endings() -> tuple[str, ...]:
    """Endings, in any language, of words that only contain a question word."""
    return tuple(ending for known in asking().values() if not known.parts for ending in known.indefinite)


def _asking(table: Mapping[str, str]) -> QuestionWords:
    first = _ways(table, "first")
    return QuestionWords(
        before=_ways(table, "before"),
        first=first,
        anywhere=_ways(table, "anywhere"),
        parts=_ways(table, "parts"),
        ends=_ways(table, "ends"),
        indefinite=_ways(table, "indefinite"),
        latin=any(script_of(word) is Script.LATIN for word in first),
    )


@cache
def _speakers() -> Mapping[str, tuple[str, ...]]:
    """The languages that have the word as a stop word."""
    found: dict[str, list[str]] = {}
    for language, words in sorted(_stop_words().items()):
        for word in (*words, *ALSO_NAMES.get(language, ())):
            found.setdefault(word, []).append(language)
    return {word: tuple(languages) for word, languages in found.items()}


@cache
def _stop_words() -> dict[str, frozenset[str]]:
    """The stop words by language (ISO 639-1)."""
    return {file.name.removesuffix(".txt"): _read(file) for file in (_folder() / "stop_words").iterdir()}


def _ways(table: Mapping[str, str], key: str) -> frozenset[str]:
    return frozenset(table.get(key, "").casefold().replace("\u0451", "\u0435").split())


def _folder() -> Traversable:
    return files("bot.conversation") / "words"


def _read(file: Traversable) -> frozenset[str]:
    return frozenset(file.read_text(encoding="utf-8").split())
