"""Texts from before Unicode are read as what they say, short lists too."""

import random
import unicodedata

import pytest

from bot.media.legacy_encodings import guess_encoding
from bot.media.text import decode_text
from tests.media.texts import LISTS, PROSE
from tests.selection import some


def _bytes(text: str, encoding: str) -> bytes:
    return (_with_accents_apart(text) if encoding == "cp1258" else text).encode(encoding)


def _with_accents_apart(text: str) -> str:
    """As the Vietnamese table has it: the tone behind its vowel."""
    tones = "\u0300\u0301\u0303\u0309\u0323"
    apart = []
    for char in text:
        whole = unicodedata.normalize("NFD", char)
        vowel = unicodedata.normalize("NFC", "".join(one for one in whole if one not in tones))
        apart.append(vowel + "".join(one for one in whole if one in tones))
    return "".join(apart)


def _read(data: bytes, language: str | None) -> str:
    return unicodedata.normalize("NFC", decode_text(data, language).words)


@pytest.mark.parametrize(("language", "encoding", "text"), some([*LISTS, *PROSE], 3))
def test_it_is_read_in_its_senders_language(language: str, encoding: str, text: str) -> None:
    assert _read(_bytes(text, encoding), language) == text


@pytest.mark.parametrize(("language", "encoding", "text"), PROSE)
def test_sentences_need_no_language(language: str, encoding: str, text: str) -> None:
    assert _read(_bytes(text, encoding), None) == text


def test_most_lists_need_no_language_either() -> None:
    wrong = [row for row in LISTS if _read(_bytes(row[2], row[1]), None) != row[2]]
    assert len(wrong) <= len(LISTS) // 8, wrong


@pytest.mark.parametrize("language", ["ru-RU", "zh-hans", "pt-br", "xx", ""])
def test_a_text_in_another_language_than_its_senders(language: str) -> None:
    assert _read("日付,金額,備考\n1,パソコン,支払い済み\n".encode("cp932"), language).endswith("支払い済み\n")
    assert _read("Собака спит под столом, а кошка на окне.\n".encode("cp1251"), language).startswith("Собака")
    assert _read("Der Hund schläft, müde und groß.\n".encode("cp1252"), language).startswith("Der Hund schläft, müde")


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "cp866"])
@pytest.mark.parametrize("text", ["СЧЕТ НА ОПЛАТУ\nИТОГО 1200 РУБ\n", "1;ГАЙКА;5\n2;БОЛТ;6\n", "ПРИВЕТ МИР"])
def test_capitals_are_no_small_letters(encoding: str, text: str) -> None:
    assert _read(text.encode(encoding), "ru") == text


def test_one_foreign_comment_in_a_program() -> None:
    program = "int main(){\n" * 50 + "// инициализация\n" + "return 0;}\n" * 50
    assert _read(program.encode("cp1251"), "en") == program


def test_boxes_are_boxes_everywhere() -> None:
    box = "┌────┐\n│Menu│\n└────┘\n"
    assert _read(box.encode("cp437"), "en") == box


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_euro_of_iso_8859_15(language: str) -> None:
    assert _read("Prix : 5 €, cœur\n".encode("iso8859-15"), "fr").startswith("Prix : 5 €, cœur")
    assert _read("Price: 5 €\n".encode("iso8859-15"), language) == "Price: 5 €\n"


def test_a_guess_is_said_to_be_one() -> None:
    assert decode_text("Болт;нет\n".encode("cp1251")).encoding == "windows-1251"
    assert decode_text("1,苹果\n".encode("gb18030"), "zh-hans").encoding == "gb18030"
    assert decode_text("Болт;нет\n".encode()).encoding is None
    assert decode_text("Болт;нет\n".encode("utf-16")).encoding is None
    assert decode_text(b"plain\n").encoding is None


def test_a_bad_byte_costs_only_itself() -> None:
    data = "Собака спит под столом. ".encode("cp1251") * 5
    assert decode_text(data + b"\x98" + data).words.count("Собака спит под столом.") == 10


def test_encoding_of_long_line_uses_foreign_part() -> None:
    """Letters that are not ASCII may come late in a long line."""
    data = b'{"a": 1}, ' * 20_000 + "Собака спит под столом".encode("cp1251")
    assert decode_text(data).words.endswith("Собака спит под столом")


def test_noise_is_no_text() -> None:
    for seed in range(3):
        assert guess_encoding(bytes(random.Random(seed).choices(range(0x80, 0x100), k=300)), None) is None


@pytest.mark.parametrize(
    ("language", "encoding", "text"),
    [
        *(("en", "cp1252", text) for text in ("• milk\n• eggs\n", "Tea,5 €\nCake,12 €\n", "£5\n", "§ 12\n", "a – b\n")),
        *(
            ("en", "cp1252", text)
            for text in ("it’s\n", "“ok”\n", "© 2024\n", "5 ½ cups\n", "10 µm\n", "± 5\n", "25°C\n")
        ),
        *(("de", "cp1252", text) for text in ("§ 5 Abs. 1\n", "„Hallo“\n")),
        *(("ru", "cp1251", text) for text in ("№;Name\n1;Ivan\n", "№ 5\n", "100 €\n", "API — interface\n", "«a»\n")),
        *(
            ("pl", "cp1250", "5 € – 6 €\n"),
            ("el", "cp1253", "5 €\n"),
            ("he", "cp1255", "5 ₪\n"),
            ("tr", "cp1254", "5 €\n"),
        ),
        *(
            ("ja", "cp932", "ﾌﾘｺﾐ,5000\nﾀﾅｶ ﾀﾛｳ,300\n"),
            ("th", "cp874", "สวัสดี\n"),
            ("fr", "cp1252", "« Bonjour »\n"),
            ("fr", "cp1252", "5 à 7\n"),
        ),
    ],
)
def test_a_sign_or_a_word_is_enough(language: str, encoding: str, text: str) -> None:
    assert _read(text.encode(encoding), language) == text


@pytest.mark.parametrize("word", ["Käse", "déjà", "Größe"])
def test_a_sign_within_a_word_is_a_letter(word: str) -> None:
    for encoding in ("cp850", "mac_roman"):
        assert _read(f"1;{word}\n".encode(encoding), "de") == f"1;{word}\n"
