"""Only quotes of what was forgotten are removed from a turn of a group."""

import pytest

from bot.conversation.quote_removal import said_in, without_quotes

SAID = said_in("[Mon 2026-11-30 10:00] > Ann: which?\nBob: my boat\n  is the Zanzibarine")
QUOTE = "> Bob: my boat\n>   is the Zanzibarine\n"


@pytest.mark.parametrize(
    ("content", "left"),
    [
        (f"{QUOTE}Cleo: nice", "Cleo: nice"),
        (f"[Mon 2026-11-30 10:05] {QUOTE}Cleo: nice", "[Mon 2026-11-30 10:05] Cleo: nice"),
        ("> Bob: the Zanzibarine\nCleo: nice", "Cleo: nice"),
        ("> Bob: my boat is the Zanz…\nCleo: nice", "Cleo: nice"),
        (
            f"Cleo: one\n{QUOTE}Cleo: two\n> Ann: which?\nCleo: three",
            "Cleo: one\nCleo: two\n> Ann: which?\nCleo: three",
        ),
        ("> Ann: my boat is the Zanzibarine\nCleo: nice", None),
        ("> Bob: another boat\nCleo: nice", None),
        ("Cleo: nice\n  > Bob: my boat is the Zanzibarine", None),
    ],
    ids=["whole", "stamp", "part", "cut", "several", "another author", "other words", "typed"],
)
def test_quote_is_recognized_by_author_and_words(content: str, left: str | None) -> None:
    assert without_quotes(content, [SAID]) == (content if left is None else left)


def test_nothing_is_removed_for_wordless_message() -> None:
    content = "> Bob: my boat\nCleo: nice"
    assert without_quotes(content, ["Bob: ", ""]) == content
