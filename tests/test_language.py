"""Every language has every text, with the same places to fill in."""

import re
import string
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from babel import Locale

from bot import errors
from bot import texts as english
from bot.conversation.since import time_asked
from bot.language import (
    LANGUAGES,
    catalogue,
    commands,
    every,
    grouped,
    language_of,
    long_date,
    percent,
    plural,
    reason,
    sentence,
    speaking,
    texts,
)

TRANSLATED = [language for language in LANGUAGES if language != "en"]
SAME = {"TICK", "EXPORT_JSON", "EXPORT_MARKDOWN", "ACCESS_IS", "OPEN_TO_ALL"}
"""Texts that are the same in every language."""
TO_A_PRESS = ("TOO_OFTEN", "ONLY_ADMINS", "ONLY_OWNERS", "OLD_BUTTON", "NOT_ASKED", "QUESTION_OVER", "UNDO_TOO_LATE")
"""Answers to a button, in which Telegram takes 200 characters: with room for what is filled in."""
NOT_ENGLISH = re.compile(
    r"\b(anew|shall|whoever|somebody|nobody|everybody|no longer hear|behind it|beside it|"
    r"from .* on, also|as soon as I know|of ours|so many|I tell you|stands|is told|are told|holds)\b",
    re.IGNORECASE,
)
"""What a native speaker would not say in a chat."""
PLURALS = {name: forms for name, forms in vars(english).items() if name.isupper() and isinstance(forms, dict)}
"""Texts that depend on a number: forms by plural category."""
LONGEST_SAME = 20
"""Characters of a text that may be the same in English and in another language, such as "Format"."""
RIGHT_TO_LEFT = [name for name in TRANSLATED if Locale.parse(name.partition("-")[0]).text_direction == "rtl"]
ISOLATED = re.compile("[\u2066\u2068][^\u2066-\u2069]*\u2069")
READ_FROM_THE_LEFT = {
    "amount",
    "at",
    "chat_id",
    "day",
    "first",
    "id",
    "last",
    "model",
    "money",
    "percent",
    "reference",
} | {
    *("saved", "share", "since", "spans", "used", "user_id", "username", "zone"),
}
"""Places that are filled with dates, IDs, sums of money and the like."""
SOURCES = {
    name: text for name, text in vars(english).items() if name.isupper() and isinstance(text, str) and name not in SAME
}


def _fields(text: str) -> set[str | None]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field}


def _model_errors() -> dict[str, errors.ModelError]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.ModelError)]
    return {kind.__name__: kind("details") for kind in kinds}


def test_every_translation_is_a_language_to_choose() -> None:
    files = (Path(english.__file__).parent.parent / "translations").glob("*.toml")
    assert next(iter(LANGUAGES)) == "en"
    assert {file.stem for file in files} == LANGUAGES.keys() - {"en", "zh-hant"}


def test_the_documents_name_every_language() -> None:
    told = (Path(english.__file__).parents[2] / "docs" / "usage.md").read_text()
    names = [Locale("en").languages[language.partition("-")[0]] for language in LANGUAGES]
    assert [name for name in names if name not in told] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_every_text_and_no_other(language: str) -> None:
    found = catalogue(language)
    assert found.keys() - {"commands", "errors"} == SOURCES.keys() | PLURALS.keys()
    assert dict(found["commands"]).keys() == dict(english.COMMANDS).keys()  # type: ignore[arg-type]
    assert dict(found["errors"]).keys() == _model_errors().keys()  # type: ignore[arg-type]


@pytest.mark.parametrize("language", TRANSLATED)
def test_translation_differs_but_keeps_its_placeholders(language: str) -> None:
    found = catalogue(language)
    assert [name for name, source in SOURCES.items() if not _translates(found.get(name), source)] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_translated_errors_keep_their_placeholders_and_commands(language: str) -> None:
    read = dict(catalogue(language)["errors"])  # type: ignore[arg-type]
    sources = {name: (type(error).__doc__ or "").partition("\n\n")[0] for name, error in _model_errors().items()}
    assert [name for name, source in sources.items() if not _translates(read[name], source)] == []


def _translates(translated: object, source: str) -> bool:
    """A word alone may be the same in two languages."""
    if not isinstance(translated, str) or not translated.strip():
        return False
    if translated == source and len(source) > LONGEST_SAME:
        return False
    return _fields(translated) == _fields(source) and _commands(translated) == _commands(source)


@pytest.mark.parametrize("language", LANGUAGES)
def test_plural_forms_are_those_that_the_language_has(language: str) -> None:
    """A form that is for more than one number has a place for it."""
    rule = Locale.parse(language.partition("-")[0]).plural_form
    numbers = Counter(rule(number) for number in range(200))
    for name, source in PLURALS.items():
        forms = catalogue(language).get(name, source)
        assert isinstance(forms, dict), name
        assert forms.keys() == numbers.keys(), name
        for category, form in forms.items():
            assert _fields(form) - {"n"} == _fields(source["other"]) - {"n"}, (name, category)
            assert _commands(form) == _commands(source["other"]), (name, category)
            assert "{n}" in form or numbers[category] == 1, (name, category)


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("ar", {0: "zero", 1: "one", 2: "two", 3: "few", 11: "many", 100: "other"}),
        ("ja", {0: "other", 1: "other", 2: "other"}),
        ("fr", {0: "one", 1: "one", 2: "other", 1_000_000: "other"}),
    ],
)
def test_other_languages_can_have_the_forms_they_need(language: str, forms: dict[int, str]) -> None:
    table = {category: f"{category} {{n}}" for category in forms.values()}
    with speaking(language):
        assert {number: plural(number, table).split()[0] for number in forms} == forms


def test_english_reads_as_english() -> None:
    errors_read = {name: error.sentence for name, error in _model_errors().items()}
    plurals = {name: " ".join(forms.values()) for name, forms in PLURALS.items()}
    read = {**SOURCES, **plurals, **{f"/{name}": does for name, does in english.COMMANDS}, **errors_read}
    assert [name for name, text in read.items() if NOT_ENGLISH.search(text)] == []


def _commands(text: str) -> set[str]:
    return set(re.findall(r"/[a-z]+", text))


@pytest.mark.parametrize("language", TRANSLATED)
def test_commands_can_be_tapped(language: str) -> None:
    """Telegram takes "/help" for a command only if neither a letter nor another slash is next to it."""
    loose = re.compile(r"[\w/<>]/[a-z]+|(?<!\w)/[a-z]+(?:[^\W_a-z]|[/<>])")
    assert [text for text in _read(language) if loose.search(text)] == []


@pytest.mark.parametrize("language", RIGHT_TO_LEFT)
def test_what_reads_from_the_left_is_isolated(language: str) -> None:
    """Otherwise a command's slash moves to the wrong end, and a line that begins with it is read from the left."""
    for text in _read(language):
        outside = ISOLATED.sub("", text)
        assert not set(outside) & {"/", "\u2066", "\u2068", "\u2069"}, text
        assert not _fields(outside) & READ_FROM_THE_LEFT, text
        assert not re.search("^[\u2066\u2068]", text, re.MULTILINE), text


def _read(language: str) -> Iterator[str]:
    """All that a language says."""
    for found in catalogue(language).values():
        yield from found.values() if isinstance(found, dict) else (found,)


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_keep_to_telegrams_limits(language: str) -> None:
    with speaking(language):
        menu, description, short = commands(), texts.DESCRIPTION, texts.SHORT_DESCRIPTION
    assert all(re.fullmatch(r"[a-z0-9_]{1,32}", name) for name in menu)
    assert all(1 <= len(does) <= 256 for does in menu.values())
    assert len(description) <= 512
    assert len(short) <= 120
    assert [name for name in TO_A_PRESS if len(str(catalogue(language).get(name, ""))) > 180] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_no_english_in_it(language: str) -> None:
    assert re.findall(r"\b(?:the|and|with|your|please)\b", str(catalogue(language))) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_times_shown_as_examples_are_understood(language: str) -> None:
    with speaking(language):
        *_, example = texts.SUMMARY_HOW.split("/summary ")
    now = datetime(2026, 11, 26, tzinfo=UTC)
    assert time_asked(example.strip(" .。।"), (language.partition("-")[0],), now, UTC) is not None


def test_texts_follow_the_language_being_spoken() -> None:
    with speaking("ru"):
        assert texts.UNDO == "Отменить"
        assert sentence(errors.NoCredit("402")).startswith("На счету")
    assert texts.UNDO == "Undo"
    assert {"Undo", "Отменить"} < every("UNDO")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("error", [errors.NoAnswerInTime(""), errors.EmptyAnswer(""), errors.RateLimited("")])
def test_what_is_no_answer_is_tried_again_otherwise(language: str, error: errors.ModelError) -> None:
    with speaking(language):
        assert _commands(sentence(error, "/summary")) == {"/summary"}
        assert _commands(reason(error)) == set()
        assert reason(error).endswith(texts.SEND_AGAIN)
        assert len(reason(error)) > len(texts.SEND_AGAIN) + 8
        assert reason(errors.NothingHeard("")) == sentence(errors.NothingHeard(""))


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("en", "en"),
        ("zh-hans", "zh"),
        ("zh-TW", "zh-hant"),
        ("zh-hant-hk", "zh-hant"),
        ("zh_HK", "zh-hant"),
        ("zh-cn", "zh"),
        ("zh", "zh"),
        ("es-419", "es"),
        ("RU", "ru"),
        ("fi-fi", "en"),
        (None, "en"),
    ],
)
def test_telegrams_codes_are_understood(code: str | None, language: str) -> None:
    assert language_of(code) == language


@pytest.mark.parametrize(
    ("count", "english", "russian"),
    [
        (1, "1 day", "1 день"),
        (2, "2 days", "2 дня"),
        (5, "5 days", "5 дней"),
        (11, "11 days", "11 дней"),
        (12, "12 days", "12 дней"),
        (21, "21 days", "21 день"),
        (101, "101 days", "101 день"),
        (1000, "1,000 days", "1\N{NO-BREAK SPACE}000 дней"),
    ],
)
def test_things_are_counted_as_each_language_does(count: int, english: str, russian: str) -> None:
    assert plural(count, texts.DAYS) == english
    with speaking("ru"):
        assert plural(count, texts.DAYS) == russian
    with speaking("zh"):
        assert plural(count, texts.DAYS).endswith("天")


@pytest.mark.parametrize(
    ("language", "count", "share"),
    [
        ("en", "12,345", "87%"),
        ("de", "12.345", "87\N{NO-BREAK SPACE}%"),
        ("fr", "12\N{NARROW NO-BREAK SPACE}345", "87\N{NO-BREAK SPACE}%"),
        ("pt", "12.345", "87%"),
        ("tr", "12.345", "%87"),
        ("zh-hant", "12,345", "87%"),
    ],
)
def test_numbers_are_written_as_each_language_does(language: str, count: str, share: str) -> None:
    with speaking(language):
        assert grouped(12_345) == count
        assert percent(0.874) == share


def test_traditional_chinese_is_not_served_simplified() -> None:
    with speaking("zh-hant"):
        assert texts.SET_VOICE == "語音"
        assert "一分鐘" in texts.TOO_OFTEN
        assert long_date(date(2026, 11, 20)) == "2026年11月20日 星期五"
    words = str(catalogue("zh-hant"))
    assert not [one for one in ("回復", "遮蔽", "文本", "賬", "頭髮", "隻能", "“") if one in words]
