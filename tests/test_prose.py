"""Docstrings and comments are plain English: words that mark translated prose stay out."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("bot", "storage", "sandbox", "benchmarks")

BANNED = {
    "all the same": "anyway",
    "anew": "again",
    "anybody": "anyone",
    "as it stands": "as it is, unchanged",
    "behind (?:it|them|what|this|that|the words|an answer|a text|each)": "after",
    "beside(?! the point)": "next to, in addition to",
    "everybody": "everyone",
    "for ever": "forever",
    "in vain": "without success",
    "of ours": "our own, or name whose",
    "on (?:its|their) way": "being sent, about to arrive",
    "owed": "pending, due",
    "so long(?! as)": "for this long, until then",
    "so many": "this many, up to N",
    "somebody": "someone, a user",
    "stands(?! (?:in )?for)": "is, is written, comes",
    "(?:taken|took) up": "resumed, handled",
    "(?:is|are|was|were) told": "is informed; or say what happens",
    "under way": "in progress",
    "what becomes of": "the outcome of",
    "what stands": "what is, what is written",
    "whoever": "anyone who, the user who",
    "wholly": "completely",
    "without a word": "silently",
}
"""Patterns, matched as whole words in any case, and what a native writer would say."""

_PATTERN = re.compile(rf"\b(?:{'|'.join(BANNED)})\b", re.IGNORECASE)


def prose(source: str) -> Iterator[str]:
    """The docstrings of modules, classes, functions and attributes, and the comments."""
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", ())
        for statement in body if isinstance(body, list) else ():
            match statement:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield text
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def banned_words(source: str) -> list[str]:
    """The banned words in a source's prose; a source without any of them isn't even parsed."""
    if _PATTERN.search(" ".join(source.split())) is None:
        return []
    return [found[0] for text in prose(source) for found in _PATTERN.finditer(" ".join(text.split()))]


def test_prose_has_no_banned_words() -> None:
    found: dict[str, list[str]] = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if words := banned_words(path.read_text(encoding="utf-8")):
                found[str(path.relative_to(ROOT))] = words
    assert found == {}, "see BANNED for other words"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('"""Whoever asks is told."""', ["Whoever", "is told"]),
        ("X = 1\n'''Made anew.'''", ["anew"]),
        ("x = 1  # so\n# many of ours", ["of ours"]),
        ("def f():\n    '''What\n    stands there.'''", ["What stands"]),
        ("x = 'somebody'", []),
        ("# a stand-in that stands for another, so long as it is left behind", []),
    ],
)
def test_banned_words_are_found(source: str, words: list[str]) -> None:
    assert banned_words(source) == words
