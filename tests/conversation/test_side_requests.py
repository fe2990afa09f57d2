"""Titles of topics: one line, without markup, as long as Telegram takes."""

import pytest

from bot.conversation.side_requests import MOST_BYTES, MOST_CHARACTERS, clean_title, is_prose


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("Trip to Oslo", "Trip to Oslo"),
        ('"**Trip to Oslo.**"', "Trip to Oslo"),
        ("# Title: Trip to Oslo", "Trip to Oslo"),
        ("Название: «Поездка в Осло»", "Поездка в Осло"),
        ("标题：《去奥斯陆旅行》。", "《去奥斯陆旅行》"),
        ("Is it warm in Oslo?", "Is it warm in Oslo?"),
        ("رحلة إلى أوسلو", "رحلة إلى أوسلو"),
        ("Trip\u202e to\tOslo\u200b", "Trip to Oslo"),
        ("C# and C++", "C and C++"),
        ("👨‍👩‍👧 Family", "👨‍👩‍👧 Family"),
        ("👨‍👩‍👧" * 30 + "a", None),
        ("...", None),
        ("", None),
    ],
)
def test_a_title_is_one_bare_line(words: str, title: str | None) -> None:
    assert clean_title(words) == title


@pytest.mark.parametrize(
    "words", ["word " * 40, "ё" * 200, "การเดินทาง" * 30, "旅" * 200, "e\u0301" * 100, "a" + "👨‍👩‍👧" * 30]
)
def test_a_long_title_is_cut(words: str) -> None:
    title = clean_title(words)
    assert title is not None
    assert 0 < len(title) <= MOST_CHARACTERS
    assert len(title.encode()) <= MOST_BYTES
    assert words.startswith(title)


@pytest.mark.parametrize(
    ("line", "prose"),
    [
        ("I'm sorry, but I can't help with that.", True),
        ("**I cannot help with that request.**", True),
        ("Lo siento, no puedo ayudarte.", True),
        ("Извините, я не могу помочь.", True),
        ("抱歉，我无法回答这个问题。", True),
        ("Trip to Oslo.", False),
        ("Oslo, Bergen and the fjords", False),
        ("去奥斯陆旅行。", False),
        ("Waiting for the train...", False),
    ],
)
def test_a_refusal_is_no_title(line: str, prose: bool) -> None:
    assert is_prose(line) is prose
