"""Words as they are indexed and asked for: the same text gives the same terms on both sides.

Scripts without blanks (Chinese, Japanese, Korean) are spread into pairs of signs, so that a word of two signs is found
in the middle of a sentence; SQLite's tokenizer takes a whole run of them for one word.
"""

import re
import unicodedata
from datetime import datetime

from bot.conversation.wordlists import GERMAN, language_of, stop_words

_RUN = re.compile(r"[\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af]+")
_MARKS = "".join(chr(code) for code in range(0x300, 0x2000) if unicodedata.category(chr(code)) in ("Mn", "Mc"))
_WORD = re.compile(rf"[^\W_][^\W_{_MARKS}]*(?:[{_MARKS}]+[^\W_]*)*")
"""Marks are parts of a word, such as the vowels of Hindi."""
_SENTENCE_END = re.compile(r"[.!?…:\n\u3002\uff01\uff1f¿¡]")
MOST_TERMS = 24
"""Of a long message the first terms are asked for; more cost time and find no better."""


def spread(text: str) -> str:
    """A text for the index: forms and cases unified (SQLite leaves "ß" as it is), unspaced scripts in pairs."""
    return _RUN.sub(lambda run: f" {' '.join(_indexed(run[0]))} ", unicodedata.normalize("NFKC", text)).casefold()


def _asked(text: str) -> str:
    return _RUN.sub(lambda run: f" {' '.join(_pairs(run[0]))} ", unicodedata.normalize("NFKC", text)).casefold()


def terms(text: str) -> list[str]:
    """What a text asks for: its distinct words without those that say nothing, in their order."""
    words = dict.fromkeys(_WORD.findall(_asked(text)))
    language = language_of(words)
    nothing = stop_words(language) - (set() if language == GERMAN else _names(text))
    return [word for word in words if word not in nothing and (len(word) > 1 or _RUN.fullmatch(word))][:MOST_TERMS]


def all_terms(text: str) -> list[str]:
    """All distinct words of a text, in their order."""
    return list(dict.fromkeys(_WORD.findall(_asked(text))))[:MOST_TERMS]


def _names(text: str) -> set[str]:
    """Words with a capital inside a sentence, such as "May" and "Will", as they are asked for.

    There are none in a text that has a capital on each word, and German has one on each noun.
    """
    names, any_small, before = set(), False, 0
    for word in _WORD.finditer(text):
        any_small = any_small or word[0][0].islower()
        if (
            before
            and word[0][0].isupper()
            and len(word[0]) > 1
            and not _SENTENCE_END.search(text, before, word.start())
        ):
            names.add(_asked(word[0]).strip())
        before = word.end()
    return names if any_small else set()


def dated(at: datetime) -> str:
    """The words of a date, as people write them."""
    return f"{at:%A} {at.day} {at:%B} {at.year}"


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)] if len(run) > 1 else [run]


def _indexed(run: str) -> list[str]:
    """The pairs and the last sign: wherever a sign stands it begins one of them, so that it is found alone too."""
    return [run[at : at + 2] for at in range(len(run))]
