"""Single words that a server's error repeats from the prompt, which are cut before the error is logged.

Longer quotations are cut by ``error_bodies.redact_prompt``. The words by which errors are recognized stay, and so do
plain ones: they say what is wrong, and nothing about the person who happens to use them too.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from types import ModuleType

from bot.llm import error_codes, foreign_wordings, media_wordings, retrying, wordings
from bot.llm.error_bodies import LEFT_OUT, MOST, WIDE

SHORTEST, SHORTEST_NUMBER, WIDE_RUN = 4, 3, 3
"""The fewest letters of a word, the fewest of one with digits, and how many Chinese or Japanese signs count as one."""
_WORD = re.compile(rf"[^\W_{WIDE}-\U0010ffff]+|[{WIDE}-\U0010ffff]+")
_LETTERS = re.compile(r"[a-z]{2,}")
_PLAIN = """
able about access account according after again against agent allow allowed already also although always another
answer answers array attempt available back balance because been before begin being below between body both busy
call called cause change character characters check client come complete completion connection contact contain
contains content correct could create current data date deployed deployment description detail details different
does doesn't done down during each either else empty encountered endpoint enough ensure error errors even every
example exist exists expected fail failed failure false field file filter find first following form format found
free from full function future gateway generate generated given going good have header help here host however http
https ignore information inside instead internal into invalid issue item json just keep know language last later
least length less like likely limit list load long longer look made mail make many match maximum means message
messages method minimum minute missing model models more most must name need needs never next null number object
occurred only open operation option order other output over page parameter parse part path payment period please
plan policy possible problem processing prompt property provide provided provider proxy quota rate read reason
received refused region rejected request requested requests required resource response restart result retry return
role running same second seconds seems send sent server servers service session should simple since size some
something soon specified start state status still stop stream string such support supported system take temporarily
text than that their them then there these they thing this those through time times timeout today token tokens tool
tools total true type under unexpected unknown until update upstream usage used user users using valid value values
version very violates wait want well were what when where whether which while will with within without words work
would wrong year you your
"""


def redact_words(prompt: Sequence[str], text: str) -> str:
    """Replace the words of a text that also occur in the prompt, whatever their case."""
    ours = set(_pieces(prompt))
    return _WORD.sub(lambda found: _redacted(found[0], ours), text) if ours else text


def _redacted(word: str, ours: set[str]) -> str:
    if word[0] < WIDE:
        return LEFT_OUT if word.casefold() in ours else word
    gone = [at for at in range(len(word) - WIDE_RUN + 1) if word[at : at + WIDE_RUN] in ours]
    return f"{word[: gone[0]]}{LEFT_OUT}{word[gone[-1] + WIDE_RUN :]}" if gone else word


def _pieces(prompt: Sequence[str]) -> Iterator[str]:
    for text in prompt:
        for part in (text[:MOST], text[MOST:][-MOST:]):
            for word in _WORD.findall(part):
                if word[0] >= WIDE:
                    yield from (word[at : at + WIDE_RUN] for at in range(len(word) - WIDE_RUN + 1))
                elif _tells(word := word.casefold()):
                    yield word


def _tells(word: str) -> bool:
    least = SHORTEST if word.isalpha() else SHORTEST_NUMBER
    return len(word) >= least and word not in _known()


@cache
def _known() -> frozenset[str]:
    """Plain words, and those in the patterns of errors."""
    modules = (wordings, media_wordings, foreign_wordings, error_codes, retrying)
    patterns = " ".join(pattern for module in modules for pattern in _patterns(module)).lower()
    return frozenset((*_LETTERS.findall(patterns), *_PLAIN.split()))


def _patterns(module: ModuleType) -> Iterable[str]:
    for value in vars(module).values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, re.Pattern):
            yield str(value.pattern)
        elif isinstance(value, tuple):
            yield from (part for part in value if isinstance(part, str))
