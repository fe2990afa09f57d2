"""Times are read from questions in many languages, and words that only look like times are not."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.conversation.search_terms import likely_languages
from bot.conversation.time_ranges import MOST_CHARACTERS, named_time
from bot.conversation.time_words import _tables, time_words

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
        ("en", "what happened ten days ago", "2026-11-19", "2026-11-20"),
        ("en", "the week before last", "2026-11-09", "2026-11-16"),
        ("en", "where did I live in 2024", "2024-01-01", "2025-01-01"),
        ("en", "in March last year", "2025-03-01", "2025-04-01"),
        ("ru", "до прошлого воскресенья", "2026-11-22", "2026-11-23"),
        ("ru", "месяц назад", "2026-10-01", "2026-11-01"),
        ("ru", "в марте прошлого года", "2025-03-01", "2025-04-01"),
        ("ru", "в 2024 году", "2024-01-01", "2025-01-01"),
        ("uk", "тиждень тому", "2026-11-16", "2026-11-23"),
        ("pl", "rok temu", "2025-01-01", "2026-01-01"),
        ("fr", "avant-hier", "2026-11-27", "2026-11-28"),
        ("fr", "il y a dix jours", "2026-11-19", "2026-11-20"),
        ("de", "am dreißigsten April", "2026-04-30", "2026-05-01"),
        ("es", "en marzo del año pasado", "2025-03-01", "2025-04-01"),
        ("nl", "vorig jaar", "2025-01-01", "2026-01-01"),
        ("tr", "nisan sonunda", "2026-04-21", "2026-05-01"),
        ("tr", "martta ne yaptım", "2026-03-01", "2026-04-01"),
        ("hi", "मार्च में", "2026-03-01", "2026-04-01"),
        ("hi", "अप्रैल के अंत में", "2026-04-21", "2026-05-01"),
        ("ar", "قبل أسبوعين", "2026-11-09", "2026-11-16"),
        ("ja", "一昨日", "2026-11-27", "2026-11-28"),
        ("ja", "3日前", "2026-11-26", "2026-11-27"),
        ("zh", "2025年三月", "2025-03-01", "2025-04-01"),
        ("zh", "十天前", "2026-11-19", "2026-11-20"),
        ("ko", "사흘 전", "2026-11-26", "2026-11-27"),
        ("sv", "vad gjorde jag i förrgår", "2026-11-27", "2026-11-28"),
        ("cs", "před dvěma týdny", "2026-11-09", "2026-11-16"),
        ("el", "προχθές", "2026-11-27", "2026-11-28"),
        ("el", "3 Μαΐου", "2026-05-03", "2026-05-04"),
        ("he", "לפני שבועיים", "2026-11-09", "2026-11-16"),
        ("id", "dua minggu lalu", "2026-11-09", "2026-11-16"),
        ("vi", "tháng trước", "2026-10-01", "2026-11-01"),
        ("fa", "دو هفته پیش", "2026-11-09", "2026-11-16"),
        ("fi", "viime viikolla", "2026-11-16", "2026-11-23"),
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
        ("en", "What was said on 27.06.2026?", "2026-06-27", "2026-06-28"),
        ("en", "on 27.06.", "2026-06-27", "2026-06-28"),
        ("en", "on 06/27/2026", "2026-06-27", "2026-06-28"),
        ("en", "on 27/06/2026", "2026-06-27", "2026-06-28"),
        ("en", "on 6/27", "2026-06-27", "2026-06-28"),
        ("en", "2026/06/27", "2026-06-27", "2026-06-28"),
        ("xx", "27-06-2026", "2026-06-27", "2026-06-28"),
        ("de", "Was war am 27.6. los?", "2026-06-27", "2026-06-28"),
        ("ru", "что было 27.06?", "2026-06-27", "2026-06-28"),
        ("zh", "6月27号", "2026-06-27", "2026-06-28"),
        ("zh", "2025年十二月二十一日", "2025-12-21", "2025-12-22"),
        ("zh", "6月底", "2026-06-21", "2026-07-01"),
        ("zh", "六月最后那几天", "2026-06-21", "2026-07-01"),
        ("ja", "6月の終わりに", "2026-06-21", "2026-07-01"),
        ("en", "the ninth of May", "2026-05-09", "2026-05-10"),
        ("en", "May the twenty-first", "2026-05-21", "2026-05-22"),
        ("de", "am siebten Mai", "2026-05-07", "2026-05-08"),
        ("ru", "Что было девятого апреля?", "2026-04-09", "2026-04-10"),
        ("ru", "на двадцать первое июля", "2026-07-21", "2026-07-22"),
        ("es", "el cinco de mayo", "2026-05-05", "2026-05-06"),
        ("ru", "на майских праздниках", "2026-05-01", "2026-06-01"),
        ("en", "last weekend", "2026-11-21", "2026-11-23"),
        ("en", "at the weekend", "2026-11-28", "2026-11-30"),
        ("ru", "на прошлых выходных", "2026-11-21", "2026-11-23"),
        ("zh", "上周末", "2026-11-21", "2026-11-23"),
        ("en", "this week", "2026-11-23", "2026-11-30"),
        ("en", "over the summer", "2026-06-01", "2026-09-01"),
        ("en", "last winter", "2025-12-01", "2026-03-01"),
        ("fr", "l'été", "2026-06-01", "2026-09-01"),
        ("hi", "जनवरी को क्या हुआ, जनवरी 5", "2026-01-05", "2026-01-06"),
    ],
)
def test_a_time_is_read(language: str, text: str, begin: str, end: str) -> None:
    named = named_time(text, (language,), NOW, UTC)
    assert named is not None
    assert (f"{named.begin:%Y-%m-%d}", f"{named.end:%Y-%m-%d}") == (begin, end)


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
        ("en", "open 24/7"),
        ("en", "1/2 cup of milk"),
        ("en", "it is 12.30"),
        ("en", "version 3.12."),
        ("en", "at 10.0.0.1"),
        ("en", "next Tuesday"),
        ("en", "every Friday"),
        ("ru", "в следующий вторник"),
        ("zh", "下周三"),
        ("zh", "每周三"),
        ("zh", "等了3个月"),
        ("en", ""),
    ],
)
def test_what_is_no_time_is_none(language: str, text: str) -> None:
    assert named_time(text, (language,), NOW, UTC) is None


@pytest.mark.parametrize(
    ("text", "rest", "alone"),
    [
        ("What did we talk about yesterday?", "What did we talk about  ?", True),
        ("О чём мы говорили вчера?", "О чём мы говорили  ?", True),
        ("我们昨天聊了什么", "我们 聊了什么", True),
        ("Was haben wir gestern besprochen?", "Was haben wir   besprochen?", True),
        ("कल हमने क्या बात की?", "  हमने क्या बात की?", True),
        ("What did May cook yesterday?", "What did May cook  ?", False),
        ("昨天谁买了钢琴", " 谁买了钢琴", False),
    ],
)
def test_time_is_separated_from_rest_of_question(text: str, rest: str, alone: bool) -> None:
    named = named_time(text, likely_languages(text), NOW, UTC)
    assert named is not None
    assert (named.rest, named.alone) == (rest, alone)


def test_a_long_run_of_signs_is_read_once() -> None:
    text = "昨天" + "怎么样时候事情" * 55 + "猫"
    named = named_time(text, ("zh",), NOW, UTC)
    assert named is not None
    assert not named.alone


def test_days_are_those_of_the_zone() -> None:
    named = named_time("yesterday", ("en",), datetime(2026, 11, 29, 23, 0, tzinfo=UTC), ZoneInfo("Asia/Tokyo"))
    assert named is not None
    assert named.begin.isoformat() == "2026-11-29T00:00:00+09:00"


def test_only_the_beginning_of_a_text_is_read() -> None:
    assert named_time("x " * MOST_CHARACTERS + "yesterday", ("en",), NOW, UTC) is None


@pytest.mark.parametrize("language", sorted(_tables().keys() - {"figures"}))
def test_the_words_of_a_language_are_whole(language: str) -> None:
    known = time_words(language)
    assert known is not None
    assert [len(each) for each in (known.month_names, known.day_names, known.units, known.parts)] == [12, 7, 4, 3]
