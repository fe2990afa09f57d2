"""What a model puts before its answer is taken off, however long the answer is."""

from time import thread_time

import pytest

from bot.conversation.generation import MOST_BLANKS, SpeakerPrefix

HEADS = SpeakerPrefix(["Keepsake", "Großer Bär"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Hello", "Hello"),
        (" Hello", " Hello"),
        ("[Mon 2026-11-23 12:00] Hello", "Hello"),
        ("  [Mon 2026-11-23 12:00]  Keepsake:\n Hello\n", "Hello\n"),
        ("keepsake: Hello: you", "Hello: you"),
        ("GROSSER BÄR: Hello", "Hello"),
        ("Großer Bär: Hello", "Hello"),
        ("[1] is a note", "[1] is a note"),
        ("Keepsake is a word", "Keepsake is a word"),
        (" " * 9 * MOST_BLANKS + "Hello", " " * 9 * MOST_BLANKS + "Hello"),
        ("Keepsake:" + " " * 9 * MOST_BLANKS + "Hello", "Hello"),
    ],
)
def test_a_head_is_taken_off_and_nothing_else(text: str, shown: str) -> None:
    assert HEADS.off(text) == shown


@pytest.mark.parametrize("head", ["", "[Mon 2026-11-23 12:00] ", "Keepsake: "])
def test_growing_speaker_prefix_is_never_shown(head: str) -> None:
    text = f"{head}Hello"
    grown = [HEADS.off(text[:end], more=True) for end in range(1, len(text) + 1)]
    assert all("Hello".startswith(shown.strip()) for shown in grown)
    assert grown[-1] == "Hello"


@pytest.mark.parametrize("letter", ["a", "ß", " "])
def test_looking_at_a_long_answer_costs_no_more(letter: str) -> None:
    def took(length: int) -> float:
        text, began = letter * length, thread_time()
        for _ in range(200):
            HEADS.off(text, more=True)
        return thread_time() - began

    took(1_000)
    assert min(took(1_000_000) for _ in range(3)) < 20 * max(took(2_000), 0.0005)
