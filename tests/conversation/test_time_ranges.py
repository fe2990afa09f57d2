"""Times are read from questions in many languages, and words that only look like times are not."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.conversation.time_ranges import MOST_CHARACTERS, time_range

NOW = datetime(2026, 11, 29, 15, 0, tzinfo=UTC)
"""A Sunday."""


@pytest.mark.parametrize(
    ("language", "text", "begin", "end"),
    [
        ("en", "What did I do at the end of June?", "2026-06-21", "2026-07-01"),
        ("en", "What did I eat yesterday?", "2026-11-28", "2026-11-29"),
        ("en", "what happened the day before yesterday", "2026-11-27", "2026-11-28"),
        ("en", "Where was I 2 weeks ago?", "2026-11-09", "2026-11-16"),
        ("en", "who called last Tuesday", "2026-11-24", "2026-11-25"),
        ("en", "What was on the 9th?", "2026-11-09", "2026-11-10"),
        ("en", "the trip in May", "2026-05-01", "2026-06-01"),
        ("en", "what did we do on 9 May 2023", "2023-05-09", "2023-05-10"),
        ("en", "May 9th", "2026-05-09", "2026-05-10"),
        ("en", "since December 2025", "2025-12-01", "2026-01-01"),
        ("en", "on 2023-05-08", "2023-05-08", "2023-05-09"),
        ("en", "last year", "2025-01-01", "2026-01-01"),
        ("ru", "Что я делал вчера?", "2026-11-28", "2026-11-29"),
        ("ru", "две недели назад", "2026-11-09", "2026-11-16"),
        ("ru", "что было в конце июня", "2026-06-21", "2026-07-01"),
        ("ru", "в прошлый вторник", "2026-11-24", "2026-11-25"),
        ("ru", "на прошлой неделе", "2026-11-16", "2026-11-23"),
        ("ru", "9 мая", "2026-05-09", "2026-05-10"),
        ("ru", "что было 9 числа", "2026-11-09", "2026-11-10"),
        ("uk", "що було минулого тижня", "2026-11-16", "2026-11-23"),
        ("es", "¿Qué hice hace dos semanas?", "2026-11-09", "2026-11-16"),
        ("es", "la semana pasada", "2026-11-16", "2026-11-23"),
        ("es", "a finales de junio", "2026-06-21", "2026-07-01"),
        ("de", "Was war letzten Dienstag?", "2026-11-24", "2026-11-25"),
        ("de", "Was haben wir im Mai gemacht?", "2026-05-01", "2026-06-01"),
        ("de", "vor drei Tagen", "2026-11-26", "2026-11-27"),
        ("de", "am 9. Mai", "2026-05-09", "2026-05-10"),
        ("fr", "il y a deux semaines", "2026-11-09", "2026-11-16"),
        ("fr", "la semaine dernière", "2026-11-16", "2026-11-23"),
        ("fr", "fin juin", "2026-06-21", "2026-07-01"),
        ("it", "due settimane fa", "2026-11-09", "2026-11-16"),
        ("it", "l'anno scorso", "2025-01-01", "2026-01-01"),
        ("pt", "na semana passada", "2026-11-16", "2026-11-23"),
        ("nl", "twee weken geleden", "2026-11-09", "2026-11-16"),
        ("pl", "w zeszłym tygodniu", "2026-11-16", "2026-11-23"),
        ("pl", "co robiłem wczoraj", "2026-11-28", "2026-11-29"),
        ("pl", "przedwczoraj", "2026-11-27", "2026-11-28"),
        ("uk", "позавчора", "2026-11-27", "2026-11-28"),
        ("de", "vorgestern", "2026-11-27", "2026-11-28"),
        ("tr", "geçen hafta", "2026-11-16", "2026-11-23"),
        ("tr", "dün ne yaptım", "2026-11-28", "2026-11-29"),
        ("ar", "ماذا فعلت الأسبوع الماضي", "2026-11-16", "2026-11-23"),
        ("hi", "पिछले सप्ताह", "2026-11-16", "2026-11-23"),
        ("zh", "我上周三做了什么", "2026-11-18", "2026-11-19"),
        ("zh", "两个星期前", "2026-11-09", "2026-11-16"),
        ("zh", "5月8日去了哪里", "2026-05-08", "2026-05-09"),
        ("zh", "六月底", "2026-06-21", "2026-07-01"),
        ("zh", "昨天吃了什么", "2026-11-28", "2026-11-29"),
        ("ja", "先週は何をした", "2026-11-16", "2026-11-23"),
        ("ja", "昨日の夕食", "2026-11-28", "2026-11-29"),
        ("ko", "지난주에 뭐 했지", "2026-11-16", "2026-11-23"),
        ("th", "เมื่อวานกินอะไร", "2026-11-28", "2026-11-29"),
        ("th", "สัปดาห์ที่แล้ว", "2026-11-16", "2026-11-23"),
    ],
)
def test_a_time_is_read(language: str, text: str, begin: str, end: str) -> None:
    found = time_range(text, language, NOW, UTC)
    assert found is not None
    assert tuple(f"{at:%Y-%m-%d}" for at in found) == (begin, end)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "May I ask what Mai and May like?"),
        ("en", "they march on, one by one"),
        ("en", "the sun sat for a second"),
        ("en", "it cost 9.50 or $12"),
        ("en", "1"),
        ("en", "version 3.12.4"),
        ("en", "in 2 days"),
        ("de", "Mai ist mein Name"),
        ("es", "el mar y la mar"),
        ("fr", "mon mari et mai"),
        ("ru", "мой май"),
        ("zh", "我喜欢月亮"),
        ("xx", "whatever"),
        ("en", "on 2023-02-31"),
        ("en", ""),
    ],
)
def test_what_is_no_time_is_none(language: str, text: str) -> None:
    assert time_range(text, language, NOW, UTC) is None


def test_days_are_those_of_the_zone() -> None:
    found = time_range("yesterday", "en", datetime(2026, 11, 29, 23, 0, tzinfo=UTC), ZoneInfo("Asia/Tokyo"))
    assert found is not None
    assert found[0].isoformat() == "2026-11-29T00:00:00+09:00"


def test_only_the_beginning_of_a_text_is_read() -> None:
    assert time_range("x " * MOST_CHARACTERS + "yesterday", "en", NOW, UTC) is None
