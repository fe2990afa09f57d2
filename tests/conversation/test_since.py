"""The time that /summary is asked about."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.conversation.since import LANGUAGES, time_asked

NOW = datetime(2026, 11, 26, 15, 30, tzinfo=UTC)
"""A Thursday."""
HOURS: dict[str, float] = {
    "3h": 3, "3 hours": 3, "last 3 hours": 3, "three hours": 3, "half an hour": 0.5, "1.5h": 1.5, "1h 30m": 1.5,
    "90m": 1.5, "90 min": 1.5, "an hour": 1, "last hour": 1, "2d": 48, "1w": 168, "2 weeks": 336, "3mo": 2160, "３h": 3,
    "last 3 days": 72, "3H": 3, "an hour and a half": 1.5, "two and a half hours": 2.5,
    "2 hours and 5 minutes": 25 / 12, "1 fortnight": 336,
    "thirty minutes": 0.5, "twenty-four hours": 24, "1h30": 1.5, "1½ hours": 1.5, "½ hour": 0.5, "half-hour": 0.5,
    "three-days": 72, "a few hours": 3, "a couple days": 48, "quarter of an hour": 0.25, "past week": 168,
}  # fmt: skip
OTHERS: dict[str, dict[str, float]] = {
    "ru": {
        "3ч": 3, "3 часа": 3, "за последние 3 часа": 3, "два часа": 2, "полчаса": 0.5, "за час": 1, "30 минут": 0.5,
        "3 дня": 72, "5 дней": 120, "за 2 недели": 336, "1н": 168, "за последнюю неделю": 168, "1,5 часа": 1.5,
        "сутки": 24, "полтора часа": 1.5, "час с половиной": 1.5, "два с половиной часа": 2.5, "двое суток": 48,
        "тридцать минут": 0.5, "несколько часов": 3, "3 сут": 72,
    },
    "zh": {"3小时": 3, "3個小時": 3, "三个小时": 3, "最近3小时": 3, "半小时": 0.5, "两周": 336, "1个月": 720, "2日": 48,
           "一个半小时": 1.5, "两天半": 60, "二十四小时": 24, "十五分钟": 0.25, "兩天": 48, "3個鐘": 3, "几个小时": 3,
           "一刻钟": 0.25},
    "es": {"3 días": 72, "3 dias": 72, "últimas 3 horas": 3, "media hora": 0.5, "2 semanas": 336, "tres horas": 3,
           "hora y media": 1.5, "treinta minutos": 0.5, "el último mes": 720, "un par de horas": 2},
    "de": {"3 Std.": 3, "3 Stunden": 3, "seit 3 Tagen": 72, "letzte 2 Wochen": 336, "halbe Stunde": 0.5, "2 Tage": 48,
           "anderthalb Stunden": 1.5, "dreißig Minuten": 0.5, "zwei Tage": 48},
    "fr": {"3 jours": 72, "depuis 2 heures": 2, "une demi-heure": 0.5, "2 semaines": 336, "3 j": 72,
           "les 3 dernières heures": 3, "une heure et demie": 1.5},
    "it": {"3 ore": 3, "2 giorni": 48, "ultime 24 ore": 24},
    "pt": {"3 horas": 3, "2 dias": 48},
    "ja": {"3時間": 3, "2日間": 48, "3日": 72, "1時間半": 1.5},
    "ko": {"3시간": 3, "2일간": 48, "2일": 48, "최근 3 일": 72, "이틀": 48, "하루": 24, "한 시간 반": 1.5},
    "pl": {"3 godz.": 3, "2 godziny": 2, "5 dni": 120, "półtorej godziny": 1.5},
    "uk": {"3 години": 3, "2 дні": 48},
    "tr": {"3 saat": 3, "2 gün": 48},
    "ar": {"3 ساعات": 3, "٣ ساعات": 3, "ساعتين": 2, "يومين": 48, "أسبوعين": 336},
    "fa": {"3 ساعت": 3},
    "he": {"3 השעות האחרונות": 3, "שעתיים": 2, "שבועיים": 336, "שעה וחצי": 1.5},
    "sv": {"senaste 3 timmarna": 3, "senaste timmen": 1, "en och en halv timme": 1.5},
    "hi": {"एक हफ़्ता": 168, "डेढ़ घंटा": 1.5},
    "nl": {"anderhalf uur": 1.5, "afgelopen week": 168},
    "id": {"sejam": 1, "seminggu": 168},
    "fi": {"puolitoista tuntia": 1.5},
}  # fmt: skip


@pytest.mark.parametrize(
    ("language", "words", "hours"),
    [("en", words, hours) for words, hours in HOURS.items()]
    + [(language, words, hours) for language, each in OTHERS.items() for words, hours in each.items()],
)
def test_amounts_of_time_end_now(language: str, words: str, hours: float) -> None:
    assert time_asked(words, (language, "en"), NOW, UTC) == (NOW - timedelta(hours=hours), NOW)


@pytest.mark.parametrize(
    ("language", "words", "begin", "end"),
    [
        ("en", "yesterday", (25, 0), (26, 0)),
        ("en", "since yesterday", (25, 0), (26, 15.5)),
        ("en", "today", (26, 0), (26, 15.5)),
        ("en", "since Monday", (23, 0), (26, 15.5)),
        ("en", "since 9:30", (26, 9.5), (26, 15.5)),
        ("en", "since 6pm", (25, 18), (26, 15.5)),
        ("en", "since yesterday 18:00", (25, 18), (26, 15.5)),
        ("en", "2026-11-20", (20, 0), (21, 0)),
        ("en", "last week", (16, 0), (23, 0)),
        ("de", "seit gestern", (25, 0), (26, 15.5)),
        ("de", "vor 3 Tagen", (23, 0), (24, 0)),
        ("ru", "со вчерашнего дня", (25, 0), (26, 15.5)),
        ("ru", "с понедельника", (23, 0), (26, 15.5)),
        ("ru", "вчера", (25, 0), (26, 0)),
        ("es", "desde ayer", (25, 0), (26, 15.5)),
        ("es", "desde el lunes", (23, 0), (26, 15.5)),
        ("fr", "depuis hier", (25, 0), (26, 15.5)),
        ("it", "da ieri", (25, 0), (26, 15.5)),
        ("zh", "昨天", (25, 0), (26, 0)),
        ("zh", "从昨天", (25, 0), (26, 15.5)),
        ("zh", "昨天以来", (25, 0), (26, 15.5)),
        ("ja", "昨日から", (25, 0), (26, 15.5)),
        ("ko", "어제부터", (25, 0), (26, 15.5)),
        ("pl", "od wczoraj", (25, 0), (26, 15.5)),
        ("pl", "od poniedziałku", (23, 0), (26, 15.5)),
        ("tr", "dünden beri", (25, 0), (26, 15.5)),
        ("tr", "pazartesiden beri", (23, 0), (26, 15.5)),
        ("he", "מאתמול", (25, 0), (26, 15.5)),
        ("he", "מיום שני", (23, 0), (26, 15.5)),
        ("ar", "منذ الأمس", (25, 0), (26, 15.5)),
        ("cs", "od včerejška", (25, 0), (26, 15.5)),
        ("fi", "eilisestä", (25, 0), (26, 15.5)),
        ("fi", "maanantaista", (23, 0), (26, 15.5)),
        ("ko", "20일부터", (20, 0), (26, 15.5)),
        ("zh", "前天開始", (24, 0), (26, 15.5)),
        ("zh", "上週以來", (16, 0), (26, 15.5)),
        ("zh", "从下午三点", (26, 15), (26, 15.5)),
        ("es", "desde las 9", (26, 9), (26, 15.5)),
        ("es", "desde las 3 de la tarde", (26, 15), (26, 15.5)),
        ("de", "seit 9 Uhr", (26, 9), (26, 15.5)),
        ("ru", "с 9 утра", (26, 9), (26, 15.5)),
        ("ru", "с утра", (26, 0), (26, 15.5)),
        ("ru", "за эту неделю", (23, 0), (26, 15.5)),
        ("en", "since noon", (26, 12), (26, 15.5)),
        ("en", "since Nov 20", (20, 0), (26, 15.5)),
        ("en", "since the 20th", (20, 0), (26, 15.5)),
        ("en", "since 9:30pm", (25, 21.5), (26, 15.5)),
    ],
)
def test_named_times_are_read_as_in_recall(
    language: str, words: str, begin: tuple[int, float], end: tuple[int, float]
) -> None:
    first, last = (datetime(2026, 11, day, tzinfo=UTC) + timedelta(hours=hour) for day, hour in (begin, end))
    assert time_asked(words, (language,), NOW, UTC) == (first, last)


@pytest.mark.parametrize(
    ("words", "hours"),
    [("2 månader", 1440), ("1 minggu", 168), ("dois dias", 48), ("meia hora", 0.5), ("1時間半", 1.5)],
)
def test_the_language_that_reads_most_is_believed(words: str, hours: float) -> None:
    assert time_asked(words, ("en", *LANGUAGES), NOW, UTC) == (NOW - timedelta(hours=hours), NOW)


@pytest.mark.parametrize(
    "words", ["next week", "nächste Woche", "days of thunder", "20 de la nada", "hour 5", "3 bananas"]
)
def test_phrases_without_open_span_name_no_time(words: str) -> None:
    """Only a span up to now counts."""
    assert time_asked(words, ("en", "de", *LANGUAGES), NOW, UTC) is None


@pytest.mark.parametrize("words", ["", "bananas", "50", "h", "tell me more", "0", "第三"])
def test_words_without_a_time_name_none(words: str) -> None:
    assert time_asked(words, ("en", "ru", "zh"), NOW, UTC) is None


@pytest.mark.parametrize("words", ["999999 years", "999999mo 999999w", "9" * 5000, "1 " * 5000, "a" * 100_000])
def test_absurd_amounts_break_nothing(words: str) -> None:
    found = time_asked(words, ("en",), NOW, UTC)
    assert found is None or found[0] < NOW
