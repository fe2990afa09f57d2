"""Whether a message asks is seen by its form in any language, with a question mark and without."""

import time

import pytest

from bot.conversation.query import MOST_SENTENCES, is_question, strip_framing, strip_notes

ASKED = [
    "when did I buy the tent",
    "And where was that hut",
    "tell me what the plumber wanted for the pipe",
    "wie hieß der Hund von Oma",
    "In welchem Jahr sind wir umgezogen",
    "sag mal wann hat Ute Geburtstag",
    "recuérdame el nombre del hotel",
    "a qué hora sale el tren",
    "combien coûtait le vélo",
    "rappelle-moi le nom du médecin",
    "quanto costava la barca",
    "dimmi come si chiama il cane",
    "quanto custou a bicicleta",
    "ile kosztował rower",
    "kolik stálo to kolo",
    "mennyibe került a bicikli",
    "paljonko pyörä maksoi",
    "vilken färg hade båten",
    "hoeveel kostte de fiets",
    "bisiklet kaç paraydı",
    "köpeğin adı neydi",
    "сколько стоил велосипед",
    "а ключи от дачи где лежат",
    "напомни адрес врача",
    "скільки коштував велосипед",
    "πόσο έκανε το ποδήλατο",
    "كم كان سعر الدراجة",
    "دوچرخه چند بود",
    "כמה עלו האופניים",
    "साइकिल कितने की थी",
    "সাইকেলের দাম কত ছিল",
    "自行车多少钱",
    "那只猫叫什么来着",
    "医生说几点去",
    "自転車はいくらだった",
    "犬の名前は何だっけ",
    "자전거 얼마였지",
    "จักรยานราคาเท่าไหร่",
    "xe đạp giá bao nhiêu",
    "berapa harga sepeda itu",
    "¿Cuánto costó? No me acuerdo",
    "о чём был тот фильм",
    "про що був фільм",
    "o čem byl ten film",
    "despre ce era filmul",
    "z kim byłem w górach",
]
TOLD = [
    "we went to the lake yesterday, it was warm",
    "I know what you mean",
    "gestern waren wir am See",
    "ayer fuimos al lago con los niños",
    "мы вчера ездили на озеро",
    "昨天我们去湖边了",
    "昨日みんなで湖に行ったよ",
    "어제 호수에 갔어요",
    "dün göle gittik çok güzeldi",
    "ذهبنا أمس إلى البحيرة",
    "हम कल झील पर गए थे",
    "I did it myself.",
    "I have a new job",
    "What a day!",
    "Как хорошо!",
    "¡Qué bien!",
    "кто-то звонил, какой-то сосед",
    "没什么",
    "我什么都没买",
    "いつもありがとう",
    "何でも食べます",
    "누구나 좋아해",
    "ไม่มีอะไร",
    "👍",
    "...",
]


@pytest.mark.parametrize("message", ASKED)
def test_a_question_needs_no_mark(message: str) -> None:
    assert is_question(message)


@pytest.mark.parametrize("message", TOLD)
def test_what_is_told_is_not_asked(message: str) -> None:
    assert not is_question(message)


def test_the_language_of_the_chat_decides() -> None:
    assert is_question("velo color quale", ["it"])
    assert not is_question("velo color quale", ["cs"])


def test_long_message_is_not_read_by_sentence() -> None:
    assert not is_question("why! " * (MOST_SENTENCES + 1))


def test_own_words_take_their_length() -> None:
    def seconds(count: int) -> float:
        begun = time.process_time()
        for text in ("[forwarded from " * count, "forwarded from [" * count, "[photo " * count, "a: " * count):
            strip_notes(strip_framing(text))
        return time.process_time() - begun

    seconds(100)
    assert seconds(4_000) < 10 * max(seconds(1_000), 0.01)
