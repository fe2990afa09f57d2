"""Whether a request is tried again, and how long to wait before it is: the same for all interfaces.

How long a server asks to wait, where it says so in its words or in a field of an error.
"""

import random
import re
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from time import time

from bot.concurrency import backoff
from bot.errors import ModelError, NoAnswerInTime, RateLimited, ServerTrouble
from bot.llm.error_bodies import ErrorDetails

FIRST_S, LONGEST_S = 0.5, 8.0
JITTER = 0.25
"""The share of a pause that is left to chance, so that many clients do not come back at once."""
MOST_PATIENCE_S = 120.0
PASSING = (RateLimited, ServerTrouble, NoAnswerInTime)
"""What may go better at the next try."""
_LASTING = re.compile(r"(?:not|n't) support|unsupported|requires --|unknown (?:field|param|arg)|unrecognized")
"""What no further try makes better, although the status is one of a server in trouble: llama.cpp says so of tools."""
_CROWDED = re.compile(r"overload|\bbusy\b|capacity|queue|pending requests|too many|concurren")
_CROWDED_STATUSES = (502, 503, 529)
_SPANS = (
    r"((?:\d+(?:\.\d+)?\s?(?:ms|milliseconds?|d(?:ays?)?|h(?:ours?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)\b\s*"
    r"|\d+(?:\.\d+)?(?:h|m)(?=\d))+)"
)
_RETRY = re.compile(
    r"\b(?:(?:re)?try(?:ing)?(?: again)?|wait|available|resets?|cool ?down)\b"
    rf"(?:[^.\d]{{0,30}}?\b(?:in|after|for))?(?: about| approximately)?\W{{1,3}}{_SPANS}"
)
_SPAN = re.compile(r"(?<!\d)(\d+(?:\.\d+)?)\s?(ms|milli|d|h|m|s)")
_ONE = re.compile(r"\b(?:in|after|for|wait) (?:a|one|another) (second|minute|hour)\b")
_BARE = re.compile(r"\bretry[ _-]after\W{1,3}(\d+(?:\.\d+)?)(?![\d-])(?!\.\d|\s?\w)")
"""As in the header: seconds."""
_FOREIGN = re.compile(
    r"(?<!\d)(?P<number>\d+(?:\.\d+)?)\s?(?P<unit>秒|分)[钟鐘]?[之以]?[后後]|через (?P<amount>\d+) (?P<name>сек|мин)"
)
_UNITS_S = {
    "ms": 0.001,
    "milli": 0.001,
    "d": 86_400.0,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "秒": 1,
    "分": 60,
    "сек": 1,
    "мин": 60,
}


def is_passing(error: ModelError) -> bool:
    """Whether the next try may go better, as far as the server's words tell.

    llama.cpp refuses a picture with a 500, OpenAI says with a 429 that the account is empty. Who was silent has been
    waited for.
    """
    if not isinstance(error, PASSING) or (isinstance(error, NoAnswerInTime) and error.status is None):
        return False
    return error.sent and not (error.status in (500, 501) and _LASTING.search(str(error).lower()))


def pause(attempt: int, tries: int, error: ModelError) -> float | None:
    """Seconds until the try after this one (0 is the first); None: there is none.

    Who came when the server had too much to do is not tried again from here: it is queued (``gate``).
    """
    asked = asked_wait(error)
    if attempt >= tries or is_crowded(error) or not is_passing(error) or (asked or 0) > MOST_PATIENCE_S:
        return None
    return asked or backoff(attempt + 1, FIRST_S, LONGEST_S) * (1 - JITTER * random.random())  # noqa: S311 - no secret


def asked_wait(error: ModelError) -> float | None:
    """The seconds that the server asks to wait: by its header, which may be a date, or in its words."""
    header = error.retry_after.strip()
    if not header:
        return error.wait_s
    with suppress(ValueError):
        return max(0.0, float(header))
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time())
    except (ValueError, OverflowError):
        return error.wait_s


def retry_after(headers: Mapping[str, str]) -> str:
    """What a response's headers say of that, in seconds or as a date."""
    milliseconds = headers.get("retry-after-ms", "")
    if re.fullmatch(r"\d+(?:\.\d+)?", milliseconds):
        return str(float(milliseconds) / 1000)
    return headers.get("retry-after", "")


def is_crowded(error: ModelError) -> bool:
    """Whether the server says that it is asked too much, and not that it is broken."""
    if isinstance(error, RateLimited):
        return error.sent and error.status != 413  # that was too long for what a minute may hold
    if not isinstance(error, ServerTrouble) or error.status not in _CROWDED_STATUSES:
        return False
    return _CROWDED.search(str(error).lower()) is not None


def told_wait(found: ErrorDetails) -> float | None:
    """The seconds after which the server's words, or a field of theirs, want to be asked again."""
    if found.delay and (match := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*s?\s*", found.delay)):
        return float(match[1])
    words = found.words.lower()
    if asked := _RETRY.search(words):
        return sum(float(number) * _UNITS_S[unit] for number, unit in _SPAN.findall(asked[1]))
    if asked := _BARE.search(words):
        return float(asked[1])
    if asked := _FOREIGN.search(words):
        return float(asked["number"] or asked["amount"]) * _UNITS_S[asked["unit"] or asked["name"]]
    asked = _ONE.search(words)
    return _UNITS_S[asked[1][0]] if asked else None
