"""Plain texts in Unicode, with and without marks, whole and broken."""

import random

import pytest

from bot.media.media_errors import NotSupportedError
from bot.media.text import decode_text

RUSSIAN = "Привет, завтра в десять"


@pytest.mark.parametrize(
    "text",
    [RUSSIAN, "今天天气很好，我们去公园", "สวัสดี พรุ่งนี้เจอกัน", "plain words", "Ελλάδα και λίγο", "日本語の文章です"],
)
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-16", "utf-8-sig"])
def test_unicode_is_known_without_a_mark(text: str, encoding: str) -> None:
    assert decode_text(text.encode(encoding)).words == text


@pytest.mark.parametrize("cut", [1, 2])
def test_a_text_may_end_within_a_character(cut: int) -> None:
    assert decode_text("одно слово и 语".encode()[:-cut]).words == "одно слово и "


def test_final_accented_letter_is_not_half_utf8() -> None:
    """Bytes cut off in the middle of a UTF-8 letter look the same."""
    assert decode_text("un café".encode("cp1252"), "fr").words == "un café"


def test_mail_in_japanese() -> None:
    assert decode_text("件名: 会議\n".encode("iso2022_jp")).words == "件名: 会議\n"


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "cp1251"])
def test_zeros_in_a_log_are_left_out(encoding: str) -> None:
    line = ("one line of a log\n" if encoding == "ascii" else "одна строка журнала\n").encode(encoding)
    plain = line.decode(encoding)
    read = [
        decode_text(data, "ru").words.replace("\0", "") for data in (line * 9 + b"\0\0\0" + line, b"\0" * 70_001 + line)
    ]
    assert read == [plain * 10, plain]


def test_text_beginning_like_another_format_is_text() -> None:
    for start in (
        b"PK is short for Phil Katz",
        b"GIF89a was a format",
        b"BM is for bitmap",
        b"MZ is for Mark",
        b"ID3 tags",
    ):
        assert decode_text(start).words == start.decode()


@pytest.mark.parametrize(("more", "fewer"), [("utf-8", "cp1251"), ("cp1251", "utf-8"), ("utf-8", "utf-8")])
def test_a_log_of_two_encodings(more: str, fewer: str) -> None:
    lines = ["INFO Привет мир, всё хорошо\n"] * 20, ["WARN Файл не найден\n"] * 3
    data = b"".join("".join(some).encode(encoding) for some, encoding in zip(lines, (more, fewer), strict=True))
    read = decode_text(data, "ru")
    assert read.words == "".join(line for some in lines for line in some)
    assert read.encoding == (None if more == fewer else "UTF-8 and windows-1251")


def test_odd_bytes_cost_only_themselves() -> None:
    assert decode_text(b"GET / 200\n" * 30 + b"q=caf\xc3\xa9\nq=caf\xe9\n").words.endswith("q=café\nq=caf�\n")


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("iso8859-5", '<?xml version="1.0" encoding="iso-8859-5"?><a>Привет</a>'),
        ("iso8859-5", '<html><head><meta charset="iso-8859-5"></head><p>Привет</p></html>'),
        ("koi8-r", "# -*- coding: koi8-r -*-\nx = 'ДА'\n"),
        ("iso8859-6", "Content-Type: text/plain; charset=ISO-8859-6\n\nمرحبا"),
        ("cp1252", '<meta charset="latin1"><p>5 €</p>'),
        ("cp866", '<META HTTP-EQUIV="Content-Type" CONTENT="text/html; CHARSET=cp866">ДА'),
        ("koi8-r", '@charset "koi8-r";\np:before { content: "ДА" }'),
    ],
)
def test_what_it_says_its_encoding_is(encoding: str, text: str) -> None:
    read = decode_text(text.encode(encoding), "en")
    assert (read.words, read.encoding) == (text, None)


@pytest.mark.parametrize("name", ["utf-8", "hex", "no-such-thing", "undefined"])
def test_what_it_says_may_be_wrong(name: str) -> None:
    text = f"# coding: {name}\n# Собака спит под столом\n"
    assert decode_text(text.encode("cp1251"), "ru").words == text


def test_who_speaks_of_encodings_names_none() -> None:
    text = "Сайт в charset=koi8-r, encoding: iso-8859-5, письма в utf-7\n"
    assert decode_text(text.encode("cp1251"), "ru").words == text


def test_what_terminals_and_printers_are_told() -> None:
    assert decode_text(b"\x1b[31mError\x1b[0m \x1b]0;title\x07ok\n").words == "Error ok\n"
    assert decode_text(b"N\x08NA\x08AM\x08ME\x08E\n_\x08a\n").words == "NAME\na\n"


@pytest.mark.parametrize("size", [50, 300, 2000])
def test_bytes_by_chance_are_none(size: int) -> None:
    for seed in range(5):
        with pytest.raises(NotSupportedError):
            decode_text(random.Random(seed).randbytes(size))


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251"])
def test_zeros_at_line_ends_are_removed(encoding: str) -> None:
    log = "2024 ошибка\0\n2024 готово\0\n" * 20
    assert decode_text(log.encode(encoding), "ru").words == log.replace("\0", "")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PATH=/bin\0HOME=/root\0LANG=C\0", "PATH=/bin\nHOME=/root\nLANG=C"),
        (b"NAME\0\0\0\0\0VALUE\0\0\0\n" * 9, "NAME VALUE\n" * 9),
        (b"start ok\0\r\nend ok\0\r\n" * 9, "start ok\r\nend ok\r\n" * 9),
        ("hello, ".encode("utf-16-le") * 9, "hello, " * 9),
    ],
    ids=["list", "columns", "windows", "utf-16"],
)
def test_zeros_part_what_they_stand_between(data: bytes, words: str) -> None:
    assert decode_text(data).words == words


def test_line_accidentally_valid_utf8_changes_nothing() -> None:
    """One of eight hundred lines of four characters in GB 2312 is."""
    words = "画龙点睛\n守株待兔\n" * 20 + "矛摩夕犀\n"
    assert "矛摩夕犀".encode("gb2312").decode()
    read = decode_text(words.encode("gb2312"), "zh")
    assert (read.words, read.encoding) == (words, "gb18030")
