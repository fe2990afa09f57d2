"""Words as they are indexed and asked for: the same text gives the same terms on both sides.

Scripts without blanks (Chinese, Japanese, Korean) are spread into pairs of signs, so that a word of two signs is found
in the middle of a sentence; SQLite's tokenizer takes a whole run of them for one word.
"""

import re
import unicodedata
from datetime import datetime

from bot.conversation.wordlists import stop_words

_RUN = re.compile(r"[\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af]+")
_WORD = re.compile(r"[^\W_]+")
MOST_TERMS = 24
"""Of a long message the first terms are asked for; more cost time and find no better."""


def spread(text: str) -> str:
    """A text for the index: compatibility forms unified, unspaced scripts in pairs."""
    return _RUN.sub(lambda run: f" {' '.join(_pairs(run[0]))} ", unicodedata.normalize("NFKC", text))


def terms(text: str) -> list[str]:
    """What a text asks for: its distinct words without those that say nothing, in their order."""
    found = [word for word in dict.fromkeys(_WORD.findall(spread(text).casefold())) if word not in stop_words()]
    return [word for word in found if len(word) > 1 or _RUN.fullmatch(word)][:MOST_TERMS]


def all_terms(text: str) -> list[str]:
    """All distinct words of a text, in their order."""
    return list(dict.fromkeys(_WORD.findall(spread(text).casefold())))[:MOST_TERMS]


def dated(at: datetime) -> str:
    """The words of a date, as people write them."""
    return f"{at:%A} {at.day} {at:%B} {at.year}"


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)] if len(run) > 1 else [run]
