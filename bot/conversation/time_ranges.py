"""Times that a question names: "last Tuesday", "в конце июня", "上周三", "hace dos semanas".

An ambiguous word counts only if its neighbours confirm it ("in May", but not "may I"). Only the beginning of a text is
examined, with patterns that read each character a bounded number of times.

In recall, turns of that time or soon after rank above equal matches: people talk about a weekend on Monday and about a
trip beforehand, and the asker may be wrong about the day.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from bot.conversation.ranking import MOST, Ranking
from bot.conversation.search_terms import likely_languages
from bot.conversation.time_words import SIGNS, Patterns, TimeWords, date_patterns, time_words, year_patterns
from storage.history import History, TimedTurn

MOST_CHARACTERS = 400
"""Questions are shorter; longer messages mention many days."""
_UNITS = ("day", "week", "month", "year")
_SPANS = {"d": "day", "w": "week", "e": "weekend", "m": "month", "y": "year"}
_WORD = re.compile(
    "[^\\s!-/:-@\\[-`{-~\u00a1\u00bf\u00ab\u00bb\u2018-\u201f\u2013\u2014\u2026\u060c\u061f\u061b\u0964\u3001\u3002\u300c\u300d]+"
)
DURING, SOON, AHEAD = 0.3, 0.2, 0.1
"""The bonus for the match of a turn from that time, soon after it, or shortly before it."""
DAY_S = 86_400.0
SOON_S, AHEAD_S = 7 * DAY_S, 3 * DAY_S
"""How long "soon after" and "shortly before" are."""
MOST_TOLD = 200
"""The most turns considered if only a time is asked about."""
FEW_TOLD = 8
"""With fewer turns from that time, those soon after are shown too."""
SLICES, STRIDE = 12, 5
"""If only a time is asked about, turns from all slices of it are shown, every fifth slice first, so that even a few are
spread out."""
MUCH_TOKENS, MUCH = 60, 0.5
"""A longer turn says more: tokens for the full bonus, and the bonus."""


class _Range(NamedTuple):
    begin: datetime
    end: datetime
    words: re.Match[str]


@dataclass(frozen=True, slots=True)
class NamedTime:
    """A time named in a text, from `begin` up to but excluding `end`; `rest` is the text without the words for it."""

    begin: datetime
    end: datetime
    rest: str
    alone: bool
    """Whether the rest only asks what was said or done then."""
    asks: bool
    """Whether it is also a question."""


def named_time(text: str, languages: Iterable[str], now: datetime, zone: tzinfo) -> NamedTime | None:
    """The first time named in a text, in the first of these languages that parses.

    Future times are ignored, and a month or day without a year is the most recent one.
    """
    unified = unicodedata.normalize("NFKC", text)
    folded = unified[:MOST_CHARACTERS].casefold()
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    for language in dict.fromkeys((*languages, "")):
        known = time_words(language)
        found = next(_ranges(folded, known, today), None)
        if found is None or found.begin > now:
            continue
        first, last = found.words.span()
        if len(folded) != len(unified[:MOST_CHARACTERS]):  # a letter whose lower-case form has two characters
            unified = folded
        rest = f"{unified[:first]} {unified[last:]}"
        said = rest.casefold() if known is not None and len(rest) <= MOST_CHARACTERS else ""
        alone = known is not None and all(known.general.fullmatch(word) for word in _WORD.findall(said))
        asks = known is not None and known.asks.search(said) is not None
        return NamedTime(found.begin, found.end, rest, alone and bool(said), alone and asks)
    return None


def _ranges(text: str, known: TimeWords | None, today: datetime) -> Iterator[_Range]:
    for pattern in date_patterns():
        for match in pattern.finditer(text):
            for begin, end in _in_figures(match.groupdict(""), today):
                yield _Range(begin, end, match)
    if known is not None:
        yield from _relative_times(text, known, today)
        yield from _named_times(text, known, today)
    for match in _matches(year_patterns(), text):
        yield _Range(*_span(today.replace(year=int(match["y"]), month=1, day=1), "year"), match)


def _in_figures(parts: Mapping[str, str], today: datetime) -> Iterator[tuple[datetime, datetime]]:
    year, month, day = (_figure(parts.get(part) or "") for part in ("y", "m", "d"))
    month, year = month or _figure(parts.get("n", "")), year + 2000 if 0 < year < 100 else year
    if month > 12 >= day:
        month, day = day, month
    return _date(today, year, month, day)


def _figure(written: str) -> int:
    """A number in digits, or in Chinese characters up to 99."""
    if not written or written.isdecimal():
        return int(written or 0)
    tens, ten, ones = written.rpartition("十")
    return (SIGNS.find(tens) + 1 or 1) * 10 * bool(ten) + SIGNS.find(ones or "-") + 1


def _relative_times(text: str, known: TimeWords, today: datetime) -> Iterator[_Range]:
    """Times relative to today."""
    for days, pattern in enumerate(known.relative):
        if match := pattern.search(text):
            yield _Range(*_span(today - timedelta(days=days), "day"), match)
    for match in _matches(known.ago, text):
        unit = _matching_name(match["u"], known.units)
        yield _Range(*_span(_go_back(today, _number(match["n"], known.numbers), unit), unit), match)
    for pattern, span in known.phrases:
        if match := pattern.search(text):
            yield _Range(*_of_phrase(span, today), match)


def _of_phrase(span: str, today: datetime) -> tuple[datetime, datetime]:
    """``2m`` is two months ago, ``1e`` the last completed weekend, ``6~8`` the last June to August."""
    first, to, last = span.partition("~")
    if not to:
        unit = _SPANS[span[-1]]
        return _span(_go_back(today, int(span[:-1]), unit), unit)
    years = today.year, today.year - 1
    year = next(year for year in years if today >= today.replace(year=year, month=int(first), day=1))
    begin = today.replace(year=year, month=int(first), day=1)
    later = int(last) < int(first)
    return begin, _span(begin.replace(year=year + later, month=int(last)), "month")[1]


def _named_times(text: str, known: TimeWords, today: datetime) -> Iterator[_Range]:
    for match in _matches(known.days, text):
        if match["not"]:
            continue
        yield _Range(*_weekday(match.groupdict(""), known, today), match)
    for match in _matches(known.months, text):
        for begin, end in _month(match.groupdict(""), known, today):
            yield _Range(begin, end, match)
    for match in _matches(known.last, text):
        unit = _matching_name(match["u"], known.units)
        yield _Range(*_span(_go_back(today, 1, unit), unit), match)
    for match in _matches(known.nth, text):
        for begin, end in _of_month(int(match["n"]), today):
            yield _Range(begin, end, match)


def _matches(patterns: Patterns, text: str) -> Iterator[re.Match[str]]:
    for pattern in patterns:
        if match := pattern.search(text):
            yield match


def _weekday(match: Mapping[str, str], known: TimeWords, today: datetime) -> tuple[datetime, datetime]:
    wanted = next(at for at, name in enumerate(known.day_names) if name.fullmatch(match["d"]))
    if match.get("week"):  # a day of last week
        return _span(_go_back(today, 1, "week") + timedelta(days=wanted - _go_back(today, 1, "week").weekday()), "day")
    return _span(today - timedelta(days=(today.weekday() - wanted) % 7 or 7), "day")


def _month(match: Mapping[str, str], known: TimeWords, today: datetime) -> Iterator[tuple[datetime, datetime]]:
    month = _figure(match.get("k") or "")
    month = month or next(at for at, name in enumerate(known.month_names, 1) if name.fullmatch(match["m"]))
    year = int(match.get("y") or 0) or (today.year - 1 if match.get("last") else 0)
    day = int(match.get("a") or match.get("b") or 0)
    if ordinal := match.get("o"):
        day = next(at for at, name in enumerate(known.ordinals, 1) if name.fullmatch(ordinal))
    part = match.get("part") or match.get("behind")
    for begin, end in _date(today, year, month, day):
        if not part or day:
            yield begin, end
            continue
        third = _matching_name(part, known.parts, ("0", "1", "2"))
        bounds = (begin, begin + timedelta(days=10), begin + timedelta(days=20), end)
        yield bounds[int(third)], bounds[int(third) + 1]


def _date(today: datetime, year: int, month: int, day: int) -> Iterator[tuple[datetime, datetime]]:
    """That day or month if it exists; without a year the most recent one."""
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


def _go_back(today: datetime, count: int, unit: str) -> datetime:
    count = min(count, 100)
    if unit == "weekend":
        begun = today - timedelta(days=(today.weekday() - 5) % 7)
        return begun - timedelta(days=7 * (count - (count > 0 and today.weekday() < 5)))
    if unit in ("day", "week"):
        return today - timedelta(days=count * (7 if unit == "week" else 1))
    months = today.year * 12 + today.month - 1 - count * (12 if unit == "year" else 1)
    return today.replace(year=months // 12, month=months % 12 + 1, day=1)


def _span(at: datetime, unit: str) -> tuple[datetime, datetime]:
    if unit == "day":
        return at, at + timedelta(days=1)
    if unit == "weekend":
        return at, at + timedelta(days=2)
    if unit == "week":
        monday = at - timedelta(days=at.weekday())
        return monday, monday + timedelta(days=7)
    begin = at.replace(day=1) if unit == "month" else at.replace(month=1, day=1)
    return begin, (begin + timedelta(days=32 if unit == "month" else 366)).replace(day=1)


def _matching_name(word: str, patterns: Patterns, names: tuple[str, ...] = _UNITS) -> str:
    return next(name for name, pattern in zip(names, patterns, strict=True) if pattern.fullmatch(word))


def _number(word: str, numbers: Patterns) -> int:
    if word.isdecimal():
        return int(word)
    return next(at for at, pattern in enumerate(numbers, 1) if pattern.fullmatch(word))


@dataclass(frozen=True, slots=True)
class Period:
    """A period from `begin` up to but excluding `end`, and the turns around it."""

    begin: float
    end: float
    first_turn: int
    last_turn: int
    rest: str
    """The question without the words for the time."""
    turns: Sequence[TimedTurn]
    """Turns from that time and soon after."""
    alone: bool
    """Whether only the time is asked about ..."""
    asks: bool
    """... and the text is a question, whatever the chat's languages are."""

    def bonus(self, at: float) -> float:
        """The bonus for a turn from this time."""
        if at < self.begin:
            return AHEAD * max(0.0, 1 - (self.begin - at) / AHEAD_S)
        return DURING if at < self.end else SOON * max(0.0, 1 - (at - self.end) / SOON_S)

    def gathered(self, ranking: Ranking) -> Ranking:
        """If only a time is asked about: its turns, spread over it, and if they are few, those soon after."""
        if not self.alone or not self.turns:
            return ranking
        match = dict(zip(ranking.turn_ids, ranking.matches, strict=True))
        within = _spread([turn for turn in self.turns if turn.at < self.end], match)
        after = _spread([turn for turn in self.turns if turn.at >= self.end], match)
        ranked = [*within, *(after if len(within) < FEW_TOLD else ())][:MOST]
        return replace(ranking, turn_ids=tuple(ranked), matches=(1.0,) * len(ranked))


def _spread(turns: Sequence[TimedTurn], match: Mapping[int, float]) -> list[int]:
    """The best turn of each slice of the time, then the second best of each."""
    if not turns:
        return []

    def worth(turn: TimedTurn) -> float:
        return match.get(turn.turn_id, 0.0) + MUCH * min(turn.tokens / MUCH_TOKENS, 1.0)

    begin, length = turns[0].at, max(turns[-1].at - turns[0].at, 1.0)
    slices: dict[int, list[TimedTurn]] = {}
    for turn in turns:
        slices.setdefault(min(int((turn.at - begin) / length * SLICES), SLICES - 1), []).append(turn)
    places = [
        (place, part * STRIDE % SLICES, turn.turn_id)
        for part, slice_turns in slices.items()
        for place, turn in enumerate(sorted(slice_turns, key=worth, reverse=True))
    ]
    return [turn_id for _, _, turn_id in sorted(places)]


async def period_in(
    words: str, home: Sequence[str], now: float, zone: tzinfo, history: History, chat_id: int, turns: tuple[int, int]
) -> Period | None:
    """The period that a question names, if anything was said then or soon after, between two turns (exclusive)."""
    named = named_time(words, likely_languages(words, home), datetime.fromtimestamp(now, UTC), zone)
    if named is None:
        return None
    begin, end = named.begin.timestamp(), named.end.timestamp()
    if (ends := await history.between(chat_id, begin, end + SOON_S)) is None:
        return None
    after_turn, before_turn = turns
    first, last = max(ends[0], after_turn + 1), min(ends[1], before_turn - 1)
    if first > last:
        return None
    turns_then = await history.user_turns(chat_id, first, last, MOST_TOLD)
    turns_then = [turn for turn in turns_then if begin <= turn.at < end + SOON_S]  # imported turns have later ids
    return Period(begin, end, first, last, named.rest, turns_then, named.alone, named.asks)
