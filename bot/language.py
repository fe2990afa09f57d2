"""The interface in the language of whoever it speaks to.

``from bot.language import texts``, and ``texts.RESET`` is the text of that name in the language that is spoken now:
a context variable, set where an update is handled and where a chat's pending work is done (``speaking``), and inherited
by the tasks that these start. The English texts are in ``texts``; a translation is a TOML file of the same names.

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
"""Has no texts of its own: OpenCC makes them of the simplified ones, in the words that are used in Taiwan."""
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
"""Where OpenCC goes by the sign, or has a rarer word."""
ANEW = "/retry"
_SENTENCE = re.compile(r"(\s*)[^.。।]*[.。।]?")
_LOCALES = {"zh": "zh_Hans", TRADITIONAL: "zh_Hant"}
"""Where Babel has other names."""

_spoken: ContextVar[str] = ContextVar("language", default="en")

Catalogue = dict[str, str | dict[str, str]]


def _file(language: str) -> Traversable:
    return _TRANSLATIONS.joinpath(f"{'zh' if language == TRADITIONAL else language}.toml")


LANGUAGES = {"en": "English", **{code: name for code, name in _NAMES.items() if _file(code).is_file()}}
"""English and every language that has a file in ``translations``: codes, and what speakers call them."""


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak this language inside."""
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def language_of(code: str | None) -> str:
    """Our language for Telegram's code of one (IETF), such as ``zh-hans`` or ``es-419``; English when it is none."""
    told = (code or "").lower().replace("_", "-")
    language = TRADITIONAL if _TRADITIONAL.match(told) else told.partition("-")[0]
    return language if language in LANGUAGES else "en"


def chat_language(chat: Chat | None, code: str | None = None) -> str:
    """The language a chat has chosen; else that of `code` (IETF); else that of the last person who wrote there."""
    if chat is None:
        return language_of(code)
    chosen = chat.settings.language
    return chosen if chosen in LANGUAGES and chosen is not None else language_of(code or chat.heard_language)


def plural(count: int, forms: Mapping[str, str]) -> str:
    """The form for this number in the language that is spoken, with the number filled in."""
    form = forms.get(_category(_spoken.get(), count)) or forms.get("other") or [*forms.values()][-1]
    return form.replace("{n}", grouped(count))


def _category(language: str, count: int) -> str:
    return Locale.parse(_LOCALES.get(language, language)).plural_form(count)


def grouped(count: float) -> str:
    """A whole number, its digits grouped as the language that is spoken does it."""
    return format_decimal(round(count), locale=_locale())


def percent(share: float) -> str:
    """A share of 1, without decimals, as the language that is spoken writes it."""
    return format_percent(share, locale=_locale())


def _locale() -> str:
    spoken = _spoken.get()
    return _LOCALES.get(spoken, spoken)


def long_date(day: date) -> str:
    """With the day of the week, in the language that is spoken."""
    spoken = _spoken.get()
    return format_date(day, "EEEE, d MMMM y" if spoken == "en" else "full", _locale())


def short_date(day: date) -> str:
    """Day and month."""
    spoken = _spoken.get()
    if spoken == "en":
        return format_date(day, "d MMM", "en")
    return format_skeleton("MMMd", day, locale=_locale())


def sentence(error: ModelError, anew: str = ANEW) -> str:
    """What the user reads of an error; `anew`: the command by which they try again what was not an answer."""
    translated = _table("errors").get(type(error).__name__)
    told = error.sentence if translated is None else translated.format(**error.words)
    return told.replace(ANEW, anew)


def reason(error: ModelError) -> str:
    """The same without how an answer is tried again, which does not help: what it was about has to be sent again."""
    return "".join(
        f"{found[1]}{texts.SEND_AGAIN}" if ANEW in found[0] else found[0]
        for found in _SENTENCE.finditer(sentence(error))
    )


def commands() -> dict[str, str]:
    """The commands and what they do."""
    translated = _table("commands")
    return {name: translated.get(name, does) for name, does in english.COMMANDS}


def every(name: str) -> set[str]:
    """The text of this name in all languages: a question may have been asked in another one than is spoken now."""
    return {str(catalogue(language).get(name, getattr(english, name))) for language in LANGUAGES}


def every_noun(name: str) -> set[str]:
    """The words, in all languages, for things that are counted: of the forms of this name, without the number."""
    forms: list[Mapping[str, str]] = [getattr(english, name)]
    for language in LANGUAGES:
        found = catalogue(language).get(name)
        forms += [found] if isinstance(found, dict) else []
    return {form.replace("{n}", "").strip() for each in forms for form in each.values()}


@cache
def catalogue(language: str) -> Catalogue:
    """The translation into a language; English has none."""
    text = "" if language == "en" else _file(language).read_text(encoding="utf-8")
    return tomllib.loads(_traditional(text) if language == TRADITIONAL else text)


def load() -> None:
    """Read all translations, which takes a moment."""
    for language in LANGUAGES:
        catalogue(language)


def _traditional(text: str) -> str:
    from opencc import OpenCC  # loads its dictionaries, which are needed this once

    converted = str(OpenCC("s2twp").convert(text))
    for literal, word in _TAIWANESE.items():
        converted = converted.replace(literal, word)
    return converted


def _table(name: str) -> dict[str, str]:
    found = catalogue(_spoken.get()).get(name, {})
    return found if isinstance(found, dict) else {}


class _Spoken:
    """The texts of the language that is spoken now."""

    def __getattr__(self, name: str) -> object:
        return catalogue(_spoken.get()).get(name, getattr(english, name))


if TYPE_CHECKING:
    from bot import texts as texts  # so that every name is checked
else:
    texts = _Spoken()
