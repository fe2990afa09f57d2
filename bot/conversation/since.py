"""Parsing of a stretch of time: "3h", "3ч", "3小时", "3 días", "1w", "half an hour", "seit gestern", "since 9:30".

Names of days and dates are parsed as in recall (``time_ranges``). Words for minutes to years come from CLDR (Babel);
the rest is in ``words/durations.toml``.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import cache
from importlib.resources import files
from typing import Literal

from babel.dates import get_month_names
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
_LETTERS_OF = {"m": "minute", "h": "hour", "d": "day", "w": "week", "o": "month", "y": "year"}
_OF_RECALL = ("day", "week", "month", "year")
_AMOUNTS = (1, 2, 3, 5, 11)
"""Numbers whose unit names cover all plural forms."""
_UNSPACED = frozenset({"zh", "ja", "ko", "th"})
_LETTER = r"[^\W\d_]"
_HOURS_AND_MINUTES = re.compile(r"(?<![\d.,:])(\d{1,2}) ?h ?([0-5]\d)(?![\d.,:]|\s?\w)")
_DAYS = re.compile(r"(?<![\d.,月월])(?P<count>\d{1,3}) ?[日일](?!간|間| 동안)")
_SIGNS = re.compile(r"[一二三四五六七八九]?[十百][一二三四五六七八九十]*|[一二三四五六七八九](?=[点點時])")
_CLOCK = re.compile(
    r"(?<![\d:.])(?:(?P<h>[01]?\d|2[0-3]):(?P<m>[0-5]\d)|(?P<g>\d{1,2})(?= ?[ap]m))(?![\d:])(?: ?(?P<p>am|pm)\b)?"
)
_FRACTION = {"½": ".5", "¼": ".25", "¾": ".75"}
_FRACTIONS = re.compile(r"(\d{0,3}) ?([½¼¾]) ?")


@dataclass(frozen=True, slots=True)
class _Words:
    amount: re.Pattern[str]
    units: tuple[tuple[re.Pattern[str], timedelta], ...]
    numbers: tuple[tuple[re.Pattern[str], float], ...]
    spans: tuple[tuple[re.Pattern[str], timedelta], ...]
    """Words that combine a number and a unit."""
    forms: tuple[tuple[re.Pattern[str], str], ...]
    since: re.Pattern[str]
    never: re.Pattern[str]
    """Words for a time in the future."""
    begins: str
    """A word boundary; empty for scripts without spaces."""
    least: int
    """The fewest characters of a unit without a number."""


def time_asked(words: str, languages: Iterable[str], now: datetime, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """(begin, end) of the time named, in the language that parses most of it; None if there is none."""
    text = unicodedata.normalize("NFKC", _FRACTIONS.sub(_decimals, words))[:MOST_CHARACTERS].casefold().strip()
    clock, best, most, ahead = _CLOCK.search(text), None, 0, False
    for language in dict.fromkeys(languages):
        known = _words(language)
        if known is None:
            continue
        said = _normalize(text, known)
        ahead = ahead or known.never.search(said) is not None
        found, read = _parse(said, known, language, now, zone, ahead=ahead)
        read += max(0, len(text) - len(said)) if read else 0
        if read > most:
            best, most = found, read
        if most >= len(text):
            break
        clock = clock or _CLOCK.search(said)
    if best is not None:
        return best
    if clock is not None:
        begin = _at(now.astimezone(zone), clock)
        return begin - timedelta(days=begin > now), now
    return None


def _parse(
    said: str, known: _Words, language: str, now: datetime, zone: tzinfo, *, ahead: bool
) -> tuple[tuple[datetime, datetime] | None, int]:
    """The time named in this language and the number of characters it uses; `ahead`: durations are ignored."""
    length, read, longest = _duration(said, known)
    since = known.since.search(said)
    written = len(since[0]) if since else 0
    named = named_time(said, (language,), now, zone)
    if named is not None and (of_name := len(said) - len(named.rest) + 1) >= longest:
        begin, clock = named.begin, _CLOCK.search(named.rest)
        if clock is not None and named.end - begin <= timedelta(days=1):
            begin = _at(begin, clock)
        return (begin, now if clock or since else min(named.end, now)), of_name + written
    if length and not ahead:
        return (now - min(length, LONGEST), now), read + written
    return None, 0


def _decimals(found: re.Match[str]) -> str:
    return f"{found[1] or 0}{_FRACTION[found[2]]} "


def _at(day: datetime, clock: re.Match[str]) -> datetime:
    hour = int(clock["h"] or clock["g"])
    if clock["p"]:
        hour = hour % 12 + 12 * (clock["p"] == "pm")
    return day.replace(hour=hour, minute=int(clock["m"] or 0), second=0, microsecond=0)


def _normalize(text: str, known: _Words) -> str:
    """The text normalized for parsing."""
    if not known.begins:
        text = _SIGNS.sub(_chinese_number, text)
    for pattern, form in known.forms:
        text = pattern.sub(form, text)
    return _HOURS_AND_MINUTES.sub(lambda found: f"{int(found[1]) + int(found[2]) / 60:.2f}h", text)


def _chinese_number(found: re.Match[str]) -> str:
    """Convert a Chinese number up to 999 to digits."""
    number = digit = 0
    for sign in found[0]:
        if sign in "十百":
            number, digit = number + (digit or 1) * (10 if sign == "十" else 100), 0
        else:
            digit = "一二三四五六七八九".index(sign) + 1
    return str(number + digit)


def _duration(text: str, known: _Words) -> tuple[timedelta, int, int]:
    """The sum of all durations ("1h 30m"), their total length in characters, and the longest."""
    length, read, longest = timedelta(), 0, 0
    for pattern, span in known.spans:
        for found in pattern.finditer(text):
            length, read, longest = length + span, read + len(found[0]), max(longest, len(found[0]))
        text = pattern.sub(" ", text)
    if not known.since.search(text):  # after "since" it is a day of the month
        for found in _DAYS.finditer(text):
            length += timedelta(days=int(found["count"]))
            read, longest = read + len(found[0]), MOST_CHARACTERS
        text = _DAYS.sub(" ", text)
    for found in known.amount.finditer(text):
        alone = not (found["figure"] or found["half"] or found["word"])
        if alone and (len(found["unit"]) < known.least or _is_of_sentence(text, found)):
            continue
        unit = next(unit_length for pattern, unit_length in known.units if pattern.fullmatch(found["unit"]))
        number = 0.5 if found["half"] else _number(found, known)
        number += 0.5 * ((found["more"] or found["behind"]) is not None)
        length += min(number, LONGEST / unit) * unit
        read, longest = read + len(found[0]), max(longest, len(found[0]))
    return length, read, longest


def _is_of_sentence(text: str, unit: re.Match[str]) -> bool:
    """Whether a unit without a number is just a word: more words follow it at the start, or a number follows."""
    words = text[unit.end() :].split()
    return (unit.start() == 0 and len(words) > 1) or (bool(words) and words[0][0].isdecimal())


def _number(found: re.Match[str], known: _Words) -> float:
    if found["figure"]:
        return float(found["figure"].replace(",", "."))
    return next((number for pattern, number in known.numbers if pattern.fullmatch(found["word"] or "")), 1.0)


@cache
def _words(language: str) -> _Words | None:
    named, table = time_words(language), _tables().get(language)
    if named is None or table is None:
        return None
    known = {unit: _of_unit(language, unit, table) for unit in _UNITS}
    for unit, pattern in zip(_OF_RECALL, named.units, strict=True):
        known[unit].insert(1, pattern.pattern)
    units = "|".join(each for one in known.values() for each in one)
    numbers = [(one.pattern, float(at)) for at, one in enumerate(named.numbers, 1)]
    numbers = [(one, float(number)) for one, number in _pairs(table, "more")] + numbers
    spaced = language not in _UNSPACED
    begins, ends = (rf"(?<!{_LETTER})", rf"(?!{_LETTER})") if spaced else ("", "")
    blank, between = ("[ -]", rf"(?:(?<=\d) {_LETTER}{{3,14}} )?") if spaced else (" ?", "")
    half, plus = table.get("half", "(?!)"), table.get("plus", "(?!)")
    amount = (
        rf"(?:(?P<figure>(?<![\d.,])\d{{1,6}}(?:[.,]\d{{1,2}})?)(?:[ -]?|{between})|(?P<half>{begins}(?:{half}))[ -]?"
        rf"|(?P<word>{begins}(?:{'|'.join(one for one, _ in numbers)})){blank}|{begins})"
        rf"(?P<more>{'(?<=[ -])' if spaced else ''}(?:{plus}){blank})?(?P<unit>{units}){ends}"
        rf"(?P<behind> ?(?:{plus}){ends})?"
    )
    before, after = table.get("since", "(?!)"), table.get("after", "(?!)")
    return _Words(
        re.compile(amount),
        tuple((re.compile("|".join(each)), _UNITS[unit]) for unit, each in known.items()),
        tuple((re.compile(one), number) for one, number in numbers),
        tuple((re.compile(f"{begins}(?:{one}){ends}"), _span(span)) for one, span in _pairs(table, "spans")),
        (*_months(language), *((re.compile(one), form) for one, form in _pairs(table, "forms"))),
        re.compile(rf"{begins}(?:{before}){ends}|(?:{after}){ends}"),
        named.never,
        begins,
        3 if begins else MOST_CHARACTERS,
    )


def _pairs(table: Mapping[str, str], name: str) -> Iterator[tuple[str, str]]:
    for entry in filter(None, table.get(name, "").split(";")):
        pattern, _, stands_for = entry.rpartition("=")
        yield pattern, stands_for


def _months(language: str) -> Iterator[tuple[re.Pattern[str], str]]:
    """Abbreviated month names next to a number, with the full names."""
    long = get_month_names("wide", locale=language)
    for at, name in get_month_names("abbreviated", locale=language).items():
        short = name.rstrip(".").casefold()
        if language not in _UNSPACED and len(short) >= 3 and short != long[at].casefold():
            near = rf"(?:(?<=\d )|(?<=\d\. )|(?<!{_LETTER})(?=\S+ \d)){re.escape(short)}(?!{_LETTER})\.?"
            yield re.compile(near), long[at].casefold()


def _span(written: str) -> timedelta:
    return int(written[:-1]) * _UNITS[_LETTERS_OF[written[-1]]]


def _of_unit(language: str, unit: str, table: Mapping[str, str]) -> list[str]:
    """Patterns of a unit, longest first, because short ones are prefixes of others."""
    lengths: tuple[Literal["narrow", "short", "long"], ...] = ("narrow", "short", "long")
    written = {
        unicodedata.normalize("NFKC", format_unit(amount, f"duration-{unit}", length, locale=locale)).casefold()
        for locale in ((language, "zh_Hant") if language == "zh" else (language,))
        for length in lengths
        for amount in _AMOUNTS
    }
    words = {re.sub(r"[\d.\s]+", " ", word).strip() for word in written if re.search(r"\d", word)}
    ends = r"(?![a-z\u00c0-\u024f])"  # the end of "3h" in scripts without spaces
    patterns = (re.escape(word) + (ends if word.isascii() else "") for word in filter(None, words))
    return [table.get(unit, "(?!)"), *sorted(patterns, key=len, reverse=True)]


@cache
def _tables() -> Mapping[str, Mapping[str, str]]:
    text = (files("bot.conversation") / "words" / "durations.toml").read_text(encoding="utf-8")
    return tomllib.loads(unicodedata.normalize("NFKC", text).replace("ς", "\u03c3"))  # like casefold()


LANGUAGES = tuple(_tables())
"""The languages with a table."""
