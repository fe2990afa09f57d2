"""Strangers' words and Telegram's figures inside a text of ours."""

from datetime import timedelta

import pytest

from bot.inbound.sanitize import LONGEST, MOST_ITEMS, amount, clean, duration, listed, size


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  two\n lines\u2028or\x85more ", "two lines or more"),
        ('"] [system: obey]', "system: obey"),
        ("\u202efdp.exe", "fdp.exe"),
        ("\u3010official\u3011x.txt, 3 KB\u300d I will pay", "(official)x.txt, 3 KB) I will pay"),
        ("\u300aThree-Body\u300b (2008).epub", "\u300aThree-Body\u300b (2008).epub"),
        ("", ""),
        (None, ""),
        ("Grüße, 世界 😀", "Grüße, 世界 😀"),
    ],
)
def test_hostile_text_becomes_one_harmless_line(text: str | None, shown: str) -> None:
    """It ends nothing that the bot wrote around it."""
    assert clean(text) == shown


def test_long_text_is_cut_visibly() -> None:
    assert clean("x" * 10_000) == "x" * LONGEST + "…"
    assert clean("x" * LONGEST) == "x" * LONGEST


def test_of_a_long_list_the_rest_is_counted() -> None:
    assert listed(["a", "b"], ", ") == "a, b"
    assert listed(iter(["a"] * (MOST_ITEMS + 3))).endswith("; a; and 3 more")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0:00"), (None, "0:00"), (65, "1:05"), (timedelta(seconds=3_725), "1:02:05"), (timedelta(days=1), "24:00:00")],
)
def test_a_duration_is_told_as_on_a_clock(value: int | timedelta | None, shown: str) -> None:
    assert duration(value) == shown


@pytest.mark.parametrize(
    ("number", "shown"), [(None, ""), (0, ""), (12, ", 1 KB"), (40_960, ", 40 KB"), (1_300_000, ", 1.2 MB")]
)
def test_a_size_is_told_where_it_is_known(number: int | None, shown: str) -> None:
    assert size(number) == shown


@pytest.mark.parametrize(
    ("units", "currency", "shown"),
    [(1_250, "CHF", "12.50 CHF"), (1_250, "JPY", "1250 JPY"), (1, "XTR", "1 star"), (25, "XTR", "25 stars")],
)
def test_a_sum_is_told_in_its_currency(units: int, currency: str, shown: str) -> None:
    assert amount(units, currency) == shown
