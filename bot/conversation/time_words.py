"""Patterns for the words of times in each language, built from ``words/times.toml``."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_YEAR = r"(?:19|20)\d\d"
SIGNS = "一二三四五六七八九十"
_NUMBER = rf"\d{{1,2}}|[{SIGNS}]{{1,3}}"
_MARK = "\u0900-\u0903\u093a-\u094f"
_EDGE = rf"(?:(?<![\w{_MARK}])(?=[\w{_MARK}])|(?<=[\w{_MARK}])(?![\w{_MARK}]))"
_NTH = r"(?<![\d.,:])(?P<n>\d{1,2})"

Patterns = tuple[re.Pattern[str], ...]


@dataclass(frozen=True, slots=True)
class TimeWords:
    """The patterns of one language."""

    relative: Patterns
    ago: Patterns
    phrases: tuple[tuple[re.Pattern[str], str], ...]
    days: Patterns
    months: Patterns
    last: Patterns
    nth: Patterns
    numbers: Patterns
    units: Patterns
    month_names: Patterns
    day_names: Patterns
    parts: Patterns
    ordinals: Patterns
    general: re.Pattern[str]
    """Words of a question that asks only what was said or done."""
    asks: re.Pattern[str]
    """Those that make it a question."""
    never: re.Pattern[str]
    """Words for future or recurring times."""


@cache
def date_patterns() -> Patterns:
    """Numeric dates: year first, day first (month first only if day first is impossible), and in Chinese."""
    on = _tables()["figures"]["on"]
    return _each(
        (
            rf"(?<!\d)(?P<y>{_YEAR})([-/.])(?P<m>\d\d?)(?:\2(?P<d>\d\d?))?(?![-/.]?\d)",
            rf"(?<![\d./-])(?P<d>\d\d?)([./-])(?P<m>\d\d?)\2(?P<y>{_YEAR}|(?<=\.)\d\d)(?![-/.]?\d)",
            r"(?<![\d./:-])(?P<d>\d\d?)\.(?P<m>0\d)\b(?![-/.:]?\d)",
            rf"\b(?:{on}) (?P<d>\d\d?)(?:\.(?P<m>\d\d?)\.|/(?P<n>\d\d?))(?![-/.:]?\d)",
            r"(?<![\d./:-])(?P<d>0\d|\d\d?(?=/0))/(?P<m>\d\d?)(?![-/.:]?\d)",
            rf"(?:(?P<y>{_YEAR}) ?[年년] ?)?(?P<m>{_NUMBER}) ?[月월] ?(?P<d>{_NUMBER}) ?[日号號일]",
        )
    )


@cache
def year_patterns() -> Patterns:
    """A year alone."""
    figures = _tables()["figures"]
    return _each(
        (
            rf"\b(?:{figures['in']}) (?P<y>{_YEAR})(?![-/.]?\d)(?: (?:{figures['year']})\b)?",
            rf"(?<!\d)(?P<y>{_YEAR})(?: (?:{figures['year']})\b| ?[年년])",
        )
    )


@cache
def time_words(language: str) -> TimeWords | None:
    """The patterns of a language (ISO 639-1), or None. Building them takes some milliseconds, once."""
    table = _tables().get(language)
    return _build(table) if table else None


@cache
def _tables() -> Mapping[str, Mapping[str, str]]:
    text = (files("bot.conversation") / "words" / "times.toml").read_text(encoding="utf-8")
    text = unicodedata.normalize("NFKC", text)
    return tomllib.loads(text.replace("ß", "ss").replace("ς", "\u03c3"))  # like casefold()


def _build(table: Mapping[str, str]) -> TimeWords:
    signs = table.get("signs")
    patterns = _of_signs(table) if signs else _of_words(table)
    phrases = [phrase.split("=") for phrase in table["phrases"].split(";")]
    return TimeWords(
        **{kind: _each(found) for kind, found in patterns.items()},
        phrases=tuple((_compile(words if signs else rf"\b(?:{words})\b"), span) for words, span in phrases),
        numbers=_each(table["numbers"].split(";")),
        units=_each(table["units"].split(";")),
        month_names=_each(_split(table["months"])),
        day_names=_each(_split(table["days"])),
        parts=_each(table["parts"].split(";")),
        ordinals=_each(table["ordinals"].split(";")) if "ordinals" in table else (),
        general=re.compile(f"(?:{table['general']})" + "++" * bool(signs)),
        asks=_compile(table["asks"] if signs else rf"\b(?:{table['asks']})\b"),
        never=_compile(_any(table["never"]) if signs else rf"\b{_any(table['never'])}\b"),
    )


def _of_words(table: Mapping[str, str]) -> dict[str, Iterable[str]]:
    unit, last, ago = _any(table["units"]), _any(table["last"]), _any(table["ago"])
    number, part = rf"\d{{1,3}}|{_any(table['numbers'])}", _any(table["parts"])
    never = _any(table["never"])
    day = r"(?<![\d.,:$€£])(?P<a>\d{1,2})(?:st|nd|rd|th|\.|º|er)?"
    month = rf"(?P<m>{table['months']})\b"
    before = rf"(?P<part>{part})(?: (?:of|de|di|do|des|del))?[ -]|d'|\b(?:{table['before']}) "
    year = _any(table["units"].rpartition(";")[2])
    before_last = rf"(?P<last>(?:{last}) {year}|{year} (?:{last}))"
    after = rf"(?:,? (?:de |del |do )?(?:(?P<y>{_YEAR})|(?:l'|dell')?{before_last})\b)"
    return {
        "relative": (rf"\b(?:{words})\b" for words in table["relative"].split(";")),
        "ago": (
            (
                rf"\b(?P<n>{number}) (?P<u>{unit}) {ago}\b",
                rf"\b{ago} (?P<n>{number}) (?P<u>{unit})\b",
            )
        ),
        "days": ((rf"(?:\b(?P<not>{never}) )?(?:\b{last} )?\b(?P<d>{table['days']})\b(?: {last}\b)?",)),
        "months": (
            (
                *_ordinals(table, month, after),
                rf"{day}(?: of| de| di| do)? {month}{after}?",
                rf"\b{month} (?P<b>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:.,]\d|\d)(?:,? (?P<y>(?:19|20)\d\d)\b)?",
                rf"(?:{before}){month}{after}?",
                *_behind(table, month, part),
                rf"\b{month}{after}",
            )
        ),
        "last": ((rf"\b{last} (?P<u>{unit})\b", rf"\b(?P<u>{unit}) {last}\b")),
        "nth": ((rf"(?:^|\b){table['nth'].replace('{n}', _NTH)}(?!\d)",)),
    }


def _ordinals(table: Mapping[str, str], month: str, after: str) -> tuple[str, ...]:
    if "ordinals" not in table:
        return ()
    day = f"(?P<o>{_any(table['ordinals'])})"
    return rf"\b{day}(?: of| de| di)? {month}{after}?", rf"\b{month} (?:the )?{day}\b{after}?"


def _behind(table: Mapping[str, str], month: str, part: str) -> tuple[str, ...]:
    """For languages with postpositions."""
    if "locative" not in table:
        return ()
    month = month.removesuffix(r"\b")
    return rf"\b{month}(?: के)? (?P<behind>{part})\b", rf"\b{month}(?:{table['locative']})"


def _of_signs(table: Mapping[str, str]) -> dict[str, Iterable[str]]:
    unit, last, ago = _any(table["units"]), _any(table["last"]), _any(table["ago"])
    number, part = rf"\d{{1,3}}|{_any(table['numbers'])}", _any(table["parts"])
    year = rf"(?:(?P<y>{_YEAR}) ?[年년] ?)?"
    month = rf"{year}(?:(?P<m>{table['months']})|(?<![\d{SIGNS}])(?P<k>\d{{1,2}}) ?[月월])"
    never = _any(table["never"])
    return {
        "relative": (table["relative"].split(";")),
        "ago": ((rf"(?P<n>{number}) ?(?P<u>{unit})の?{ago}",)),
        "days": (
            (
                rf"(?P<not>{never})?(?P<week>{last})(?:周|週|주)?の? ?(?P<d>{table['days']})",
                f"(?P<not>{never})?(?P<d>{table['days']})",
            )
        ),
        "months": ((f"(?P<part>{part}) ?{month}", f"{month}の? ?(?P<behind>{part})?")),
        "last": ((f"{last}(?P<u>{unit})", f"(?P<u>{unit}){last}")),
        "nth": ((table["nth"].replace("{n}", _NTH),)),
    }


def _each(patterns: Iterable[str]) -> Patterns:
    return tuple(_compile(pattern) for pattern in patterns)


def _compile(pattern: str) -> re.Pattern[str]:
    r"""Compile with a \b that treats combining marks, such as the vowels of Hindi, as parts of words, unlike ``re``."""
    return re.compile(pattern.replace(r"\b", _EDGE))


def _any(alternatives: str) -> str:
    return f"(?:{alternatives.replace(';', '|')})"


def _split(alternatives: str) -> list[str]:
    """Split at bars outside brackets."""
    return re.findall(r"(?:\((?:[^()]|\([^()]*\))*\)|[^|(])+", alternatives)
