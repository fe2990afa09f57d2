"""Letters that were saved as files are read as their words."""

from email.message import EmailMessage
from time import process_time

import pytest

from bot.media.document import read_document
from bot.media.mail import is_email


def _text(data: bytes) -> str:
    return read_document(data, "a.eml", None, most_characters=1000, language="ru").text


def _letter(subtype: str = "plain", words: str = "Привет, мир\n", charset: str = "utf-8") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"] = "Анна <ann@a.example>", "bob@b.example"
    made["Subject"] = "Счёт № 5"
    made.set_content(words, subtype, charset=charset, cte="base64")
    return made


@pytest.mark.parametrize("charset", ["utf-8", "koi8-r", "windows-1251"])
def test_a_letter_is_read_as_its_words(charset: str) -> None:
    head = "From: Анна <ann@a.example>\nTo: bob@b.example\nSubject: Счёт № 5\n\n"
    assert _text(_letter(charset=charset).as_bytes()) == f"{head}Привет, мир"


def test_a_page_as_a_letter_with_a_file() -> None:
    made = _letter("html", "<p>5<sup>2</sup><p>Привет")
    made.add_attachment(b"%PDF", "application", "pdf", filename="счёт.pdf")
    assert _text(made.as_bytes()).endswith("\n\n5^2\nПривет\n[attached files, not read here: счёт.pdf]")


@pytest.mark.parametrize(
    "text",
    [
        "From: me\nDate: today\n\nDear diary",
        "a: 1\nb: 2\nc: 3\n\nx",
        "Received: 5\n",
        "From: x\nMIME-Version: 1.0\nno header\n\n",
    ],
)
def test_what_only_looks_like_one_is_a_text(text: str) -> None:
    assert _text(text.encode()) == text.strip()


@pytest.mark.parametrize("charset", ["no-such", "unknown-8bit", "ansi"])
def test_a_letter_in_an_unknown_encoding_is_guessed(charset: str) -> None:
    made = _letter(charset="windows-1251").as_bytes()
    assert _text(made.replace(b'charset="windows-1251"', charset.join(('charset="', '"')).encode())).endswith(
        "\n\nПривет, мир"
    )


def test_a_damaged_header_costs_only_itself() -> None:
    data = b'From: a\nTo: b\nCc: "\nMIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\nd29yZHM='
    assert _text(data) == 'From: a\nTo: b\nCc: "\n\nwords'


def test_long_header_is_dropped_in_any_place() -> None:
    long = b"To: " + b"\n ".join([b"a@b.cc, " * 200] * 40) + b"\n"
    head = b"From: a\nMIME-Version: 1.0\n"
    letters = (head + long + b"To: b\n\nhi", head + b"To: b\n" + long + b"\nhi")
    began = process_time()
    assert [_text(data) for data in letters] == ["From: a\n\nhi", "From: a\nTo: b\n\nhi"]
    assert process_time() - began < 2


def test_many_headers_take_little_time() -> None:
    for line in (b"a: b\n", b"a:\n ", b"a" * 61 + b":"):
        began = process_time()
        assert not is_email(line * 100_000)
        assert process_time() - began < 2
