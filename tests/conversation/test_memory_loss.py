# ruff: noqa: E501 - lines of notes are as wide as they are
"""Notes are as long as their language takes, and new ones still tell what the old ones told."""

import re

import pytest

from bot.conversation.memory_loss import add_lines, find_loss
from bot.conversation.tokens import describe_length, estimate
from bot.errors import ServerTrouble
from storage import Storage
from tests.conversation.bench import Bench
from tests.scripted import Script, says
from tests.selection import first

OLD = {
    "en": "## People\n- Ann's sister is Marta Keller, born 1987.\n- Their dog is called Bruno.\n## Facts and preferences\n"
    "- Lives in Basel, Rheingasse 12.\n- The boat Swordfish was bought for 14,500 francs.\n- Flies LX 318 on 2026-05-03.",
    "uk": "## Люди\n- Сестра Оксани Ковальчук живе у Львові.\n- Її пес зветься Барсик, йому 4 роки.\n## Факти\n"
    "- Купила човен «Чайка» за 14500 гривень.\n- Летить рейсом PS 318 до Одеси 3 травня 2026.",
    "zh": "## 人物\n- 妹妹王小芳在成都教书。\n- 他们的狗叫豆豆，今年四岁。\n## 事实\n- 住在杭州西湖区文三路12号。\n- 五月三日乘MU318航班去昆明看外婆。",
    "ar": "## أشخاص\n- أختها فاطمة الزهراء تعيش في مراكش.\n- كلبهم اسمه بندق وعمره 4 سنوات.\n## حقائق\n- اشترت قارب النورس بمبلغ 14500 درهم.",
    "th": "## บุคคล\n- น้องสาวชื่อมะลิอยู่เชียงใหม่\n- สุนัขชื่อโบโบ้อายุสี่ปี\n## ข้อมูล\n- ซื้อเรือชื่อนางนวลราคา 14500 บาท",
}
NEW = {
    "en": "## Open threads\n- The weather is fine today.\n- A recipe for soup was asked for.",
    "uk": "## Відкриті питання\n- Сьогодні гарна погода.\n- Просила рецепт борщу.",
    "zh": "## 未决\n- 今天天气很好。\n- 想要一个汤的做法。",
    "ar": "## أسئلة\n- الطقس جميل اليوم.\n- طلبت وصفة حساء.",
    "th": "## ค้างอยู่\n- วันนี้อากาศดี\n- ขอสูตรต้มยำ",
}
REWORDED = {
    "en": "## People\n- Marta Keller (1987), sister of Ann; dog: Bruno.\n## Facts\n- Rheingasse 12 in Basel; Swordfish cost CHF 14500."
    "\n- Flight LX 318 on 3 May 2026.",
    "uk": "## Люди\n- Оксана Ковальчук має сестру у Львові та пса Барсика (4).\n## Факти\n- Човен «Чайку» купила за 14 500 грн."
    "\n- Рейс PS 318 в Одесу 03.05.2026.",
    "zh": "## 人物\n- 王小芳（妹妹）在成都教书；狗叫豆豆，四岁。\n## 事实\n- 杭州西湖区文三路12号。\n- 五月三日MU318航班去昆明，看外婆。",
    "ar": "## أشخاص\n- فاطمة الزهراء (أختها) في مراكش، والكلب بندق 4 سنوات.\n## حقائق\n- قارب النورس: 14500 درهم، اشترته.",
    "th": "## บุคคล\n- มะลิ น้องสาว อยู่เชียงใหม่ สุนัขชื่อโบโบ้อายุสี่ปี\n## ข้อมูล\n- ซื้อเรือชื่อนางนวล 14500 บาท",
}


@pytest.mark.parametrize("language", OLD)
def test_lost_names_and_numbers_are_seen(language: str) -> None:
    lost = find_loss(OLD[language], NEW[language])
    assert lost.severe
    assert set(lost.lines) == {line for line in OLD[language].split("\n") if line.startswith("- ")}


@pytest.mark.parametrize("language", OLD)
def test_other_words_are_no_loss(language: str) -> None:
    assert not find_loss(OLD[language], REWORDED[language]).severe
    assert not find_loss(OLD[language], OLD[language]).severe


def test_a_fact_that_changed_is_no_loss() -> None:
    assert not find_loss("- Flight at 17:00 from Basel.", "- Flight at 06:10 from Geneva.").severe


def test_lost_lines_go_to_their_sections() -> None:
    old, new = OLD["en"], "## People\n- Ann is well.\n## Open threads\n- Soup."
    kept = add_lines(new, old, find_loss(old, new).lines, 800, estimate).split("\n")
    assert set(kept) == {*old.split("\n"), *new.split("\n")}
    assert kept.index("- Their dog is called Bruno.") < kept.index("## Open threads")


def test_a_full_memory_makes_room_for_old_lines() -> None:
    new = "## Talk\n" + "\n".join(f"- small thing {number}" for number in range(200))
    kept = add_lines(new, OLD["en"], find_loss(OLD["en"], new).lines, 400, estimate)
    assert estimate(kept) <= 420
    assert "Swordfish" in kept


TALK = {
    "Она сказала что завтра поедет за город вместе с подругами и вернётся поздно вечером. ": "words",
    "Вона сказала, що завтра поїде за місто разом із подругами та повернеться ввечері. ": "words",
    "She said that she would go out of town tomorrow with friends and be back late. ": "words",
    "她说明天要和朋友一起去郊外，晚上很晚才回来。": "characters",
    "彼女は明日友達と郊外に行って夜遅く帰ると言いました。": "characters",
    "เธอบอกว่าพรุ่งนี้จะไปนอกเมืองกับเพื่อนและจะกลับมาดึก ": "characters",
}


@pytest.mark.parametrize(("talk", "unit"), TALK.items())
def test_the_length_asked_for_follows_the_language(talk: str, unit: str) -> None:
    number, told_unit = describe_length(800, 30 * talk, estimate).split()
    assert told_unit == unit
    text = 200 * talk
    asked = " ".join(text.split()[: int(number)]) if unit == "words" else text[: int(number)]
    assert 400 < estimate(asked) <= 800


async def compacted(storage: Storage, *scripts: Script) -> tuple[str, list[str]]:
    """The memory after a second compaction, and what the model was asked for it."""
    bench = Bench(storage, [says(OLD["uk"]), *scripts])
    for _ in range(2):
        await bench.talk(80, content="сьогодні гарна погода")
        await bench.look()
    view = await bench.windows.view((await bench.chat()).id)
    return view.memory, [request[-1].content for request in bench.model.requests[1:]]


async def test_notes_that_lost_most_are_asked_for_again(storage: Storage) -> None:
    memory, asked = await compacted(storage, says(NEW["uk"]), says(f"{OLD['uk']}\n{NEW['uk']}"))
    assert memory == f"{OLD['uk']}\n{NEW['uk']}"
    assert len(asked) == 2
    assert "«Чайка» за 14500" in asked[1]
    assert re.search(r"\d+\s+words", asked[0])


@pytest.mark.parametrize("second", first([says(NEW["uk"]), says("Не можу."), [ServerTrouble("down")]]))
async def test_old_lines_are_kept_where_that_fails(storage: Storage, second: Script) -> None:
    memory, asked = await compacted(storage, says(NEW["uk"]), second)
    assert len(asked) == 2
    assert {*OLD["uk"].split("\n"), *NEW["uk"].split("\n")} == {*memory.split("\n")}


def test_lost_lines_return_to_their_sections() -> None:
    old = "- loose\n# People\n- Anna Maier\n- Bob\n\n# Gone\n- Karl"
    new = "# People\n- Bob\n\n# Plans\n- sailing"
    joined = add_lines(new, old, ["- loose", "- Anna Maier", "- Karl"], 1000, estimate)
    assert joined == "- loose\n# People\n- Bob\n- Anna Maier\n# Plans\n- sailing\n# Gone\n- Karl"
