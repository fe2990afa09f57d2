"""What a person names is found in every inflection, and nothing else is."""

import time

import pytest

from bot.conversation import matching as inflection
from bot.conversation.matching import MOST_INFLECTED, languages_in, make_matcher, stop_word_test

ALL = frozenset({"en", "de", "es", "ru", "pl"})


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("пароль", "я вошла с паролем"),
        ("пароль", "Пароли у меня записаны"),
        ("ПАРОЛЬ", "без пароля никак"),
        ("contraseña", "mis Contrasenas"),
        ("Passwort", "meine Passwörter"),
        ("hasło", "z hasłem i bez hasła"),
        ("son Peter", "Peter is my son's name"),
        ("boats", "> the boat is green\nreally"),
        ("Zoë", "ZOE was here"),
        ("密码", "我的密码是一二三"),
        ("猫", "她的猫很胖"),
        ("secret 密码", "the secret is 密码"),
        ("пароль wifi", "the wifi: паролем не делюсь"),
        ("❤️", "I ❤ you"),
        ("😀", "so 😀!"),
        ("*", "2 * 3"),
        ("x", "let x be"),
        ("42", "room 42."),
        ("+41 79", "call +41 79 123"),
        ('"green boat"', "a Green\nBoat at sea"),
        ("«синяя лодка»", "вот Синяя лодка"),
        ("the", "in the end"),
        ("a" * 4096, "b " + "a" * 4096),
        ("北京", "去北京了"),
        ("Ζωή", "η ζωη"),
        ("คน", "มีคนมา"),
        ("비밀번호", "비밀번호를 잊었다"),
        ("כלב", "הכלב שלי"),
        ("день рождения", "нет дня рождения"),
        ("Павел", "встретила Павла"),
        ("Льву", "Лев Толстой"),
        ("дочь", "подарок дочери"),
        ("подарок", "без подарков"),
        ("hasło", "haseł nie ma"),
        ("wife", "their wives"),
        ("children", "a child"),
        ("luz", "muchas luces"),
        ("wifi", "the Wi-Fi code"),
        ("Passwort", "das Bankpasswort"),
        ("Konto", "Kontostand"),
        ("Łódź", "w Lodz"),
        ("cœur", "mon coeur"),
        ("ছেলে", "ছেলেকে বলো"),
        ("პაროლი", "პაროლის გარეშე"),
        ("١٢٣٤", "pin 1234"),
        ("1234", "رمزي ۱۲۳۴"),
    ],
)
def test_what_is_named_is_found(asked: str, text: str) -> None:
    assert make_matcher(asked, ALL).matches(text)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("son Peter", "Peter called"),
        ("son", "a song of a person"),
        ("Peter", "Petersburg"),
        ("4", "room 42"),
        ("x", "extra"),
        ('"green boat"', "the boat is green"),
        ('"boat"', "boats"),
        ("密码", "我的码"),
        ("😀", "so 😁!"),
        ("", "anything"),
        ("*", "stars"),
        ("пароль", "парад"),
        ("Maria", "Mario came"),
        ("кот", "кто там"),
        ("год", "где он"),
        ("сон", "мой сын"),
        ("дочь", "дочитал"),
        ("man", "many"),
        ("life", "live"),
        ("Passwort", "Passbild"),
    ],
)
def test_what_is_not_named_stays(asked: str, text: str) -> None:
    assert not make_matcher(asked, frozenset({"en"})).matches(text)
    assert not make_matcher(asked, frozenset({"de", "ru"})).matches(text) or asked in ("Peter", "son")


def test_the_languages_are_those_spoken_and_chosen() -> None:
    said = ["Ich habe das nicht gesehen und weiß es auch nicht", "hello"]
    assert languages_in(said, ["pt-BR", None]) == {"de", "pt"}


def test_small_words_can_be_left_out() -> None:
    languages = frozenset({"en"})
    assert not make_matcher("about my boat", languages).matches("the boat is green")
    assert make_matcher("about my boat", languages, without=stop_word_test(languages)).matches("the boat is green")
    assert not make_matcher("the", languages, without=stop_word_test(languages))


def test_few_words_are_stemmed_in_a_long_history(monkeypatch: pytest.MonkeyPatch) -> None:
    stemmed: list[str] = []

    def stem(word: str, _: str) -> str:
        stemmed.append(word)
        return word

    monkeypatch.setattr(inflection, "stem", stem)
    wanted = make_matcher("boats", ALL)
    stemmed.clear()
    for number in range(2_000):
        wanted.matches(f"word{number} b{number} another sentence {number}")
    assert not stemmed
    wanted.matches("the boat")
    assert "boat" in stemmed


def test_long_word_by_dash_takes_linear_time() -> None:
    def seconds(size: int) -> float:
        began = time.thread_time()
        make_matcher("wifi", ALL).matches(f"{'a' * size} - wi-fi")
        return time.thread_time() - began

    short, long = (min(seconds(size) for _ in range(3)) for size in (3_000, 12_000))
    assert long < 10 * max(short, 0.01)


def test_words_beyond_the_first_must_occur_literally() -> None:
    asked = " ".join(f"word{number}" for number in range(MOST_INFLECTED)) + " sailing"
    found = make_matcher(asked, frozenset({"en"}))
    assert found.matches(f"{asked} and more")
    assert not found.matches(asked.replace("sailing", "sail"))
