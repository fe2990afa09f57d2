"""When something was said, by the words of a question: "last Tuesday", "в конце июня", "上周三", "hace dos semanas".

A word that may be another one counts only where its neighbours say so ("in May", and not "may I"). Only the first
characters of a text are looked at, by patterns that read each of them a bounded number of times.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import cache
from importlib.resources import files

MOST_CHARACTERS = 400
"""A question is shorter; a longer message tells of many days."""
_UNITS = ("day", "week", "month", "year")
_ISO = re.compile(r"(?<!\d)((?:19|20)\d\d)-(\d\d)(?:-(\d\d))?(?!\d)")
_SIGNS_DATE = re.compile(r"(?:((?:19|20)\d\d) ?[年년] ?)?(\d{1,2}) ?[月월](?: ?(\d{1,2}) ?[日号號일])?")
_NTH = r"(?<![\d.,:])(?P<n>\d{1,2})"


_Patterns = tuple[re.Pattern[str], ...]


@dataclass(frozen=True, slots=True)
class _Language:
    relative: _Patterns
    ago: _Patterns
    phrases: tuple[tuple[re.Pattern[str], int, str], ...]
    days: _Patterns
    months: _Patterns
    last: _Patterns
    nth: _Patterns
    numbers: _Patterns
    units: _Patterns
    month_names: _Patterns
    day_names: _Patterns
    parts: _Patterns


def time_range(text: str, language: str, now: datetime, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """The time that a text names first, from and up to (not with); None where it names none.

    Times to come are none, and a month or day without its year is the last that was.
    """
    told = unicodedata.normalize("NFKC", text[:MOST_CHARACTERS]).casefold()
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    found = next(_ranges(told, _language(language), today), None)
    return found if found is not None and found[0] <= now else None


def _ranges(told: str, known: _Language | None, today: datetime) -> Iterator[tuple[datetime, datetime]]:
    for match in _ISO.finditer(told):
        yield from _date(today, int(match[1]), int(match[2]), int(match[3] or 0))
    for match in _SIGNS_DATE.finditer(told):
        yield from _date(today, int(match[1] or 0), int(match[2]), int(match[3] or 0))
    if known is not None:
        yield from _before(told, known, today)
        yield from _named(told, known, today)


def _before(told: str, known: _Language, today: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Times that are so long ago."""
    for days, pattern in enumerate(known.relative):
        if pattern.search(told):
            yield _span(today - timedelta(days=days), "day")
    for match in _found(known.ago, told):
        unit = _which(match["u"], known.units)
        yield _span(_back(today, _number(match["n"], known.numbers), unit), unit)
    for pattern, count, unit in known.phrases:
        if pattern.search(told):
            yield _span(_back(today, count, unit), unit)


def _named(told: str, known: _Language, today: datetime) -> Iterator[tuple[datetime, datetime]]:
    for match in _found(known.days, told):
        yield _weekday(match, known, today)
    for match in _found(known.months, told):
        yield from _month(match, known, today)
    for match in _found(known.last, told):
        unit = _which(match["u"], known.units)
        yield _span(_back(today, 1, unit), unit)
    for match in _found(known.nth, told):
        yield from _of_month(int(match["n"]), today)


def _found(patterns: _Patterns, told: str) -> Iterator[dict[str, str]]:
    for pattern in patterns:
        if match := pattern.search(told):
            yield match.groupdict("")


def _weekday(match: Mapping[str, str], known: _Language, today: datetime) -> tuple[datetime, datetime]:
    wanted = next(at for at, name in enumerate(known.day_names) if name.fullmatch(match["d"]))
    if match.get("week"):  # a day of the week before this
        return _span(_back(today, 1, "week") + timedelta(days=wanted - _back(today, 1, "week").weekday()), "day")
    return _span(today - timedelta(days=(today.weekday() - wanted) % 7 or 7), "day")


def _month(match: Mapping[str, str], known: _Language, today: datetime) -> Iterator[tuple[datetime, datetime]]:
    month = next(at for at, name in enumerate(known.month_names, 1) if name.fullmatch(match["m"]))
    year, day = int(match.get("y") or 0), int(match.get("a") or match.get("b") or 0)
    part = match.get("part") or match.get("behind")
    for begin, end in _date(today, year, month, day):
        if not part or day:
            yield begin, end
            continue
        third = _which(part, known.parts, ("0", "1", "2"))
        bounds = (begin, begin + timedelta(days=10), begin + timedelta(days=20), end)
        yield bounds[int(third)], bounds[int(third) + 1]


def _date(today: datetime, year: int, month: int, day: int) -> Iterator[tuple[datetime, datetime]]:
    """That day or month, where there is one; without a year the last that was."""
    for of_year in (year,) if year else range(today.year, today.year - 5, -1):
        try:
            begin = today.replace(year=of_year, month=month, day=day or 1)
        except ValueError:
            continue
        if year or begin <= today:
            yield _span(begin, "day" if day else "month")
            return


def _of_month(day: int, today: datetime) -> Iterator[tuple[datetime, datetime]]:
    first = today.replace(day=1)
    for _ in range(3):
        try:
            begin = first.replace(day=day)
        except ValueError:
            begin = today + timedelta(days=1)
        if begin <= today:
            yield _span(begin, "day")
            return
        first = (first - timedelta(days=1)).replace(day=1)


def _back(today: datetime, count: int, unit: str) -> datetime:
    count = min(count, 100)
    if unit in ("day", "week"):
        return today - timedelta(days=count * (7 if unit == "week" else 1))
    months = today.year * 12 + today.month - 1 - count * (12 if unit == "year" else 1)
    return today.replace(year=months // 12, month=months % 12 + 1, day=1)


def _span(at: datetime, unit: str) -> tuple[datetime, datetime]:
    if unit == "day":
        return at, at + timedelta(days=1)
    if unit == "week":
        monday = at - timedelta(days=at.weekday())
        return monday, monday + timedelta(days=7)
    begin = at.replace(day=1) if unit == "month" else at.replace(month=1, day=1)
    return begin, (begin + timedelta(days=32 if unit == "month" else 366)).replace(day=1)


def _which(word: str, patterns: _Patterns, names: tuple[str, ...] = _UNITS) -> str:
    return next(name for name, pattern in zip(names, patterns, strict=True) if pattern.fullmatch(word))


def _number(word: str, numbers: _Patterns) -> int:
    if word.isdecimal():
        return int(word)
    return next(at for at, pattern in enumerate(numbers, 1) if pattern.fullmatch(word))


@cache
def _language(language: str) -> _Language | None:
    """Made when it is first asked for: that takes some milliseconds."""
    table = _tables().get(language)
    return _made(table) if table else None


@cache
def _tables() -> Mapping[str, Mapping[str, str]]:
    text = (files("bot.conversation") / "words" / "times.toml").read_text(encoding="utf-8")
    return tomllib.loads(unicodedata.normalize("NFKC", text))


def _made(table: Mapping[str, str]) -> _Language:
    make = _of_signs if table.get("signs") else _of_words
    return _Language(
        **make(table),
        phrases=tuple(
            (re.compile(words), int(span[:-1]), {"y": "year", "m": "month"}[span[-1]])
            for words, span in (one.split("=") for one in table.get("phrases", "").split(";") if one)
        ),
        numbers=_each(table["numbers"].split(";")),
        units=_each(table["units"].split(";")),
        month_names=_each(_split(table["months"])),
        day_names=_each(_split(table["days"])),
        parts=_each(table["parts"].split(";")),
    )


def _of_words(table: Mapping[str, str]) -> dict[str, _Patterns]:
    unit, last, ago = _any(table["units"]), _any(table["last"]), _any(table["ago"])
    number, part = rf"\d{{1,3}}|{_any(table['numbers'])}", _any(table["parts"])
    day = r"(?<![\d.,:$€£])(?P<a>\d{1,2})(?:st|nd|rd|th|\.|º|er)?"
    month = rf"(?P<m>{table['months']})\b"
    before = rf"(?P<part>{part})(?: (?:of|de|di|do|des|del))?[ -]|d'|\b(?:{table['before']}) "
    behind = r"(?:,? (?:de |del )?(?P<y>(?:19|20)\d\d)\b)"
    return {
        "relative": _each(rf"\b(?:{one})\b" for one in table["relative"].split(";")),
        "ago": _each(
            (
                rf"\b(?P<n>{number}) (?P<u>{unit}) {ago}\b",
                rf"\b{ago} (?P<n>{number}) (?P<u>{unit})\b",
            )
        ),
        "days": _each((rf"\b(?P<d>{table['days']})\b",)),
        "months": _each(
            (
                rf"{day}(?: of| de| di| do)? {month}{behind}?",
                rf"\b{month} (?P<b>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:.,]\d|\d)(?:,? (?P<y>(?:19|20)\d\d)\b)?",
                rf"(?:{before}){month}{behind}?",
                rf"\b{month}{behind}",
            )
        ),
        "last": _each((rf"\b{last} (?P<u>{unit})\b", rf"\b(?P<u>{unit}) {last}\b")),
        "nth": _each((rf"(?:^|\b){table['nth'].replace('{n}', _NTH)}(?!\d)",)),
    }


def _of_signs(table: Mapping[str, str]) -> dict[str, _Patterns]:
    unit, last, ago = _any(table["units"]), _any(table["last"]), _any(table["ago"])
    number, part = rf"\d{{1,3}}|{_any(table['numbers'])}", _any(table["parts"])
    month = rf"(?P<m>{table['months']})"
    return {
        "relative": _each(table["relative"].split(";")),
        "ago": _each((rf"(?P<n>{number}) ?(?P<u>{unit})の?{ago}",)),
        "days": _each((rf"(?P<week>{last})(?:周|週|주)?の? ?(?P<d>{table['days']})", f"(?P<d>{table['days']})")),
        "months": _each((f"(?P<part>{part}) ?{month}", f"{month}の? ?(?P<behind>{part})?")),
        "last": _each((f"{last}(?P<u>{unit})", f"(?P<u>{unit}){last}")),
        "nth": _each((table["nth"].replace("{n}", _NTH),)),
    }


def _each(patterns: Iterable[str]) -> _Patterns:
    return tuple(re.compile(pattern) for pattern in patterns)


def _any(alternatives: str) -> str:
    return f"(?:{alternatives.replace(';', '|')})"


def _split(alternatives: str) -> list[str]:
    """At the bars that stand in no bracket."""
    return re.findall(r"(?:\((?:[^()]|\([^()]*\))*\)|[^|(])+", alternatives)
