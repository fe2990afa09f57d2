"""What was said is found in another case, number or tense, in many languages."""

import pytest

from bot.conversation.search_terms import index_text, parse_query
from bot.conversation.wordlists import languages_of
from tests.conversation.conftest import History
from tests.conversation.facts import FACTS, SMALL_TALK
from tests.selection import some

ROUNDS = 20
"""Beside the facts; with 200 the same are found."""
NOT_FOUND = {"uk": 1, "fr": 1, "it": 1, "tr": 1, "ar": 1, "fi": 1}
"""Facts of which the stemmer makes two words."""


@pytest.mark.parametrize("language", some(FACTS, 3))
async def test_facts_are_found_in_other_forms(language: str, history: History) -> None:
    said = [fact for fact, _ in FACTS[language]]
    for number in range(ROUNDS):
        fact = said[number // 2] if number % 2 and number // 2 < len(said) else None
        await history.say(fact or f"{SMALL_TALK[language][0]} {number}")
        await history.reply(SMALL_TALK[language][1])
    await history.index()
    found = [fact in (await history.find(question, budget=600)).text for fact, question in FACTS[language]]
    assert found.count(False) <= NOT_FOUND.get(language, 0)


@pytest.mark.parametrize(
    ("said", "asked"),
    some(
        [
            ("Mein Boot heißt Marigold. My cats are called Pepper and Salt.", "Where is the cat?"),
            ("Wo sind meine Hunde? My cats are called Pepper and Salt.", "Was weißt du über den Hund?"),
            ("Моя кошка любит cats videos", "О чём думают кошки?"),
            ("We met Hope and Will in May", "When was it with Will and Hope in May?"),
            ("Роза и Надежда приехали вместе", "Когда приедет Надежда?"),
            ("moyu koshku zovut Pugovka", "kak zovut moyu koshku?"),
            ("كُتُبٌ جَديدة", "كتب"),
            ("كتــاب", "كتاب"),
            ("إسمي أحمد", "احمد"),
            ("the code is ４７１１", "4711"),
            ("رقم الغرفة ٤٢", "42"),
            ("room 7 is mine", "room 7"),
            ("Straße", "strasse"),
            ("İSTANBUL'da", "istanbul"),
            ("ISPARTA güzel", "ısparta"),
            ("śródmieście", "srodmiescie"),
            ("Đà Nẵng", "da nang"),
            ("שָׁלוֹם לכולם", "שלום"),
            ("הבית הלבן", "בית"),
            ("co-operate at 2023-05-08", "2023-05-08"),
            ("ខ្ញុំមានឆ្មាមួយ", "ឆ្មា"),
            ("ຂ້ອຍມີແມວ", "ແມວ"),
            ("ကျွန်တော်မှာကြောင်ရှိတယ်", "ကြောင်"),
            ("น้ำท่วมบ้าน", "น้ำ"),
            ("집에 개가 있어", "개는 어디"),
            ("私は猫が好き", "猫"),
            ("what is it", "what is it"),
            ("a" * 4096, "a" * 4096),
            ("def main(argv): return os.path.join(argv[1])", "os.path.join"),
        ],
        3,
    ),
)
async def test_a_word_is_found_however_it_is_typed(said: str, asked: str, history: History) -> None:
    (turn_id, *_) = await history.talk(said, "ok", "something else")
    assert await history.search(asked) == [turn_id]


@pytest.mark.parametrize("nothing", ["", "😀", "😀👍🏽 ❤️", "???", "—"])
async def test_what_has_no_words_finds_nothing(nothing: str, history: History) -> None:
    await history.talk("alpha 😀", "beta")
    assert await history.search(nothing) == []
    assert (await history.find(nothing)).text == ""


async def test_a_word_as_it_is_written_comes_first(history: History) -> None:
    await history.talk("the universities are closed", "ok", "the universe is large", "ok", "the universal joint")
    assert (await history.search("universe"))[0] == 3


def test_a_long_question_keeps_all_its_signs() -> None:
    question = "今天早上我在公园里散步的时候突然想起来去年夏天我们一起去海边旅行那次住的民宿老板叫什么名字"
    assert {"老板", "民宿", "海边"} <= {term.written for term in parse_query(question).terms}


def test_small_talk_is_marked_as_such() -> None:
    assert parse_query("What is it?").small_talk
    assert not parse_query("What is it worth?").small_talk


@pytest.mark.parametrize(
    ("text", "home", "language"),
    [
        ("где моя машина", (), "ru"),
        ("де моя машина і ключі", (), "uk"),
        ("dove sono le chiavi della macchina", (), "it"),
        ("waar is mijn auto", (), "nl"),
        ("die hard", (), None),
        ("la casa", ("it", "es"), "it"),
        ("la casa", ("es", "it"), "es"),
    ],
)
def test_the_language_of_a_text(text: str, home: tuple[str, ...], language: str | None) -> None:
    assert next(iter(languages_of(text.split(), home).values()), None) == language


def test_unclear_text_takes_language_of_its_chat() -> None:
    assert index_text("Häuser Katzen", ("de",)).terms == "haus katz"
