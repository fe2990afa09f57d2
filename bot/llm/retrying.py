"""The retry policy of all APIs, and the wait that a server asks for in a header, an error field or its message."""

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
"""The random share of a pause, so that many clients don't return at once."""
MOST_PATIENCE_S = 120.0
PASSING = (RateLimited, ServerTrouble, NoAnswerInTime)
"""Errors that may pass."""
_LASTING = re.compile(r"(?:not|n't) support|unsupported|requires --|unknown (?:field|param|arg)|unrecognized")
"""Errors that never pass in spite of a 5xx status: llama.cpp's about tools."""
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
"""Seconds, as in the header."""
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
    """Whether a retry may succeed, as far as the message tells.

    llama.cpp refuses pictures with a 500, and OpenAI reports missing credit with a 429. Silence isn't retried: it has
    cost its full timeout already.
    """
    if not isinstance(error, PASSING) or (isinstance(error, NoAnswerInTime) and error.status is None):
        return False
    return error.sent and not (error.status in (500, 501) and _LASTING.search(str(error).lower()))


def retry_delay(attempt: int, tries: int, error: ModelError) -> float | None:
    """Seconds to wait before the next attempt (`attempt` counts from 0), or None for no retry.

    A request refused because the server is busy isn't retried here: it is queued again (``request_queue``).
    """
    asked = requested_wait(error)
    if attempt >= tries or is_crowded(error) or not is_passing(error) or (asked or 0) > MOST_PATIENCE_S:
        return None
    return asked or backoff(attempt + 1, FIRST_S, LONGEST_S) * (1 - JITTER * random.random())  # noqa: S311 - no secret


def requested_wait(error: ModelError) -> float | None:
    """The seconds that the server asks to wait, from a header (which may hold a date) or the message."""
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
    """The wait in the headers of a response, in seconds or as a date."""
    milliseconds = headers.get("retry-after-ms", "")
    if re.fullmatch(r"\d+(?:\.\d+)?", milliseconds):
        return str(float(milliseconds) / 1000)
    return headers.get("retry-after", "")


def is_crowded(error: ModelError) -> bool:
    """Whether the server is overloaded rather than broken."""
    if isinstance(error, RateLimited):
        return error.sent and error.status != 413  # too long for the quota of a minute, so waiting won't help
    if not isinstance(error, ServerTrouble) or error.status not in _CROWDED_STATUSES:
        return False
    return _CROWDED.search(str(error).lower()) is not None


def wait_in(found: ErrorDetails) -> float | None:
    """The wait in seconds that the message or an error field asks for."""
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
