"""The interface in the language of the person it speaks to.

After ``from bot.language import texts``, ``texts.RESET`` is the text of that name in the current language. That is a
context variable, which is set (``speaking``) wherever an update is handled or a chat's pending work is done, and which
the tasks started there inherit. English is in ``bot.texts``; a translation is a TOML file with the same names.

A text that depends on a number is a table of forms by CLDR plural category, with ``{n}`` for the number:
``DAYS = { one = "{n} день", few = "{n} дня", many = "{n} дней" }``. A translation has the categories that whole numbers
take in its language: Japanese only ``other``, Arabic all six. ``plural`` picks the form.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.numbers import format_decimal, format_percent

from bot import texts as english
from bot.errors import ModelError
from storage.records import Chat

TRADITIONAL = "zh-hant"
"""Has no file of its own: OpenCC converts the simplified texts, using Taiwan's vocabulary."""
_NAMES = {
    "ar": "العربية",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "hi": "हिन्दी",
    "id": "Bahasa Indonesia",
    "it": "Italiano",
    "ja": "日本語",
    "ko": "한국어",
    "pt": "Português",
    "ru": "Русский",
    "tr": "Türkçe",
    "uk": "Українська",
    "zh": "中文",
    TRADITIONAL: "繁體中文",
}
"""What speakers call their languages, by code."""
_TRANSLATIONS = files("bot").joinpath("translations")
_TRADITIONAL = re.compile(r"zh-(?:hant|tw|hk|mo)\b")
_TAIWANESE = {
    "回復": "回覆",
    "遮蔽": "封鎖",
    "文本": "文字",
    "賬戶": "帳戶",
    "許可權": "權限",
    "運營者": "營運者",
    "重置": "重設",
    "充值": "儲值",
    "丟失": "遺失",
    "超時": "逾時",
    "“": "「",
    "”": "」",
}
"""Corrections to OpenCC, where it converts character by character or picks an uncommon word."""
RETRY = "/retry"
_SENTENCE = re.compile(r"(\s*)[^.。।]*[.。।]?")
_LOCALES = {"zh": "zh_Hans", TRADITIONAL: "zh_Hant"}
"""Languages that Babel knows by another name."""

_spoken: ContextVar[str] = ContextVar("language", default="en")

Catalogue = dict[str, str | dict[str, str]]


def _file(language: str) -> Traversable:
    return _TRANSLATIONS.joinpath(f"{'zh' if language == TRADITIONAL else language}.toml")


LANGUAGES = {"en": "English", **{code: name for code, name in _NAMES.items() if _file(code).is_file()}}
"""English and every language that has a file in ``translations``: codes, and what speakers call them."""


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Use this language inside the block."""
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def language_of(code: str | None) -> str:
    """The interface language for an IETF code from Telegram, such as ``zh-hans`` or ``es-419``; else English."""
    tag = (code or "").lower().replace("_", "-")
    language = TRADITIONAL if _TRADITIONAL.match(tag) else tag.partition("-")[0]
    return language if language in LANGUAGES else "en"


def chat_language(chat: Chat | None, code: str | None = None) -> str:
    """The language chosen for a chat, else that of `code` (IETF), else that of the last person who wrote there."""
    if chat is None:
        return language_of(code)
    chosen = chat.settings.language
    return chosen if chosen in LANGUAGES and chosen is not None else language_of(code or chat.heard_language)


def plural(count: int, forms: Mapping[str, str]) -> str:
    """The form for this number in the current language, with the number filled in."""
    form = forms.get(_category(_spoken.get(), count)) or forms.get("other") or [*forms.values()][-1]
    return form.replace("{n}", grouped(count))


def _category(language: str, count: int) -> str:
    return Locale.parse(_LOCALES.get(language, language)).plural_form(count)


def grouped(count: float) -> str:
    """A whole number, with its digits grouped as in the current language."""
    return format_decimal(round(count), locale=_locale())


def percent(share: float) -> str:
    """A fraction as a percentage without decimals, as the current language writes it."""
    return format_percent(share, locale=_locale())


def _locale() -> str:
    spoken = _spoken.get()
    return _LOCALES.get(spoken, spoken)


def long_date(day: date) -> str:
    """A date with its day of the week, in the current language."""
    spoken = _spoken.get()
    return format_date(day, "EEEE, d MMMM y" if spoken == "en" else "full", _locale())


def short_date(day: date) -> str:
    """Day and month, in the current language."""
    spoken = _spoken.get()
    if spoken == "en":
        return format_date(day, "d MMM", "en")
    return format_skeleton("MMMd", day, locale=_locale())


def sentence(error: ModelError, retry: str = RETRY) -> str:
    """What the user reads of an error; `retry`: the command by which they try again what was not an answer."""
    translated = _table("errors").get(type(error).__name__)
    text = error.sentence if translated is None else translated.format(**error.words)
    return text.replace(RETRY, retry)


def reason(error: ModelError) -> str:
    """The same, but asking to send it again in place of the advice to use /retry, which would not help here."""
    return "".join(
        f"{found[1]}{texts.SEND_AGAIN}" if RETRY in found[0] else found[0]
        for found in _SENTENCE.finditer(sentence(error))
    )


def commands() -> dict[str, str]:
    """The commands and their descriptions."""
    translated = _table("commands")
    return {name: translated.get(name, does) for name, does in english.COMMANDS}


def every(name: str) -> set[str]:
    """The text of this name in all languages: a question may have been asked in another one than the current."""
    return {str(catalogue(language).get(name, getattr(english, name))) for language in LANGUAGES}


def every_noun(name: str) -> set[str]:
    """The forms of the plural table of this name in all languages, without the number."""
    forms: list[Mapping[str, str]] = [getattr(english, name)]
    for language in LANGUAGES:
        found = catalogue(language).get(name)
        forms += [found] if isinstance(found, dict) else []
    return {form.replace("{n}", "").strip() for each in forms for form in each.values()}


@cache
def catalogue(language: str) -> Catalogue:
    """The translation into a language; empty for English."""
    text = "" if language == "en" else _file(language).read_text(encoding="utf-8")
    return tomllib.loads(_traditional(text) if language == TRADITIONAL else text)


def load() -> None:
    """Load all translations, which takes a moment."""
    for language in LANGUAGES:
        catalogue(language)


def _traditional(text: str) -> str:
    from opencc import OpenCC  # loads large dictionaries, which are only needed here

    converted = str(OpenCC("s2twp").convert(text))
    for literal, word in _TAIWANESE.items():
        converted = converted.replace(literal, word)
    return converted


def _table(name: str) -> dict[str, str]:
    found = catalogue(_spoken.get()).get(name, {})
    return found if isinstance(found, dict) else {}


class _Spoken:
    """The texts of the current language, as attributes."""

    def __getattr__(self, name: str) -> object:
        return catalogue(_spoken.get()).get(name, getattr(english, name))


if TYPE_CHECKING:
    from bot import texts as texts  # so that mypy checks every name
else:
    texts = _Spoken()
