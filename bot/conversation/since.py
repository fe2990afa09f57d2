"""The time that somebody asks about: "3h", "3ч", "3小时", "3 días", "1w", "half an hour", "seit gestern", "since 9:30".

Names of days and dates are read as in recall (``time_ranges``); the words for minutes to years are those of CLDR, by
Babel, and the further ones of ``words/durations.toml``.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import cache
from importlib.resources import files
from typing import Literal

from babel.units import format_unit

from bot.conversation.time_ranges import named_time
from bot.conversation.time_words import time_words

MOST_CHARACTERS = 100
LONGEST = timedelta(days=36_500)
_UNITS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
_OF_RECALL = ("day", "week", "month", "year")
_AMOUNTS = (1, 2, 3, 5, 11)
"""Their words differ where those of any number do."""
_UNSPACED = frozenset({"zh", "ja", "ko", "th"})
_LETTER = r"[^\W\d_]"
_CLOCK = re.compile(
    r"(?<![\d:.])(?P<h>[01]?\d|2[0-3]):(?P<m>[0-5]\d)(?![\d:])|(?<![\d:.])(?P<g>\d{1,2}) ?(?P<p>am|pm)\b"
)


@dataclass(frozen=True, slots=True)
class _Words:
    amount: re.Pattern[str]
    units: tuple[tuple[re.Pattern[str], timedelta], ...]
    numbers: tuple[re.Pattern[str], ...]
    since: re.Pattern[str]
    least: int
    """Signs of a unit that may stand without its number."""


def time_asked(words: str, languages: Iterable[str], now: datetime, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """From and up to when, in the first of the languages that can be read; None where no time is named."""
    told = unicodedata.normalize("NFKC", words)[:MOST_CHARACTERS].casefold()
    for language in dict.fromkeys(languages):
        known = _words(language)
        if known is None:
            continue
        length, written = _length(told, known)
        named = named_time(told, (language,), now, zone)
        if named is not None and len(told) - len(named.rest) + 1 >= written:
            begin, clock = named.begin, _CLOCK.search(named.rest)
            if clock is not None and named.end - begin <= timedelta(days=1):
                begin = _at(begin, clock)
            return begin, now if clock or known.since.search(told) else min(named.end, now)
        if length:
            return now - min(length, LONGEST), now
    if clock := _CLOCK.search(told):
        begin = _at(now.astimezone(zone), clock)
        return begin - timedelta(days=begin > now), now
    return None


def _at(day: datetime, clock: re.Match[str]) -> datetime:
    hour = int(clock["h"] or clock["g"])
    if clock["p"]:
        hour = hour % 12 + 12 * (clock["p"] == "pm")
    return day.replace(hour=hour, minute=int(clock["m"] or 0), second=0, microsecond=0)


def _length(told: str, known: _Words) -> tuple[timedelta, int]:
    """All amounts together ("1h 30m"), and the characters of the longest."""
    length, longest = timedelta(), 0
    for found in known.amount.finditer(told):
        if not (found["figure"] or found["half"] or found["word"]) and len(found["unit"]) < known.least:
            continue
        unit = next(one for pattern, one in known.units if pattern.fullmatch(found["unit"]))
        number = 0.5 if found["half"] else _number(found, known)
        length += min(number, LONGEST / unit) * unit
        longest = max(longest, len(found[0]))
    return length, longest


def _number(found: re.Match[str], known: _Words) -> float:
    if found["figure"]:
        return float(found["figure"].replace(",", "."))
    return next((at for at, one in enumerate(known.numbers, 1) if one.fullmatch(found["word"] or "")), 1.0)


@cache
def _words(language: str) -> _Words | None:
    named, table = time_words(language), _tables().get(language)
    if named is None or table is None:
        return None
    known = {unit: _of_unit(language, unit, table) for unit in _UNITS}
    for unit, pattern in zip(_OF_RECALL, named.units, strict=True):
        known[unit].insert(1, pattern.pattern)
    units = "|".join(each for one in known.values() for each in one)
    numbers = "|".join(one.pattern for one in named.numbers)
    begins, ends = ("", "") if language in _UNSPACED else (rf"(?<!{_LETTER})", rf"(?!{_LETTER})")
    half = table.get("half", "(?!)")
    amount = (
        rf"(?:(?P<figure>(?<![\d.,])\d{{1,6}}(?:[.,]\d{{1,2}})?)[ -]?|(?P<half>{begins}(?:{half})) ?"
        rf"|(?P<word>{begins}(?:{numbers})) ?|{begins})(?P<unit>{units}){ends}"
    )
    before, behind = table.get("since", "(?!)"), table.get("after", "(?!)")
    return _Words(
        re.compile(amount),
        tuple((re.compile("|".join(each)), _UNITS[unit]) for unit, each in known.items()),
        named.numbers,
        re.compile(rf"{begins}(?:{before}){ends}|(?:{behind}){ends}"),
        3 if begins else MOST_CHARACTERS,
    )


def _of_unit(language: str, unit: str, table: Mapping[str, str]) -> list[str]:
    """The longest first, since the shortest begin them."""
    lengths: tuple[Literal["narrow", "short", "long"], ...] = ("narrow", "short", "long")
    written = {
        unicodedata.normalize("NFKC", format_unit(amount, f"duration-{unit}", length, locale=locale)).casefold()
        for locale in ((language, "zh_Hant") if language == "zh" else (language,))
        for length in lengths
        for amount in _AMOUNTS
    }
    words = {re.sub(r"[\d.\s]+", " ", one).strip() for one in written if re.search(r"\d", one)}
    return [table.get(unit, "(?!)"), *map(re.escape, sorted(filter(None, words), key=len, reverse=True))]


@cache
def _tables() -> Mapping[str, Mapping[str, str]]:
    text = (files("bot.conversation") / "words" / "durations.toml").read_text(encoding="utf-8")
    return tomllib.loads(unicodedata.normalize("NFKC", text))


LANGUAGES = tuple(_tables())
"""Those whose words are known."""
