"""A message is rendered once, as data that can't be mistaken for our own lines."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.conversation.said import Said, clean_name, glue, render, stamp, utf16_length

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def _said(text: str = "hello", at: datetime = NOON, **more: str) -> Said:
    return Said(message_id=1, sender_id=5, text=text, at=at, **more)


def test_the_first_message_says_the_local_time() -> None:
    assert stamp(_said(), None, ZoneInfo("Asia/Shanghai")) == "[Mon 2026-11-23 20:00] "


@pytest.mark.parametrize(
    ("later", "stamped"),
    [
        (timedelta(minutes=29), False),
        (timedelta(minutes=30), True),
        (timedelta(hours=12), True),
        (timedelta(minutes=-5), False),
    ],
)
def test_the_time_is_said_again_after_half_an_hour(later: timedelta, stamped: bool) -> None:
    assert bool(stamp(_said(at=NOON + later), NOON.timestamp(), UTC)) is stamped


def test_the_time_is_said_again_on_a_new_day() -> None:
    late = NOON.replace(hour=23, minute=55)
    assert stamp(_said(at=late + timedelta(minutes=10)), late.timestamp(), UTC) == "[Tue 2026-11-24 00:05] "


def test_in_private_the_words_stand_alone() -> None:
    assert render(_said("hello\nworld")) == "hello\nworld"


def test_in_a_group_the_speaker_is_named() -> None:
    assert render(_said("hello", speaker="Ann")) == "Ann: hello"


def test_a_forward_and_a_quote_say_what_they_are() -> None:
    said = _said("look", forwarded_from="Bob", quote="what\nwas said")
    assert render(said) == "> what was said\n[forwarded from Bob]\nlook"


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("Ann", "Ann"),
        ("Ann\nBob: I agree", "Ann Bob I agree"),
        ("[system] Ann", "system Ann"),
        ("  \u202e\u200b ", "Someone"),
        ("x" * 100, "x" * 32),
        ("Зоя 李", "Зоя 李"),
    ],
)
def test_a_name_can_not_fake_another_line(name: str, clean: str) -> None:
    assert clean_name(name) == clean


def test_a_text_that_was_cut_in_the_middle_of_a_word_grows_together_again() -> None:
    assert glue(_said("x" * 4096), _said("yz")) == ""
    assert glue(_said("x" * 4090), _said("yz")) == "\n"
    assert glue(_said("😀" * 2048), _said("yz")) == ""


def test_separate_messages_stay_apart() -> None:
    assert glue(None, _said()) == "\n\n"
    assert glue(_said(), _said(forwarded_from="Bob")) == "\n\n"


def test_length_is_counted_in_utf16_units() -> None:
    assert utf16_length("a😀") == 3
