import pytest

from bot.outbound.splitting import may_cut


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("e", "\u0301"),
        ("👩", "\u200d👧"),
        ("👩\u200d", "👧"),
        ("👍", "🏽"),
        ("❤", "\ufe0f"),
        ("🇩", "🇪"),
        ("🇫🇷🇩", "🇪"),
        ("\r", "\n"),
    ],
)
def test_one_visible_character_is_not_cut(before: str, after: str) -> None:
    assert not may_cut(before + after, len(before))


@pytest.mark.parametrize(
    ("before", "after"), [("a", "b"), ("你", "好"), ("👩", "👧"), ("🇩🇪", "🇫🇷"), ("", "a"), ("a", "")]
)
def test_between_two_characters_a_cut_is_fine(before: str, after: str) -> None:
    assert may_cut(before + after, len(before))
