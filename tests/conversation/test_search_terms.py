"""The same words are indexed and asked for."""

from datetime import UTC, datetime

import pytest

from bot.conversation.query import is_question, question_in, strip_framing, strip_timestamp
from bot.conversation.search_terms import MOST_TERMS, all_words, date_words, index_text, query_words
from tests.conversation.conftest import History


def test_words_that_say_nothing_are_not_asked_for() -> None:
    assert query_words("What is the name of the zebra?") == ["name", "zebra"]
    assert query_words("Wie heißt das Zebra?") == ["heisst", "zebra"]
    assert query_words("Как зовут зебру?") == ["зовут", "зебру"]
    assert query_words("What is it?") == []
    assert all_words("What is it?") == ["what", "is", "it"]


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("What did my son wear in the war?", ["son", "wear", "war"]),
        ("Who is the man with the hat?", ["man", "hat"]),
        ("When did his cat die?", ["cat", "die"]),
        ("What did Will and Hope do in May?", ["will", "hope", "may"]),
        ("Where is the mine that we saw?", ["mine", "saw"]),
        ("How much did the sale of the par bar and the sin tax cost us?", ["sale", "par", "bar", "sin", "tax", "cost"]),
        ("Was hat der Mann im Krieg gesagt?", ["mann", "krieg", "gesagt"]),
        ("Wo ist das Hemd, das ich am Montag an hatte?", ["hemd", "montag"]),
        ("¿Quién es el padre de mis hijos y cuándo fue la boda?", ["padre", "hijos", "boda"]),
        ("Was hat mein Bruder über den Sommer in Rom gesagt?", ["bruder", "sommer", "rom", "gesagt"]),
        ("Où est la maison de mon oncle May?", ["maison", "oncle", "may"]),
        ("Где и когда мы видели сына?", ["видели", "сына"]),
        ("When will Will die?", ["when", "will", "die"]),
        ("son Peter", ["son", "peter"]),
        ("die hard", ["die", "hard"]),
        ("WHAT DID THE MAN SAY?", ["man"]),
    ],
)
def test_a_text_loses_its_own_stop_words(question: str, asked: list[str]) -> None:
    assert query_words(question) == asked


def test_terms_are_few_distinct_and_plain() -> None:
    assert query_words('"zebra" zebra* NOT_moth (Zebra)') == ["zebra", "not", "moth"]
    assert len(query_words(" ".join(f"word{number}" for number in range(99)))) == MOST_TERMS


def test_scripts_without_blanks_are_asked_for_in_pairs() -> None:
    assert query_words("医院检查")[:3] == ["医院", "院检", "检查"]
    assert index_text("去医院").terms.split() == ["去医", "医院", "院"]
    assert query_words("猫") == ["猫"]


def test_vowels_of_hindi_are_parts_of_their_word() -> None:
    assert query_words("हिन्दी") == ["हिन्दी"]


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("我家有一只黑猫", "猫"),
        ("猫が好きです", "猫"),
        ("मैं हिन्दी सीखता हूँ", "हिन्दी"),
        ("наши зебры спят", "ЗЕБРЫ"),
        ("\uff3a\uff45\uff42\uff52\uff41", "zebra"),
        ("Straße", "STRASSE"),
    ],
)
async def test_a_word_is_found_in_its_sentence(history: History, said: str, asked: str) -> None:
    (turn_id,) = await history.talk(said)
    assert await history.search(asked) == [turn_id]


def test_a_date_is_indexed_as_people_write_it() -> None:
    assert date_words(datetime(2023, 5, 8, tzinfo=UTC)) == "Monday 8 May 2023"


@pytest.mark.parametrize(
    "message",
    [
        "When did I see the zebra?",
        "医院是哪天\uff1f",
        "where was that zebra",
        "¿Dónde está la cebra?",
        "помнишь зебру",
        "أين الحمار؟",
    ],
)
def test_a_message_that_only_asks_is_a_question(message: str) -> None:
    assert is_question(message)


@pytest.mark.parametrize("message", ["", "I saw a zebra.", "I saw a zebra! Nice, or?", "word " * 50 + "?"])
def test_a_message_that_tells_is_none(message: str) -> None:
    assert not is_question(message)


def test_the_question_in_a_remark_is_seen() -> None:
    assert question_in("I am back. Where is the zebra? It was here.") == "Where is the zebra?"


def test_added_stamp_and_quote_are_not_searched() -> None:
    assert strip_framing("[Mon 2023-05-08 13:56] > old words\nnew words") == "new words"
    assert strip_timestamp("[Mon 2023-05-08 13:56] > old words\nnew words") == "> old words\nnew words"
